//! A whole running shop: on the embedded log in one process, or on Kafka with a process for each role.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{
    broker::Broker,
    client::Client,
    process::{Process, free_port, run},
    registry::Registry,
};

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
    kafka: Option<Kafka>,
    home: TempDir,
}

/// How a shop's Kafka is reached.
struct Kafka {
    brokers: String,
    namespace: String,
}

impl Shop {
    /// `tradewind up` on an embedded log, without the demo's products.
    pub async fn embedded() -> Self {
        let home = TempDir::new().expect("a folder");
        let (listen, admin_listen) = (address(), address());
        let data_dir = path(home.path(), "data");
        let up = [
            "up",
            "--data-dir",
            &data_dir,
            "--listen",
            &listen,
            "--admin-listen",
            &admin_listen,
            "--no-demo",
            "--admin-email",
            ADMIN_EMAIL,
            "--admin-password",
            ADMIN_PASSWORD,
        ];
        let processes = vec![Process::start("up", &up, home.path())];
        let (edge, admin) = (format!("http://{listen}"), format!("http://{admin_listen}"));
        let mut shop = Self { edge, admin, processes, kafka: None, home };
        shop.ready().await;
        shop
    }

    /// Sandbox gateway, worker, connector and edge as processes of their own, on a real Kafka and an independent
    /// schema registry that the tests of this process share.
    pub async fn on_kafka() -> Self {
        let shared = || (Broker::shared().bootstrap(), Registry::shared().url().to_owned());
        let (brokers, registry) = tokio::task::spawn_blocking(shared).await.expect("Kafka and a registry");
        let home = TempDir::new().expect("a folder");
        let namespace = format!("t{}", uuid::Uuid::now_v7().simple());
        let log = ["--brokers", &brokers, "--registry", &registry, "--namespace", &namespace];
        let applied = run(&[&["topics", "apply"][..], &log].concat());
        assert!(applied.status.success(), "topics apply: {}", String::from_utf8_lossy(&applied.stderr));
        let (listen, admin_listen, gateway, questions) = (address(), address(), address(), address());
        let gateway_url = format!("http://{gateway}");
        let (secrets, data_dir) = (path(home.path(), "secrets.json"), path(home.path(), "data"));
        let sandbox = ["sandbox", "--data-dir", &data_dir, "--listen", &gateway];
        let worker = ["worker", "--secrets-file", &secrets, "--data-dir", &data_dir, "--query-listen", &questions];
        let connect = ["connect", "--gateway", &gateway_url, "--gateway-key", "sk_sandbox_tradewind"];
        let edge = [
            "edge",
            "--secrets-file",
            &secrets,
            "--listen",
            &listen,
            "--admin-listen",
            &admin_listen,
            "--admin-email",
            ADMIN_EMAIL,
            "--admin-password",
            ADMIN_PASSWORD,
        ];
        let processes = vec![
            Process::start("sandbox", &sandbox, home.path()),
            Process::start("worker", &[&worker[..], &log].concat(), home.path()),
            Process::start("connect", &[&connect[..], &log].concat(), home.path()),
            Process::start("edge", &[&edge[..], &log].concat(), home.path()),
        ];
        let (edge, admin) = (format!("http://{listen}"), format!("http://{admin_listen}"));
        let mut shop = Self { edge, admin, processes, kafka: Some(Kafka { brokers, namespace }), home };
        shop.ready().await;
        shop
    }

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

    /// Ends this process as a power cut would, and starts it again.
    pub fn kill9_and_restart(&mut self, name: &str) {
        let process = self.processes.iter_mut().find(|process| process.name == name);
        process.unwrap_or_else(|| panic!("there is no process {name}")).restart();
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

    /// All events of a topic, as `tradewind tap` shows them.
    pub fn tap(&self, topic: &str) -> Vec<Value> {
        let mut arguments = vec!["tap", topic, "--from", "beginning"];
        match &self.kafka {
            None => arguments.extend(["--admin", &self.admin]),
            Some(kafka) => arguments.extend([
                "--brokers",
                &kafka.brokers,
                "--namespace",
                &kafka.namespace,
                "--registry",
                Registry::shared().url(),
            ]),
        }
        let output = run(&arguments);
        assert!(output.status.success(), "tap {topic}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("lines of text");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Imports the Northwind record, beside whatever else happens; gives what the import says, or what went wrong.
    pub fn importing(&self, file: &Path) -> JoinHandle<Result<String, String>> {
        let arguments = self.import(file);
        tokio::task::spawn_blocking(move || {
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let output = run(&arguments);
            let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
        })
    }

    /// An import that can be killed.
    pub fn mortal_import(&self, file: &Path) -> Process {
        let arguments = self.import(file);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Process::start("import", &arguments, self.home.path())
    }

    fn import(&self, file: &Path) -> Vec<String> {
        let file = file.display().to_string();
        let import = ["import", "northwind", &file, "--edge", &self.edge];
        let administrator = ["--admin-email", ADMIN_EMAIL, "--admin-password", ADMIN_PASSWORD];
        import.into_iter().chain(administrator).map(str::to_owned).collect()
    }

    /// Stops the shop in good order and has the topics audited: the books are right, and nothing is open.
    pub fn close(mut self) -> Closed {
        for process in self.processes.iter_mut().rev() {
            let status = process.stop();
            assert!(status.success(), "{} ended with {status}:\n{}", process.name, process.tail());
        }
        let data_dir = path(self.home.path(), "data");
        let mut arguments = vec!["audit"];
        match &self.kafka {
            None => arguments.extend(["--data-dir", &data_dir]),
            Some(kafka) => arguments.extend([
                "--brokers",
                &kafka.brokers,
                "--namespace",
                &kafka.namespace,
                "--registry",
                Registry::shared().url(),
            ]),
        }
        let output = run(&arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the audit finds the books wrong:\n{said}\n{errors}");
        assert!(!said.contains("open: "), "orders are open still:\n{said}");
        Closed { audit: said, home: self.home }
    }

    /// Where the shop keeps everything.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }
}

/// A shop that has closed, its books proven right.
pub struct Closed {
    /// What the audit said.
    pub audit: String,
    home: TempDir,
}

impl Closed {
    /// How many payments have this status (`succeeded`, `requires_capture`, `canceled`, …) in the gateway's own books.
    pub fn charges(&self, status: &str) -> usize {
        let file = self.home.path().join("data/sandbox-gateway/gateway.sqlite");
        let books = Connection::open(&file).expect("the gateway's books");
        let count = "SELECT count(*) FROM payment_intents WHERE status = ?1";
        let count: i64 = books.query_row(count, [status], |row| row.get(0)).expect("they can be read");
        usize::try_from(count).expect("a count")
    }
}

fn address() -> String {
    format!("127.0.0.1:{}", free_port())
}

fn path(home: &Path, name: &str) -> String {
    home.join(name).display().to_string()
}
