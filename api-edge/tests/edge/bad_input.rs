//! A table of requests that are refused, each with its status and code; and nothing is written because of them.

use serde_json::{Value, json};
use tradewind_schemas::Role;

use crate::fakes::{Call, Shopfront, user};

struct Case {
    what: &'static str,
    as_role: Option<Role>,
    request: (&'static str, &'static str),
    key: Option<&'static str>,
    body: Value,
    refused: (u16, &'static str),
    pointer: Option<&'static str>,
}

fn case(what: &'static str, as_role: impl Into<Option<Role>>, request: (&'static str, &'static str)) -> Case {
    Case {
        what,
        as_role: as_role.into(),
        request,
        key: Some("key-1"),
        body: json!({}),
        refused: (0, ""),
        pointer: None,
    }
}

impl Case {
    fn keyless(self) -> Self {
        Self { key: None, ..self }
    }
    fn key(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }
    fn body(self, body: Value) -> Self {
        Self { body, ..self }
    }
    fn is(self, status: u16, code: &'static str) -> Self {
        Self { refused: (status, code), ..self }
    }
    fn at(self, pointer: &'static str) -> Self {
        Self { pointer: Some(pointer), ..self }
    }
}

const ORDERS: (&str, &str) = ("POST", "/v1/orders");
const PRODUCTS: (&str, &str) = ("POST", "/v1/products");
const RECEIPTS: (&str, &str) = ("POST", "/v1/stock/CUP-1/receipts");
const ADJUSTMENTS: (&str, &str) = ("POST", "/v1/stock/CUP-1/adjustments");
const ADDRESSES: (&str, &str) = ("POST", "/v1/users/me/addresses");
const USERS: (&str, &str) = ("POST", "/v1/users");
const SOMEBODY: &str = "/v1/users/00000000-0000-0000-0000-000000000009";

fn money(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

fn order(changes: Value) -> Value {
    let mut order = json!({
        "lines": [{"sku": "CUP-1", "quantity": 1}],
        "shipping_address": {"name": "Ada", "line1": "1 Way", "city": "Berlin", "postal_code": "10115", "country": "DE"},
        "payment_method": {"type": "card", "token": "tok_visa"},
    });
    for (field, value) in changes.as_object().unwrap() {
        order[field] = value.clone();
    }
    order
}

fn address(changes: Value) -> Value {
    let mut address = order(json!({}))["shipping_address"].clone();
    for (field, value) in changes.as_object().unwrap() {
        address[field] = value.clone();
    }
    address
}

fn lines(lines: Value) -> Value {
    order(json!({"lines": lines}))
}

fn product(changes: Value) -> Value {
    let mut product = json!({"name": "Cup", "description": "", "categories": [], "attributes": {},
        "variants": [{"sku": "CUP-1", "price": money(500)}]});
    for (field, value) in changes.as_object().unwrap() {
        product[field] = value.clone();
    }
    product
}

fn person(email: &str, password: &str, name: &str) -> Value {
    json!({"email": email, "password": password, "name": name})
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    use Role::{Admin, Customer, Merchant};
    vec![
        // Who, before what may be done, before how it is written, before what it says.
        case("no token, bad body", None, ORDERS).body(json!([])).is(401, "unauthenticated"),
        case("no token, no key", None, ORDERS).keyless().is(401, "unauthenticated"),
        case("no token on a malformed id", None, ("GET", "/v1/orders/nonsense")).is(401, "unauthenticated"),
        case("a customer's bad product", Customer, PRODUCTS).body(json!([])).is(403, "forbidden"),
        case("a customer's receipt", Customer, RECEIPTS).keyless().is(403, "forbidden"),
        case("a customer looks at stock", Customer, ("GET", "/v1/stock/CUP-1")).is(403, "forbidden"),
        case("a customer's adjustment", Customer, ADJUSTMENTS).is(403, "forbidden"),
        case("a merchant assigns roles", Merchant, ("PUT", "/v1/users/x/roles")).is(403, "forbidden"),
        case("a customer looks at another", Customer, ("GET", SOMEBODY)).is(403, "forbidden"),
        case("a guest lists users", None, ("GET", "/v1/users")).is(401, "unauthenticated"),
        case("a customer lists users", Customer, ("GET", "/v1/users?zzz=1")).is(403, "forbidden"),
        case("a merchant lists users", Merchant, ("GET", "/v1/users")).is(403, "forbidden"),
        case("a customer's price", Customer, ("PUT", "/v1/products/x/variants/y/price")).is(403, "forbidden"),
        case("a customer for another", Customer, ORDERS).keyless().body(json!({"customer_id": 1, "zzz": 1})).is(403, "forbidden"),
        case("a customer for another with a bad key", Customer, ORDERS).key("a b").body(json!({"customer_id": 1})).is(403, "forbidden"),
        case("a customer in the past", Customer, ORDERS).body(order(json!({"placed_at": "1996-07-04T00:00:00Z"}))).is(403, "forbidden"),
        case("a customer's own price", Customer, ORDERS).body(lines(json!([{"sku": "CUP-1", "quantity": 1, "unit_price": money(1)}]))).is(403, "forbidden"),
        case("a customer's discount", Customer, ORDERS).body(lines(json!([{"sku": "CUP-1", "quantity": 1, "discount_bp": 9000}]))).is(403, "forbidden"),
        case("another's orders and an unknown parameter", Customer, ("GET", "/v1/orders?zzz=1&customer_id=x")).is(403, "forbidden"),
        case("another's orders", Customer, ("GET", "/v1/orders?customer_id=00000000-0000-0000-0000-000000000009")).is(403, "forbidden"),
        case("a guest's address book", None, ("GET", "/v1/users/me/addresses")).is(401, "unauthenticated"),
        case("a guest's address", None, ADDRESSES).body(json!([])).is(401, "unauthenticated"),
        // Keys.
        case("an address with a bad key", Customer, ADDRESSES).key("a b").body(address(json!({}))).is(400, "invalid_idempotency_key"),
        case("an order without a key", Customer, ORDERS).keyless().body(order(json!({}))).is(400, "idempotency_key_required"),
        case("a receipt without a key", Merchant, RECEIPTS).keyless().body(json!({"quantity": 1})).is(400, "idempotency_key_required"),
        case("an adjustment without a key", Merchant, ADJUSTMENTS).keyless().is(400, "idempotency_key_required"),
        case("a cancellation without a key", Customer, ("POST", "/v1/orders/x/cancellation")).keyless().is(400, "idempotency_key_required"),
        case("an empty key", Customer, ORDERS).key("").body(order(json!({}))).is(400, "invalid_idempotency_key"),
        case("a key with spaces", Customer, ORDERS).key("a b").body(order(json!({}))).is(400, "invalid_idempotency_key"),
        // Syntax, types, unknown and missing fields.
        case("an array", Customer, ORDERS).body(json!([])).is(400, "invalid_body"),
        case("no lines", Customer, ORDERS).body(json!({})).is(400, "invalid_body").at("/lines"),
        case("an unknown field", Customer, ORDERS).body(order(json!({"coupon": "X"}))).is(400, "invalid_body").at("/coupon"),
        case("an unknown field in a line", Customer, ORDERS).body(lines(json!([{"sku": "CUP-1", "quantity": 1, "gift": true}]))).is(400, "invalid_body").at("/lines/0/gift"),
        case("a missing quantity", Customer, ORDERS).body(lines(json!([{"sku": "A", "quantity": 1}, {"sku": "B"}]))).is(400, "invalid_body").at("/lines/1/quantity"),
        case("half a piece", Customer, ORDERS).body(lines(json!([{"sku": "CUP-1", "quantity": 0.5}]))).is(400, "invalid_body").at("/lines/0/quantity"),
        case("a quantity in words", Customer, ORDERS).body(lines(json!([{"sku": "CUP-1", "quantity": "one"}]))).is(400, "invalid_body").at("/lines/0/quantity"),
        case("an amount beyond 64 bits", Customer, ORDERS).body(order(json!({"expected_total": {"amount": 1e30, "currency": "EUR"}}))).is(400, "invalid_body"),
        case("a currency in small letters", Customer, ORDERS).body(order(json!({"currency": "eur"}))).is(400, "invalid_body").at("/currency"),
        case("a time that is none", Merchant, ORDERS).body(order(json!({"placed_at": "yesterday"}))).is(400, "invalid_body").at("/placed_at"),
        case("a category in braces", Merchant, PRODUCTS).body(product(json!({"categories": ["{00000000-0000-0000-0000-000000000001}"]}))).is(400, "invalid_body").at("/categories/0"),
        case("a category without hyphens", Merchant, PRODUCTS).body(product(json!({"categories": ["00000000000000000000000000000001"]}))).is(400, "invalid_body").at("/categories/0"),
        case("a customer as a URN", Merchant, ORDERS).body(order(json!({"customer_id": "urn:uuid:00000000-0000-0000-0000-000000000001"}))).is(400, "invalid_body").at("/customer_id"),
        case("no password", None, USERS).body(json!({"email": "a@b.cd", "name": "Ada"})).is(400, "invalid_body").at("/password"),
        case("roles that are none", Admin, ("PUT", "/v1/users/00000000-0000-0000-0000-000000000009/roles")).body(json!({"roles": ["king"]})).is(400, "invalid_body").at("/roles/0"),
        case("an unknown parameter", Customer, ("GET", "/v1/orders?colour=red")).is(400, "invalid_query"),
        case("a limit in words", Customer, ("GET", "/v1/orders?limit=many")).is(400, "invalid_query"),
        case("a cursor made up", Customer, ("GET", "/v1/orders?cursor=AAAA")).is(400, "invalid_cursor"),
        case("a product cursor made up", None, ("GET", "/v1/products?cursor=AAAA")).is(400, "invalid_cursor"),
        case("an address with an id", Customer, ADDRESSES).body(address(json!({"id": "x"}))).is(400, "invalid_body").at("/id"),
        case("an address without a city", Customer, ADDRESSES).body(json!({"name": "A", "line1": "1", "postal_code": "1", "country": "DE"})).is(400, "invalid_body").at("/city"),
        case("a user cursor made up", Admin, ("GET", "/v1/users?cursor=AAAA")).is(400, "invalid_cursor"),
        case("an address cursor made up", Customer, ("GET", "/v1/users/me/addresses?cursor=AAAA")).is(400, "invalid_cursor"),
        // Values.
        case("an address in a land in words", Customer, ADDRESSES).body(address(json!({"country": "Germany"}))).is(422, "validation_failed").at("/country"),
        case("an address to nobody", Customer, ADDRESSES).body(address(json!({"name": " "}))).is(422, "validation_failed").at("/name"),
        case("an address without end", Customer, ADDRESSES).body(address(json!({"line1": "x".repeat(201)}))).is(422, "validation_failed").at("/line1"),
        case("101 addresses", Customer, ("GET", "/v1/users/me/addresses?limit=101")).is(422, "validation_failed").at("/limit"),
        case("a limit of 0", Customer, ("GET", "/v1/orders?limit=0")).is(422, "validation_failed").at("/limit"),
        case("a limit of 101", None, ("GET", "/v1/products?limit=101")).is(422, "validation_failed").at("/limit"),
        case("an unknown order status", Customer, ("GET", "/v1/orders?status=lost")).is(422, "validation_failed"),
        case("no lines at all", Customer, ORDERS).body(lines(json!([]))).is(422, "validation_failed").at("/lines"),
        case("nothing of it", Customer, ORDERS).body(lines(json!([{"sku": "CUP-1", "quantity": 0}]))).is(422, "invalid_quantity").at("/lines/0/quantity"),
        case("less than nothing", Customer, ORDERS).body(lines(json!([{"sku": "CUP-1", "quantity": -3}]))).is(422, "invalid_quantity").at("/lines/0/quantity"),
        case("too much of it", Customer, ORDERS).body(lines(json!([{"sku": "CUP-1", "quantity": i64::MAX}]))).is(422, "invalid_quantity"),
        case("the same twice", Customer, ORDERS).body(lines(json!([{"sku": "A", "quantity": 1}, {"sku": "A", "quantity": 1}]))).is(422, "duplicate_sku").at("/lines/1/sku"),
        case("an unknown SKU", Customer, ORDERS).body(lines(json!([{"sku": "NOPE", "quantity": 1}]))).is(422, "unknown_sku").at("/lines/0/sku"),
        case("what cannot be a SKU", Customer, ORDERS).body(lines(json!([{"sku": "no such thing!", "quantity": 1}]))).is(422, "unknown_sku").at("/lines/0/sku"),
        case("a land in words", Customer, ORDERS).body(order(json!({"shipping_address": {"name": "A", "line1": "1", "city": "B", "postal_code": "1", "country": "Germany"}}))).is(422, "validation_failed").at("/shipping_address/country"),
        case("paid in shells", Customer, ORDERS).body(order(json!({"payment_method": {"type": "shells", "token": "x"}}))).is(422, "validation_failed").at("/payment_method/type"),
        case("from the future", Merchant, ORDERS).body(order(json!({"placed_at": "2999-01-01T00:00:00Z"}))).is(422, "validation_failed").at("/placed_at"),
        case("more than all off", Merchant, ORDERS).body(lines(json!([{"sku": "CUP-1", "quantity": 1, "discount_bp": 10001}]))).is(422, "validation_failed").at("/lines/0/discount_bp"),
        case("no e-mail address", None, USERS).body(person("ada", "long enough", "Ada")).is(422, "validation_failed").at("/email"),
        case("a short password", None, USERS).body(person("a@b.cd", "short", "Ada")).is(422, "validation_failed").at("/password"),
        case("the first password that is guessed", None, USERS).body(person("a@b.cd", "Password", "Ada")).is(422, "validation_failed").at("/password"),
        case("a long one that is guessed, too", None, USERS).body(person("a@b.cd", "1q2w3e4r5t6y", "Ada")).is(422, "validation_failed").at("/password"),
        case("a blank name", None, USERS).body(person("a@b.cd", "long enough", "  ")).is(422, "validation_failed").at("/name"),
        case("an unknown category", Merchant, PRODUCTS).body(product(json!({"categories": ["00000000-0000-0000-0000-000000000001"]}))).is(422, "unknown_category"),
        case("a product of nothing", Merchant, PRODUCTS).body(product(json!({"variants": []}))).is(422, "validation_failed").at("/variants"),
        case("a negative price", Merchant, PRODUCTS).body(product(json!({"variants": [{"sku": "A", "price": money(-1)}]}))).is(422, "validation_failed").at("/variants/0/price/amount"),
        case("an overflowing price", Merchant, PRODUCTS).body(product(json!({"variants": [{"sku": "A", "price": money(i64::MAX)}]}))).is(422, "validation_failed"),
        case("a SKU with spaces", Merchant, PRODUCTS).body(product(json!({"variants": [{"sku": "A B", "price": money(1)}]}))).is(422, "validation_failed").at("/variants/0/sku"),
        case("a SKU that leads elsewhere", Merchant, PRODUCTS).body(product(json!({"variants": [{"sku": "..", "price": money(1)}]}))).is(422, "validation_failed").at("/variants/0/sku"),
        case("a SKU twice", Merchant, PRODUCTS).body(product(json!({"variants": [{"sku": "A", "price": money(1)}, {"sku": "A", "price": money(1)}]}))).is(422, "duplicate_sku"),
        case("nothing received", Merchant, RECEIPTS).body(json!({"quantity": 0})).is(422, "invalid_quantity").at("/quantity"),
        case("an overflowing receipt", Merchant, RECEIPTS).body(json!({"quantity": i64::MAX})).is(422, "invalid_quantity"),
        case("adjusted by nothing", Merchant, ADJUSTMENTS).body(json!({"delta": 0, "reason": "count"})).is(422, "invalid_quantity"),
        // What is not there, or not yours.
        case("no such order", Customer, ("GET", "/v1/orders/00000000-0000-0000-0000-000000000001")).is(404, "not_found"),
        case("a malformed order id", Customer, ("GET", "/v1/orders/nonsense")).is(404, "not_found"),
        case("an order id without hyphens", Customer, ("GET", "/v1/orders/00000000000000000000000000000001")).is(404, "not_found"),
        case("a payment id as a URN", Customer, ("GET", "/v1/payments/urn:uuid:00000000-0000-0000-0000-000000000001")).is(404, "not_found"),
        case("one's own id in another form", Customer, ("GET", "/v1/users/00000000000000000000000000000001")).is(403, "forbidden"),
        case("a malformed product id", None, ("GET", "/v1/products/nonsense")).is(404, "not_found"),
        case("no such product", None, ("GET", "/v1/products/00000000-0000-0000-0000-000000000001")).is(404, "not_found"),
        case("no such payment", Customer, ("GET", "/v1/payments/00000000-0000-0000-0000-000000000001")).is(404, "not_found"),
        case("stock of nothing", Merchant, ("GET", "/v1/stock/NOPE")).is(404, "not_found"),
        case("a receipt of nothing", Merchant, RECEIPTS).body(json!({"quantity": 1})).is(404, "not_found"),
        case("cancelling what is not there", Customer, ("POST", "/v1/orders/x/cancellation")).is(404, "not_found"),
        case("no such address", Customer, ("GET", "/v1/users/me/addresses/00000000-0000-0000-0000-000000000001")).is(404, "not_found"),
        case("changing no address", Customer, ("PUT", "/v1/users/me/addresses/nonsense")).is(404, "not_found"),
        case("removing no address", Customer, ("DELETE", "/v1/users/me/addresses/00000000-0000-0000-0000-000000000001")).is(404, "not_found"),
        case("no such session", Customer, ("DELETE", "/v1/sessions/00000000-0000-0000-0000-000000000001")).is(404, "not_found"),
        case("no such route", None, ("GET", "/v1/dragons")).is(404, "not_found"),
        case("no such method", None, ("DELETE", "/v1/orders")).is(405, "method_not_allowed"),
        // Credentials.
        case("nobody's login", None, ("POST", "/v1/sessions")).body(json!({"email": "no@body.com", "password": "whatever it is"})).is(401, "invalid_credentials"),
        case("a refresh token made up", None, ("POST", "/v1/sessions/refresh")).body(json!({"refresh_token": "made up"})).is(401, "invalid_refresh_token"),
    ]
}

fn call(shop: &Shopfront, case: &Case) -> Call {
    let (method, path) = case.request;
    let mut call = shop.request(method, path);
    if let Some(role) = case.as_role {
        call = call.bearer(&shop.token(user(1), role));
    }
    if let Some(key) = case.key {
        call = call.header("idempotency-key", key);
    }
    if method == "GET" { call } else { call.json(&case.body) }
}

#[tokio::test]
async fn every_bad_request_is_a_problem_with_its_code_and_changes_nothing() {
    let shop = Shopfront::open().await;
    for case in cases() {
        let answer = call(&shop, &case).send().await;
        let (status, code) = answer.problem();
        assert_eq!((status, code.as_str()), case.refused, "{}: {}", case.what, answer.json());
        if let Some(pointer) = case.pointer {
            let errors = answer.json()["errors"].clone();
            let named = errors.as_array().unwrap().iter().any(|error| error["pointer"] == pointer);
            assert!(named, "{}: {errors} does not name {pointer}", case.what);
        }
    }
    assert_eq!(shop.written(), 0, "a refused request wrote something");
}

#[tokio::test]
async fn bodies_are_json_of_a_bounded_size_and_depth() {
    let shop = Shopfront::open().await;
    let send = async |body: &str, kind: &str| {
        shop.request("POST", "/v1/users").raw(body).header("content-type", kind).send().await.problem()
    };
    let json = "application/json";
    let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
    let deeper = "[".repeat(8_000);
    for (body, kind, refused) in [
        ("{\"email\":", json, (400, "malformed_body")),
        ("not json", json, (400, "malformed_body")),
        (&deep, json, (400, "malformed_body")),
        (&deeper, json, (400, "malformed_body")),
        (&" ".repeat(1024 * 1024 + 1), json, (413, "too_large")),
        ("{}", "text/plain", (415, "unsupported_media_type")),
        ("{}", "application/json; charset=latin1", (415, "unsupported_media_type")),
        ("{}", "application/json; charset=utf-8", (400, "invalid_body")),
    ] {
        let (status, code) = send(body, kind).await;
        assert_eq!((status, code.as_str()), refused, "{kind} {}", &body[..body.len().min(20)]);
    }
    assert_eq!(shop.written(), 0);
}
