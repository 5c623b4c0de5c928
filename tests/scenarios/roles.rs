//! `docs/roles.md`, held to a running shop: each row is tried by each of its columns.

use std::{fs, path::Path};

use reqwest::Method;
use serde_json::{Value, json};
use tradewind_tests::{
    client::{Answer, Client, keyed, order},
    shop::Shop,
};

const PASSWORD: &str = "a long password of theirs";

/// Somebody who tries things, and how each came out.
struct Trial<'a> {
    who: &'a str,
    client: Client,
    came_out: Vec<(String, u16)>,
}

/// What there is to be tried on.
struct Things {
    product: String,
    draft: String,
    /// Somebody else, with orders.
    other: Client,
    other_id: String,
}

impl Trial<'_> {
    async fn of(&mut self, method: Method, path: &str, body: &Value) -> Answer {
        let what = format!("{method} {path}");
        let key = format!("{}-{}", self.who, self.came_out.len());
        // The edge waits for a decision by itself, and longer than one takes.
        let request = keyed(self.client.request(method, path), &key).json(body);
        let answer = self.client.once(request).await.unwrap_or_else(|| panic!("{what}: no answer"));
        self.came_out.push((format!("{what} {}", answer.body), answer.status));
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.of(Method::GET, path, &Value::Null).await
    }

    async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.of(Method::POST, path, body).await
    }

    /// Tries all that a row of the page is about.
    async fn tries(&mut self, row: &str, things: &Things) {
        let product = format!("/v1/products/{}", things.product);
        match row {
            "register, log in, refresh, read published products and categories" => {
                let email = format!("friend-of-{}@shop.example", self.who);
                self.post("/v1/users", &json!({"email": email, "password": PASSWORD, "name": "A Friend"})).await;
                let session = self.post("/v1/sessions", &json!({"email": email, "password": PASSWORD})).await.body;
                self.post("/v1/sessions/refresh", &json!({"refresh_token": session["refresh_token"]})).await;
                self.get("/v1/products").await;
                self.get(&product).await;
                self.get("/v1/categories").await;
            }
            "own profile, password, addresses, sessions, orders, payments; place and cancel own orders" => {
                self.get("/v1/users/me").await;
                self.of(Method::PATCH, "/v1/users/me", &json!({"name": "Another Name"})).await;
                let address = order("LAMP", 1, "tok_visa")["shipping_address"].take();
                self.post("/v1/users/me/addresses", &address).await;
                self.get("/v1/users/me/addresses").await;
                self.get("/v1/sessions").await;
                let placed = self.post("/v1/orders", &order("LAMP", 1, "tok_visa")).await.body;
                self.get("/v1/orders").await;
                let named = |id: &Value| id.as_str().unwrap_or("none").to_owned();
                let (mine, payment) = (format!("/v1/orders/{}", named(&placed["id"])), named(&placed["payment"]["id"]));
                self.get(&mine).await;
                self.get(&format!("/v1/payments/{payment}")).await;
                self.post(&format!("{mine}/cancellation"), &json!({})).await;
                let passwords = json!({"current_password": PASSWORD, "password": PASSWORD});
                self.of(Method::PUT, "/v1/users/me/password", &passwords).await;
            }
            "categories, products, prices; drafts" => {
                let category = json!({"name": format!("Of {}", self.who)});
                self.post("/v1/categories", &category).await;
                let price = json!({"amount": 100, "currency": "EUR"});
                let variant = json!({"sku": format!("CUP-{}", self.who.to_uppercase()), "price": price});
                self.post("/v1/products", &json!({"name": "Cup", "variants": [variant]})).await;
                self.of(Method::PUT, &format!("{product}/variants/LAMP/price"), &json!({"price": price})).await;
                self.get(&format!("/v1/products/{}", things.draft)).await;
            }
            "stock: read, ledger, receipts, adjustments" => {
                self.get("/v1/stock/LAMP").await;
                self.get("/v1/stock/LAMP/ledger").await;
                self.post("/v1/stock/LAMP/receipts", &json!({"quantity": 1})).await;
                self.post("/v1/stock/LAMP/adjustments", &json!({"delta": 1, "reason": "counted"})).await;
            }
            "orders and payments of others: read, cancel" => {
                let key = format!("for-{}", self.who);
                let placed = things.other.place(&key, &order("LAMP", 1, "tok_visa")).await.expect(201);
                let theirs = format!("/v1/orders/{}", placed["id"].as_str().expect("an id"));
                self.get(&theirs).await;
                self.get(&format!("/v1/payments/{}", placed["payment"]["id"].as_str().expect("an id"))).await;
                self.post(&format!("{theirs}/cancellation"), &json!({})).await;
            }
            "`orders:override`: `customer_id`, `placed_at`, `unit_price`, `discount_bp` in an order" => {
                let price = json!({"amount": 1, "currency": "EUR"});
                let priced = json!({"sku": "LAMP", "quantity": 1, "unit_price": price});
                let cheaper = json!({"sku": "LAMP", "quantity": 1, "discount_bp": 100});
                for (field, value) in [
                    ("customer_id", json!(things.other_id)),
                    ("placed_at", json!("1996-07-04T00:00:00Z")),
                    ("lines", json!([priced])),
                    ("lines", json!([cheaper])),
                ] {
                    let mut order = order("LAMP", 1, "tok_visa");
                    order[field] = value;
                    self.post("/v1/orders", &order).await;
                }
            }
            "users of others: list, read; roles" => {
                self.get("/v1/users").await;
                let other = format!("/v1/users/{}", things.other_id);
                self.get(&other).await;
                self.of(Method::PUT, &format!("{other}/roles"), &json!({"roles": ["customer"]})).await;
            }
            unknown => panic!("docs/roles.md has a row that nobody tries: {unknown:?}"),
        }
    }
}

