//! The demo shop: a few products, stock and a customer, made through the edge like anybody's. Making it again changes
//! nothing.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::administrator::Administrator;

pub const CUSTOMER_EMAIL: &str = "ada@tradewind.example";
pub const CUSTOMER_PASSWORD: &str = "tradewind-demo-customer";

const PRODUCTS: [(&str, &str, i64, i64); 4] = [
    ("CUP-1", "Enamel cup", 1490, 100),
    ("TEA-1", "Assam tea, 250 g", 1250, 40),
    ("POT-1", "Stoneware pot", 4900, 12),
    ("LAMP-1", "Storm lamp", 7900, 1),
];

/// How often something undecided is asked for again; each time the edge waits for 5 s.
const PATIENCE: usize = 6;

/// What was made.
pub struct Demo {
    pub sku: &'static str,
}

/// Makes it, through the edge at this address.
pub async fn open_shop(edge: SocketAddr, administrator: &Administrator) -> Result<Demo> {
    let shop = Shop { http: Client::new(), base: format!("http://{edge}"), token: String::new() };
    let shop = shop.log_in(&administrator.email, &administrator.password).await?;
    let category = shop.post("/v1/categories", "demo-category", json!({"name": "Galley"})).await?;
    for (sku, name, price, quantity) in PRODUCTS {
        let product = json!({
            "name": name,
            "description": "From the demo shop.",
            "categories": [category["id"]],
            "attributes": {"demo": true},
            "variants": [{"sku": sku, "price": {"amount": price, "currency": "EUR"}}],
        });
        shop.post("/v1/products", &format!("demo-product-{sku}"), product).await?;
        let receipt = json!({"quantity": quantity});
        shop.post(&format!("/v1/stock/{sku}/receipts"), &format!("demo-receipt-{sku}"), receipt).await?;
    }
    let customer = json!({"email": CUSTOMER_EMAIL, "password": CUSTOMER_PASSWORD, "name": "Ada"});
    shop.post("/v1/users", "demo-customer", customer).await?;
    Ok(Demo { sku: PRODUCTS[0].0 })
}

struct Shop {
    http: Client,
    base: String,
    token: String,
}

impl Shop {
    async fn log_in(mut self, email: &str, password: &str) -> Result<Self> {
        let credentials = json!({"email": email, "password": password});
        let session = self.post("/v1/sessions", "", credentials).await.context(
            "the demo shop needs the administrator this data directory was begun with (TRADEWIND_ADMIN_EMAIL, TRADEWIND_ADMIN_PASSWORD), or --no-demo",
        )?;
        self.token = session["access_token"].as_str().unwrap_or_default().to_owned();
        Ok(self)
    }

    /// Posts under an idempotency key, until it is decided; what is there already is fine.
    async fn post(&self, path: &str, key: &str, body: Value) -> Result<Value> {
        for _ in 0..PATIENCE {
            let (status, answer) = self.post_once(path, key, &body).await?;
            let there_already = matches!(answer["code"].as_str(), Some("email_taken" | "sku_taken"));
            match status {
                StatusCode::ACCEPTED => {}
                StatusCode::CONFLICT if there_already => return Ok(answer),
                status if status.is_success() => return Ok(answer),
                status => bail!("the demo shop could not be made: POST {path} was answered {status}: {answer}"),
            }
        }
        bail!("the demo shop could not be made: POST {path} was not decided")
    }

    async fn post_once(&self, path: &str, key: &str, body: &Value) -> Result<(StatusCode, Value)> {
        let mut request = self.http.post(format!("{}{path}", self.base)).json(body);
        if !key.is_empty() {
            request = request.header("Idempotency-Key", key);
        }
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let response = request.send().await.with_context(|| format!("the edge does not answer at {}", self.base))?;
        Ok((response.status(), response.json().await.unwrap_or_default()))
    }
}
