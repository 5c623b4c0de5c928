//! Ours, over HTTP.

use std::{path::Path, sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};
use tradewind_registry::server;
use tradewind_topics::{
    End, Log, Start, TopicPartition,
    embedded::{EmbeddedLog, Options},
};

use super::free_port;

pub const TOPIC: &str = "tradewind.registry.schemas";

pub struct Embedded {
    pub port: u16,
    pub log: Arc<EmbeddedLog>,
    pub registry: Arc<server::Registry>,
    directory: TempDir,
    serving: Option<Runtime>,
}

impl super::Registry for Embedded {
    fn start_at(port: u16) -> Self {
        Self::open(TempDir::new().expect("a folder"), port)
    }

    fn stop(&mut self) {
        self.serving = None;
    }
}

impl Embedded {
    fn open(directory: TempDir, port: u16) -> Self {
        let (log, registry) = open(directory.path());
        let serving = Some(serve(registry.router(), port));
        Self { port, log, registry, directory, serving }
    }

    /// Closes the log and opens it again from its directory, on another port.
    pub fn restarted(mut self) -> Self {
        super::Registry::stop(&mut self);
        let Self { log, registry, directory, .. } = self;
        drop(registry);
        assert_eq!(Arc::strong_count(&log), 1, "nobody else may keep the log open");
        drop(log);
        Self::open(directory, free_port())
    }
}

fn open(directory: &Path) -> (Arc<EmbeddedLog>, Arc<server::Registry>) {
    let log = EmbeddedLog::open(directory, Options::default()).expect("a log");
    let shared: Arc<dyn Log> = log.clone();
    let registry = server::Registry::open(&shared, TOPIC).expect("a registry");
    (log, registry)
}

/// Serves until the runtime is dropped.
pub fn serve(router: axum::Router, port: u16) -> Runtime {
    let runtime = Runtime::new().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", port))).expect("the port");
    runtime.spawn(async move { axum::serve(listener, router).await });
    runtime
}

/// The keys of all records of a topic.
pub fn records(log: &EmbeddedLog, topic: &str) -> Vec<Vec<u8>> {
    let partition = TopicPartition::new(topic, 0);
    let end = log.admin().end(&partition, End::Written).expect("an end");
    let mut reader = log.reader().expect("a reader");
    reader.assign(&[(partition.clone(), Start::Beginning)]).expect("assigned");
    let mut keys = Vec::new();
    while reader.position(&partition).expect("a position") < end {
        let records = reader.poll(Duration::from_millis(100)).expect("records");
        keys.extend(records.into_iter().filter_map(|record| record.key).map(|key| key.to_vec()));
    }
    keys
}