/// The table of the page: the names of its columns, and each row with whom it allows.
fn page() -> (Vec<String>, Vec<(String, Vec<bool>)>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/roles.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut lines = text.lines().filter(|line| line.starts_with('|')).map(cells);
    // Before the first bar and after the last is nothing.
    let heads = lines.next().expect("a table");
    let (columns, width) = (heads[2..heads.len() - 1].to_vec(), heads.len());
    let rows = lines.skip(1).map(|row| {
        assert_eq!(row.len(), width, "{row:?}");
        (row[1].clone(), row[2..width - 1].iter().map(|cell| cell == "yes").collect())
    });
    (columns, rows.collect())
}

/// A customer, and whatever the administrator makes of them.
async fn somebody(shop: &Shop, administrator: &Client, role: &str) -> Client {
    let email = format!("a-{role}@shop.example");
    let client = shop.guest().register(&email, PASSWORD).await;
    if role == "customer" {
        return client;
    }
    let me = client.get("/v1/users/me").await.expect(200);
    let path = format!("/v1/users/{}/roles", me["id"].as_str().expect("an id"));
    let request = administrator.request(Method::PUT, &path).json(&json!({"roles": ["customer", role]}));
    administrator.once(request).await.expect("an answer").expect(200);
    shop.guest().log_in(&email, PASSWORD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn may_do_what_the_page_says() {
    let shop = Shop::embedded().await;
    let administrator = shop.administrator().await;
    let id = |of: &Value| of["id"].as_str().expect("an id").to_owned();
    let product = id(&shop.sell("LAMP", 4900, 1_000).await);
    let draft = json!({"name": "Kettle", "status": "draft",
        "variants": [{"sku": "KETTLE", "price": {"amount": 1, "currency": "EUR"}}]});
    let draft = id(&administrator.decided("/v1/products", "a-draft", &draft).await.expect(201));
    let other = shop.guest().register("other@shop.example", PASSWORD).await;
    let other_id = id(&other.get("/v1/users/me").await.expect(200));
    let things = Things { product, draft, other, other_id };

    let (columns, rows) = page();
    assert_eq!(columns, ["guest", "customer", "merchant", "admin"]);
    for (number, who) in columns.iter().enumerate() {
        let client = match who.as_str() {
            "guest" => shop.guest(),
            role => somebody(&shop, &administrator, role).await,
        };
        let mut trial = Trial { who, client, came_out: Vec::new() };
        for (row, allowed) in &rows {
            let before = trial.came_out.len();
            trial.tries(row, &things).await;
            for (what, status) in &trial.came_out[before..] {
                let as_said =
                    if allowed[number] { (200..300).contains(status) } else { matches!(status, 401 | 403 | 404) };
                assert!(as_said, "{who}, {row}: {status} for {what}");
            }
            assert!(trial.came_out.len() > before);
        }
    }
    shop.close();
}
