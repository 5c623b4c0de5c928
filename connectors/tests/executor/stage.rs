//! A log with the payment topics, executors on it, and a look at what they wrote.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tradewind_connectors::stripe::{
    Client, Executor, ExecutorError,
    executor::{NAME, Options},
};
use tradewind_runtime::{Codecs, Layout, dead_letters};
use tradewind_schemas::{
    Codec, Contract, Envelope, IntentId, SchemaSource, SchemaSourceError,
    payment::{GatewayResult, PaymentAttempt, PaymentCommand, PaymentIntent},
};
use tradewind_topics::{
    Append, Cleanup, End, Log, Offset, Record, Start, TopicPartition, TopicSpec,
    embedded::{self, EmbeddedLog},
    list::{PAYMENT_ATTEMPTS, PAYMENT_COMMANDS, PAYMENT_INTENTS},
    partition_of,
};

use crate::intent::Intent;

const NAMESPACE: &str = "test";
const PARTITIONS: u32 = 2;
/// How long a condition may take to come true before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A registry that is out of reach until it is not. What it knows then is the schema of intents, as 99.
#[derive(Default)]
pub struct Registry(pub AtomicBool);

impl SchemaSource for Registry {
    fn schema(&self, _: u32) -> Result<String, SchemaSourceError> {
        match self.0.load(Ordering::Relaxed) {
            true => Ok(PaymentIntent::schema(PAYMENT_INTENTS.name).canonical_form()),
            false => Err(SchemaSourceError::Unavailable("nobody answers".to_owned())),
        }
    }
}

pub struct Stage {
    pub log: Arc<EmbeddedLog>,
    pub codecs: Codecs,
    pub layout: Layout,
    pub registry: Arc<Registry>,
    _dir: TempDir,
}

/// An executor at work.
pub struct Working {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), ExecutorError>>,
}

impl Working {
    /// Asks it to end, and waits until it has.
    pub async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.ended().await.expect("it ends well");
    }

    /// Waits until it has ended by itself.
    pub async fn ended(self) -> Result<(), ExecutorError> {
        tokio::task::spawn_blocking(|| self.thread.join()).await.unwrap().expect("it did not panic")
    }
}

