//! A whole running shop: on the embedded log in one process, or on Kafka, in one process or with one for each role.

mod closed;
mod commands;
mod start;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

pub use self::closed::Closed;
use crate::{client::Client, process::Process};

pub const ADMIN_EMAIL: &str = "admin@shop.example";
pub const ADMIN_PASSWORD: &str = "a long enough password";

const READY_WITHIN: Duration = Duration::from_secs(240);
const LOOK: Duration = Duration::from_millis(50);

/// Processes and what they keep, gone with the value.
pub struct Shop {
    /// `http://host:port` of the edge.
    pub edge: String,
    /// `http://host:port` for operators.
    pub admin: String,
    /// In the order in which they start.
    pub processes: Vec<Process>,
    /// The options by which a command finds the shop's Kafka.
    kafka: Option<Vec<String>>,
    home: TempDir,
}

impl Shop {
    /// Waits until the edge says that it is ready, and fails when a process ends meanwhile.
    pub async fn ready(&mut self) {
        let (client, deadline) = (Client::guest(&self.edge), Instant::now() + READY_WITHIN);
        loop {
            let answer = client.once(client.request(reqwest::Method::GET, "/readyz")).await;
            if answer.as_ref().is_some_and(|answer| answer.status == 200) {
                return;
            }
            for process in &mut self.processes {
                if let Some(status) = process.ended() {
                    panic!("{} ended: {status}", process.name);
                }
            }
            assert!(Instant::now() < deadline, "the shop is not ready: {answer:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    pub fn process(&mut self, name: &str) -> &mut Process {
        let process = self.processes.iter_mut().find(|process| process.name == name);
        process.unwrap_or_else(|| panic!("there is no process {name}"))
    }

    /// Ends this process as a power cut would, and starts it again.
    pub fn kill9_and_restart(&mut self, name: &str) {
        self.process(name).restart();
    }

    /// Ends this process in good order, for good.
    pub fn dismiss(&mut self, name: &str) {
        self.process(name).stop_in_good_order();
        self.processes.retain(|process| process.name != name);
    }

    pub fn guest(&self) -> Client {
        Client::guest(&self.edge)
    }

    pub async fn administrator(&self) -> Client {
        self.guest().log_in(ADMIN_EMAIL, ADMIN_PASSWORD).await
    }

    /// So many registered customers.
    pub async fn customers(&self, count: usize) -> Vec<Client> {
        let guest = self.guest();
        let registered = (0..count).map(|number| {
            let guest = guest.clone();
            async move { guest.register(&format!("buyer-{number}@shop.example"), "a buyer's password").await }
        });
        futures::future::join_all(registered).await
    }

    /// Puts a SKU on sale with so much in stock; gives the product.
    pub async fn sell(&self, sku: &str, cents: i64, stock: i64) -> Value {
        let administrator = self.administrator().await;
        let product = json!({
            "name": format!("Product {sku}"),
            "description": "On sale.",
            "variants": [{"sku": sku, "price": {"amount": cents, "currency": "EUR"}}],
        });
        let product = administrator.decided("/v1/products", &format!("product-{sku}"), &product).await.expect(201);
        if stock > 0 {
            let receipts = format!("/v1/stock/{sku}/receipts");
            administrator.decided(&receipts, &format!("receipt-{sku}"), &json!({"quantity": stock})).await.expect(201);
        }
        product
    }

    /// on_hand, reserved and allocated of a SKU.
    pub async fn stock(&self, sku: &str) -> (i64, i64, i64) {
        let stock = self.administrator().await.get(&format!("/v1/stock/{sku}")).await.expect(200);
        let number = |name: &str| stock[name].as_i64().unwrap_or_else(|| panic!("no {name}: {stock}"));
        (number("on_hand"), number("reserved"), number("allocated"))
    }

    /// Waits until the stock of a SKU is this: what a rejected order held comes back after its answer.
    pub async fn stock_becomes(&self, sku: &str, wanted: (i64, i64, i64)) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let stock = self.stock(sku).await;
            if stock == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "the stock of {sku} is {stock:?}, not {wanted:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The folder with all that the shop's processes keep and say.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The options by which a command finds the shop's Kafka.
    pub fn kafka_options(&self) -> &[String] {
        self.kafka.as_deref().unwrap_or_else(|| panic!("the shop is not on Kafka"))
    }

    /// Where the shop keeps everything.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }
}
