//! A table of requests that are refused by a running shop, each with its status and code; and nothing is changed.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::{EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use tradewind_tests::{
    client::{Client, keyed, order},
    shop::Shop,
};

struct Case<'a> {
    what: &'a str,
    who: &'a Client,
    method: Method,
    path: String,
    key: &'a str,
    body: Vec<u8>,
    is: (u16, &'a str),
}

fn post<'a>(what: &'a str, who: &'a Client, path: &str, body: &Value, is: (u16, &'a str)) -> Case<'a> {
    Case { what, who, method: Method::POST, path: path.to_owned(), key: what, body: body.to_string().into(), is }
}

impl<'a> Case<'a> {
    fn raw(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    fn key(self, key: &'a str) -> Self {
        Self { key, ..self }
    }

    fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }
}

/// An order with some fields changed.
fn with(changes: Value) -> Value {
    let mut order = order("LAMP", 1, "tok_visa");
    for (field, value) in changes.as_object().expect("fields") {
        order[field] = value.clone();
    }
    order
}

fn lines(lines: Value) -> Value {
    with(json!({"lines": lines}))
}

/// A token whose parts are these.
fn token(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// The same token with other claims, and the signature it had.
fn forged(token_of: &str, change: impl Fn(&mut Value)) -> String {
    let parts: Vec<&str> = token_of.split('.').collect();
    let mut claims = read(parts[1]);
    change(&mut claims);
    token(&read(parts[0]), &claims, parts[2])
}

fn read(part_of_token: &str) -> Value {
    let json = BASE64_URL_SAFE_NO_PAD.decode(part_of_token).expect("a part of a token");
    serde_json::from_slice(&json).expect("JSON")
}

/// What every Ed25519 key begins with in PKCS #8.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// The same token with other claims, signed anew with the shop's own key.
fn signed(shop: &Shop, token_of: &str, change: impl Fn(&mut Value)) -> String {
    let parts: Vec<&str> = token_of.split('.').collect();
    let mut claims = read(parts[1]);
    change(&mut claims);
    let secrets = std::fs::read(shop.data_dir().join("secrets.json")).expect("the shop's keys");
    let secrets: Value = serde_json::from_slice(&secrets).expect("JSON");
    let seed = BASE64_STANDARD.decode(secrets["signing_seed"].as_str().expect("a seed")).expect("base64");
    let key = EncodingKey::from_ed_der(&[&PKCS8[..], &seed].concat());
    let header: Header = serde_json::from_value(read(parts[0])).expect("a header");
    jsonwebtoken::encode(&header, &claims, &key).expect("a token")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_its_code_and_nothing_is_changed() {
    let shop = Shop::embedded().await;
    let product = shop.sell("LAMP", 4900, 10).await;
    let product = product["id"].as_str().expect("an id");
    let mut customers = shop.customers(2).await;
    let (mallory, ada) = (customers.remove(1), customers.remove(0));
    let (guest, admin) = (shop.guest(), shop.administrator().await);
    let hers = ada.place("hers", &order("LAMP", 1, "tok_visa")).await.expect(201);
    let (of_ada, payment) = (
        format!("/v1/orders/{}", hers["id"].as_str().expect("an id")),
        format!("/v1/payments/{}", hers["payment"]["id"].as_str().expect("an id")),
    );
    let before = state(&shop, &admin, &[&ada, &mallory]).await;

    let header = json!({"alg": "none", "typ": "JWT"});
    let stolen = mallory.token();
    let unsigned =
        guest.with_token(&forged(stolen, |_| {}).rsplit_once('.').map(|(body, _)| format!("{body}.")).expect("parts"));
    let promoted = guest.with_token(&forged(stolen, |claims| claims["roles"] = json!(["admin"])));
    let eternal = guest.with_token(&forged(stolen, |claims| claims["exp"] = json!(9_999_999_999_u64)));
    let expired = guest.with_token(&signed(&shop, stolen, |claims| claims["exp"] = json!(1)));
    let still_valid = guest.with_token(&signed(&shop, stolen, |_| {}));
    still_valid.get("/v1/users/me").await.expect(200);
    let claims = json!({"iss": "tradewind", "aud": "tradewind", "sub": hers["customer_id"], "roles": ["admin"], "exp": 9_999_999_999_u64});
    let none = guest.with_token(&token(&header, &claims, ""));
    let nonsense = guest.with_token("nonsense");

    let fine = order("LAMP", 1, "tok_visa");
    let line = |quantity: Value| lines(json!([{"sku": "LAMP", "quantity": quantity}]));
    let receipts = "/v1/stock/LAMP/receipts";
    let price = format!("/v1/products/{product}/variants/LAMP/price");
    let one = json!({"quantity": 1});
    let deep = format!("{}1{}", "[".repeat(64), "]".repeat(64));
    let priced = |amount: Value| json!({"name": "X", "variants": [{"sku": "X", "price": {"amount": amount, "currency": "EUR"}}]});
    #[rustfmt::skip]
    let cases = [
        post("no-token", &guest, "/v1/orders", &fine, (401, "unauthenticated")),
        post("nonsense-for-a-token", &nonsense, "/v1/orders", &fine, (401, "invalid_token")),
        post("alg-none", &none, "/v1/orders", &fine, (401, "invalid_token")),
        post("no-signature", &unsigned, "/v1/orders", &fine, (401, "invalid_token")),
        post("made-themselves-admin", &promoted, receipts, &one, (401, "invalid_token")),
        post("made-it-last", &eternal, "/v1/orders", &fine, (401, "invalid_token")),
        post("expired", &expired, "/v1/orders", &fine, (401, "invalid_token")),
        post("a-customer-receives", &mallory, receipts, &one, (403, "forbidden")),
        post("a-customer-adjusts", &mallory, "/v1/stock/LAMP/adjustments", &json!({"delta": -1, "reason": "mine"}), (403, "forbidden")),
        post("a-customer-sells", &mallory, "/v1/products", &priced(json!(1)), (403, "forbidden")),
        post("a-customer-prices", &mallory, &price, &json!({"price": {"amount": 1, "currency": "EUR"}}), (403, "forbidden")).method(Method::PUT),
        post("a-customer-promotes", &mallory, &format!("/v1/users/{}/roles", hers["customer_id"].as_str().unwrap_or_default()), &json!({"roles": ["admin"]}), (403, "forbidden")).method(Method::PUT),
        post("at-my-price", &mallory, "/v1/orders", &lines(json!([{"sku": "LAMP", "quantity": 1, "unit_price": {"amount": 1, "currency": "EUR"}}])), (403, "forbidden")),
        post("at-my-discount", &mallory, "/v1/orders", &lines(json!([{"sku": "LAMP", "quantity": 1, "discount_bp": 9999}])), (403, "forbidden")),
        post("for-another", &mallory, "/v1/orders", &with(json!({"customer_id": hers["customer_id"]})), (403, "forbidden")),
        post("anothers-order", &mallory, &of_ada, &json!({}), (404, "not_found")).method(Method::GET),
        post("anothers-payment", &mallory, &payment, &json!({}), (404, "not_found")).method(Method::GET),
        post("anothers-cancellation", &mallory, &format!("{of_ada}/cancellation"), &json!({}), (404, "not_found")),
        post("a-malformed-id", &mallory, "/v1/orders/nonsense", &json!({}), (404, "not_found")).method(Method::GET),
        post("no-such-route", &mallory, "/v1/dragons", &json!({}), (404, "not_found")),
        post("no-such-method", &mallory, "/v1/orders", &json!({}), (405, "method_not_allowed")).method(Method::DELETE),
        post("no-key", &mallory, "/v1/orders", &fine, (400, "idempotency_key_required")).key(""),
        post("a-key-with-spaces", &mallory, "/v1/orders", &fine, (400, "invalid_idempotency_key")).key("a b"),
        post("no-key-for-a-receipt", &admin, receipts, &one, (400, "idempotency_key_required")).key(""),
        post("half-a-body", &mallory, "/v1/orders", &fine, (400, "malformed_body")).raw(r#"{"lines": ["#),
        post("no-utf-8", &mallory, "/v1/orders", &fine, (400, "malformed_body")).raw([b'"', 0xff, 0xfe, b'"']),
        post("too-deep", &mallory, "/v1/orders", &fine, (400, "malformed_body")).raw(deep),
        post("too-large", &mallory, "/v1/orders", &fine, (413, "too_large")).raw(vec![b' '; (1 << 20) + 1]),
        post("an-array", &mallory, "/v1/orders", &json!([]), (400, "invalid_body")),
        post("an-unknown-field", &mallory, "/v1/orders", &with(json!({"coupon": "FREE"})), (400, "invalid_body")),
        post("a-missing-field", &mallory, "/v1/orders", &json!({"lines": []}), (400, "invalid_body")),
        post("half-a-piece", &mallory, "/v1/orders", &line(json!(0.5)), (400, "invalid_body")),
        post("beyond-64-bits", &mallory, "/v1/orders", &line(json!(1e30)), (400, "invalid_body")),
        post("a-small-currency", &mallory, "/v1/orders", &with(json!({"currency": "eur"})), (400, "invalid_body")),
        post("nothing-of-it", &mallory, "/v1/orders", &line(json!(0)), (422, "invalid_quantity")),
        post("less-than-nothing", &mallory, "/v1/orders", &line(json!(-3)), (422, "invalid_quantity")),
        post("too-many", &mallory, "/v1/orders", &line(json!(i64::MAX)), (422, "invalid_quantity")),
        post("no-lines", &mallory, "/v1/orders", &lines(json!([])), (422, "validation_failed")),
        post("the-same-twice", &mallory, "/v1/orders", &lines(json!([{"sku": "LAMP", "quantity": 1}, {"sku": "LAMP", "quantity": 1}])), (422, "duplicate_sku")),
        post("an-unknown-sku", &mallory, "/v1/orders", &lines(json!([{"sku": "NOPE", "quantity": 1}])), (422, "unknown_sku")),
        post("another-currency", &mallory, "/v1/orders", &with(json!({"currency": "USD"})), (422, "currency_mismatch")),
        post("a-country-in-words", &mallory, "/v1/orders", &with(json!({"shipping_address": {"name": "M", "line1": "1", "city": "B", "postal_code": "1", "country": "Germany"}})), (422, "validation_failed")),
        post("paid-in-shells", &mallory, "/v1/orders", &with(json!({"payment_method": {"type": "shells", "token": "x"}})), (422, "validation_failed")),
        post("another-price-than-shown", &mallory, "/v1/orders", &with(json!({"expected_total": {"amount": 1, "currency": "EUR"}})), (409, "price_changed")),
        post("an-overflowing-price", &admin, "/v1/products", &priced(json!(i64::MAX)), (422, "validation_failed")),
        post("a-negative-price", &admin, "/v1/products", &priced(json!(-1)), (422, "validation_failed")),
        post("an-overflowing-receipt", &admin, receipts, &json!({"quantity": i64::MAX}), (422, "invalid_quantity")),
        post("a-negative-receipt", &admin, receipts, &json!({"quantity": -5}), (422, "invalid_quantity")),
        post("below-what-is-promised", &admin, "/v1/stock/LAMP/adjustments", &json!({"delta": -10, "reason": "count"}), (409, "below_promised")),
        post("stock-of-nothing", &admin, "/v1/stock/NOPE/receipts", &one, (404, "not_found")),
        post("taken-address", &guest, "/v1/users", &json!({"email": "buyer-0@shop.example", "password": "another password", "name": "Eve"}), (409, "email_taken")),
        post("a-short-password", &guest, "/v1/users", &json!({"email": "eve@shop.example", "password": "short", "name": "Eve"}), (422, "validation_failed")),
        post("a-wrong-password", &guest, "/v1/sessions", &json!({"email": "buyer-0@shop.example", "password": "is it this one"}), (401, "invalid_credentials")),
        post("a-key-used-before", &ada, "/v1/orders", &order("LAMP", 2, "tok_visa"), (422, "idempotency_key_reused")).key("hers"),
    ];
    for case in &cases {
        refused(case).await;
    }
    for (after, before) in state(&shop, &admin, &[&ada, &mallory]).await.iter().zip(&before) {
        assert_eq!(after, before, "nothing was changed");
    }

    // That one came too late for a SKU is a fact, and recorded: but there is no product of it.
    let theirs = json!({"name": "Y", "variants": [{"sku": "LAMP", "price": {"amount": 1, "currency": "EUR"}}]});
    refused(&post("a-sku-of-another", &admin, "/v1/products", &theirs, (409, "sku_taken"))).await;
    assert_eq!(admin.get("/v1/products").await.expect(200), before[0]);
    assert_eq!(shop.close().charges("succeeded"), 1);
}

async fn refused(case: &Case<'_>) {
    let request = keyed(case.who.request(case.method.clone(), &case.path), case.key);
    let request = request.header("content-type", "application/json").body(case.body.clone());
    let answer = case.who.once(request).await.unwrap_or_else(|| panic!("{}: no answer", case.what));
    assert_eq!((answer.status, answer.code()), case.is, "{}: {}", case.what, answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", case.what);
    assert_eq!(answer.body["status"], answer.status, "{}", case.what);
    let trace = answer.body["trace_id"].as_str().unwrap_or_default();
    assert_eq!(trace.len(), 32, "{}: {}", case.what, answer.body);
}

/// Everything that bad input could have changed: products, stock, its ledger, users and orders.
async fn state(shop: &Shop, admin: &Client, customers: &[&Client]) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in ["/v1/products", "/v1/stock/LAMP", "/v1/stock/LAMP/ledger"] {
        seen.push(admin.get(path).await.expect(200));
    }
    for customer in customers {
        for path in ["/v1/users/me", "/v1/orders"] {
            seen.push(customer.get(path).await.expect(200));
        }
    }
    for topic in ["identity.events", "catalog.events", "inventory.events", "order.events", "payment.events"] {
        let facts = shop.tap(topic).into_iter().map(|event| event["value"].clone());
        seen.push(facts.filter(|fact| fact["payload"]["type"] != "SessionOpened").collect());
    }
    seen
}