impl Stage {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = embedded::Options { sync: false, gaps: Some(7), ..embedded::Options::default() };
        let log = EmbeddedLog::open(&dir.path().join("log"), options).unwrap();
        let names: Vec<String> = [PAYMENT_INTENTS.name, PAYMENT_ATTEMPTS.name, PAYMENT_COMMANDS.name]
            .map(String::from)
            .into_iter()
            .chain([dead_letters(PAYMENT_INTENTS.name)])
            .collect();
        let partitions: HashMap<_, _> = names.iter().map(|name| (name.clone(), PARTITIONS)).collect();
        let layout = Layout::new(NAMESPACE, partitions);
        let topics: Vec<_> = names
            .iter()
            .map(|name| TopicSpec { name: layout.physical(name), partitions: PARTITIONS, cleanup: Cleanup::Keep })
            .collect();
        log.admin().create(&topics).unwrap();
        let registry = Arc::new(Registry::default());
        let codecs = Codecs::default();
        let codecs = with::<PaymentIntent>(codecs, PAYMENT_INTENTS.name, 1, &registry);
        let codecs = with::<PaymentAttempt>(codecs, PAYMENT_ATTEMPTS.name, 2, &registry);
        let codecs = with::<PaymentCommand>(codecs, PAYMENT_COMMANDS.name, 3, &registry);
        Self { log, codecs, layout, registry, _dir: dir }
    }

    /// Starts an executor; one of the same name is fenced by it.
    pub fn executor(&self, client: Client, options: Options) -> Working {
        let executor = Executor::new(self.log.clone(), self.codecs.clone(), self.layout.clone(), client, options);
        let stop = Arc::new(AtomicBool::new(false));
        let heard = stop.clone();
        let thread = std::thread::spawn(move || executor.run(heard));
        Working { stop, thread }
    }

    /// Where a key's records are.
    pub fn place(&self, topic: &str, key: &str) -> TopicPartition {
        TopicPartition::new(self.layout.physical(topic), partition_of(key.as_bytes(), PARTITIONS))
    }

    pub async fn write(&self, records: impl IntoIterator<Item = Append>) -> Vec<Offset> {
        let writer = self.log.writer().unwrap();
        let written: Vec<_> = records.into_iter().map(|record| writer.append(record)).collect();
        futures::future::join_all(written).await.into_iter().map(|offset| offset.unwrap()).collect()
    }

    pub async fn ask<'a>(&self, intents: impl IntoIterator<Item = &'a Intent>) -> Vec<Offset> {
        let records: Vec<_> = intents.into_iter().map(|intent| intent.record(self)).collect();
        self.write(records).await
    }

    /// All that is on a topic now.
    pub fn read(&self, topic: &str) -> Vec<Record> {
        let all = (0..PARTITIONS).map(|n| TopicPartition::new(self.layout.physical(topic), n));
        let ends: Vec<_> =
            all.map(|partition| (partition.clone(), self.log.admin().end(&partition, End::Stable).unwrap())).collect();
        let mut reader = self.log.reader().unwrap();
        reader.assign(&ends.iter().map(|(p, _)| (p.clone(), Start::Beginning)).collect::<Vec<_>>()).unwrap();
        let mut records = Vec::new();
        while ends.iter().any(|(partition, end)| reader.position(partition).unwrap() < *end) {
            records.extend(reader.poll(Duration::from_millis(10)).unwrap());
        }
        records
    }

    pub fn decoded<P: Contract>(&self, topic: &str) -> Vec<Envelope<P>> {
        let codec = self.codecs.of::<P>(topic).unwrap();
        self.read(topic).iter().filter_map(|record| record.value.as_deref()).map(|v| codec.decode(v).unwrap()).collect()
    }

    /// What was reported, in order within each payment.
    pub fn reports(&self) -> Vec<(IntentId, GatewayResult)> {
        let reported = self.decoded::<PaymentCommand>(PAYMENT_COMMANDS.name).into_iter();
        let result = |command| match command {
            PaymentCommand::RecordGatewayResult { intent_id, result } => (intent_id, result),
            other => panic!("executors only report: {other:?}"),
        };
        reported.map(|envelope| result(envelope.payload)).collect()
    }

    pub fn reports_of(&self, intent: &Intent) -> Vec<GatewayResult> {
        self.reports().into_iter().filter(|(id, _)| *id == intent.id).map(|(_, result)| result).collect()
    }

    /// The `n`th report of an intent, counted from 1.
    pub async fn report(&self, intent: &Intent, n: usize) -> GatewayResult {
        until("it is reported", || self.reports_of(intent).len() >= n).await;
        self.reports_of(intent)[n - 1].clone()
    }

    /// What the last record of `payment.attempts` says of an intent.
    pub fn last_attempt(&self, intent: &Intent) -> Option<PaymentAttempt> {
        let mut attempts = self.decoded::<PaymentAttempt>(PAYMENT_ATTEMPTS.name).into_iter();
        attempts.rfind(|envelope| envelope.key == intent.id.to_string()).map(|envelope| envelope.payload)
    }

    /// Where the group is in the partition of an intent.
    pub fn position(&self, intent: &Intent) -> Option<Offset> {
        let partition = self.place(PAYMENT_INTENTS.name, &intent.payment.to_string());
        self.log.admin().group_offsets(&self.layout.physical(NAME), &[partition]).unwrap()[0]
    }
}

fn with<P: Contract>(codecs: Codecs, topic: &'static str, id: u32, registry: &Arc<Registry>) -> Codecs {
    codecs.with(topic, Codec::<P>::new(topic, id, registry.clone()).unwrap())
}

/// Waits until this is true.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn reference(result: &GatewayResult) -> &str {
    match result {
        GatewayResult::Succeeded { reference } => reference,
        other => panic!("expected a success, got {other:?}"),
    }
}
