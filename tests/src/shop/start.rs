//! The ways in which a shop can be run.

use std::path::Path;

use tempfile::TempDir;

use super::{ADMIN_EMAIL, ADMIN_PASSWORD, Shop};
use crate::{
    broker::Broker,
    ports::free_port,
    process::{Process, run},
    registry::Registry,
};

const ADMINISTRATOR: [&str; 4] = ["--admin-email", ADMIN_EMAIL, "--admin-password", ADMIN_PASSWORD];

/// Where a shop's edge is reached.
struct Addresses {
    listen: String,
    admin_listen: String,
}

impl Addresses {
    fn free() -> Self {
        Self { listen: address(), admin_listen: address() }
    }

    fn options(&self) -> [&str; 4] {
        ["--listen", &self.listen, "--admin-listen", &self.admin_listen]
    }
}

impl Shop {
    /// `tradewind up` on an embedded log, without the demo's products.
    pub async fn embedded() -> Self {
        Self::embedded_with(&[]).await
    }

    /// The same with further options.
    pub async fn embedded_with(options: &[&str]) -> Self {
        Self::up(TempDir::new().expect("a folder"), None, options).await
    }

    /// The same, and what it would say goes to this file.
    pub async fn embedded_saying_to(file: &Path) -> Self {
        let (addresses, home) = (Addresses::free(), TempDir::new().expect("a folder"));
        let data_dir = path(home.path(), "data");
        let up = ["up", "--no-demo", "--data-dir", &data_dir];
        let up = [&up[..], &addresses.options(), &ADMINISTRATOR].concat();
        let processes = vec![Process::start_saying_to(file, "up", &up)];
        Self::opened(home, &addresses, processes, None).await
    }

    /// `tradewind up` on a real Kafka and an independent schema registry.
    pub async fn in_one_process_on_kafka() -> Self {
        let kafka = kafka().await;
        Self::up(TempDir::new().expect("a folder"), Some(kafka), &[]).await
    }

    /// Sandbox gateway, worker, connector and edge as processes of their own, on a real Kafka and an independent
    /// schema registry that the tests of this process share.
    pub async fn on_kafka() -> Self {
        Self::on_kafka_with_workers(&["worker"]).await
    }

    /// The same with so many workers, which share all stages; they are called as their processes are.
    pub async fn on_kafka_with_workers(workers: &[&str]) -> Self {
        Self::on_kafka_with_options(workers, &[]).await
    }

    /// The same with further options of the workers.
    pub async fn on_kafka_with_options(workers: &[&str], options: &[&str]) -> Self {
        Self::of_several(workers, options, kafka().await).await
    }

    /// The same with a schema registry of the shop's own.
    pub async fn on_kafka_asking(registry: &Registry) -> Self {
        let shared = || Broker::shared().bootstrap();
        let brokers = tokio::task::spawn_blocking(shared).await.expect("Kafka");
        Self::of_several(&["worker"], &[], namespace(&brokers, registry.url())).await
    }

    async fn of_several(workers: &[&str], options: &[&str], kafka: Vec<String>) -> Self {
        let (home, addresses) = (TempDir::new().expect("a folder"), Addresses::free());
        let log: Vec<_> = kafka.iter().map(String::as_str).collect();
        let applied = run(&[&["topics", "apply"], &log[..]].concat());
        assert!(applied.status.success(), "topics apply: {}", String::from_utf8_lossy(&applied.stderr));
        let start = |name: &str, arguments: &[&[&str]]| Process::start(name, &arguments.concat(), home.path());
        let (gateway, secrets) = (address(), path(home.path(), "secrets.json"));
        let (sandbox, gateway_url) = (path(home.path(), "data"), format!("http://{gateway}"));
        let keys = ["--secrets-file", &secrets];

        let mut processes = vec![start("sandbox", &[&["sandbox", "--data-dir", &sandbox, "--listen", &gateway]])];
        processes.extend(workers.iter().map(|name| worker(home.path(), name, &kafka, options)));
        let connect = ["connect", "--gateway", &gateway_url, "--gateway-key", "sk_sandbox_tradewind"];
        processes.push(start("connect", &[&connect, &log]));
        processes.push(start("edge", &[&["edge"], &addresses.options(), &ADMINISTRATOR, &keys, &log]));
        Self::opened(home, &addresses, processes, Some(kafka)).await
    }

    /// Another worker joins those that there are.
    pub fn hire(&mut self, name: &str) {
        let kafka = self.kafka.as_deref().expect("a shop on Kafka");
        self.processes.push(worker(self.home.path(), name, kafka, &[]));
    }

    async fn up(home: TempDir, kafka: Option<Vec<String>>, options: &[&str]) -> Self {
        let (addresses, data_dir) = (Addresses::free(), path(home.path(), "data"));
        let log: Vec<_> = kafka.iter().flatten().map(String::as_str).collect();
        let up = ["up", "--no-demo", "--data-dir", &data_dir];
        let up = [&up[..], &addresses.options(), &ADMINISTRATOR, &log, options].concat();
        let processes = vec![Process::start("up", &up, home.path())];
        Self::opened(home, &addresses, processes, kafka).await
    }

    async fn opened(home: TempDir, addresses: &Addresses, processes: Vec<Process>, kafka: Option<Vec<String>>) -> Self {
        let (edge, admin) = (format!("http://{}", addresses.listen), format!("http://{}", addresses.admin_listen));
        let mut shop = Self { edge, admin, processes, kafka, home };
        shop.ready().await;
        shop
    }
}

/// A namespace of its own on the Kafka that the tests of this process share.
async fn kafka() -> Vec<String> {
    let shared = || (Broker::shared().bootstrap(), Registry::shared().url().to_owned());
    let (brokers, registry) = tokio::task::spawn_blocking(shared).await.expect("Kafka and a registry");
    namespace(&brokers, &registry)
}

fn namespace(brokers: &str, registry: &str) -> Vec<String> {
    let namespace = format!("t{}", uuid::Uuid::now_v7().simple());
    let options = ["--brokers", brokers, "--registry", registry, "--namespace", &namespace];
    options.map(str::to_owned).into()
}

/// A worker of all stages.
fn worker(home: &Path, name: &str, kafka: &[String], options: &[&str]) -> Process {
    let (data_dir, secrets, questions) = (path(home, name), path(home, "secrets.json"), address());
    let own = ["--instance", name, "--data-dir", &data_dir, "--query-listen", &questions, "--secrets-file", &secrets];
    let log: Vec<_> = kafka.iter().map(String::as_str).collect();
    Process::start(name, &[&["worker"][..], &own, &log, options].concat(), home)
}

fn address() -> String {
    format!("127.0.0.1:{}", free_port())
}

fn path(home: &Path, name: &str) -> String {
    home.join(name).display().to_string()
}
