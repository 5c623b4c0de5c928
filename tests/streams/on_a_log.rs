//! Stages on the production worker, on the embedded log and on a real Kafka.

use std::{
    collections::HashMap,
    fs, process,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{JoinHandle, spawn},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tradewind_runtime::{
    Client, Codecs, Layout, Limits, Local, Names, Processing, QueryError, Serving, Stage, Standbys, TOMBSTONES_FOR,
    Worker, WorkerError, WorkerMetrics, WorkerPlace, changelog, dead_letters, run,
};
use tradewind_schemas::{Contract, Key};
use tradewind_state::rocks::SharedMemory;
use tradewind_tests::broker::Broker;
use tradewind_topics::{
    Append, Cleanup, End, Log, Offset, SessionConfig, Start, Topic, TopicPartition, TopicSpec, Writer,
    embedded::{self, EmbeddedLog},
    kafka::{self, KafkaLog},
    partition_of,
};

use super::in_memory::{PARTITIONS, envelope, read};

const LARGEST: usize = 1_000_000;
/// How long a condition may take to come true before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum On {
    Embedded,
    Kafka,
}

impl On {
    /// A record's time as this log has it.
    pub fn has(self, at: i64) -> i64 {
        if self == Self::Kafka && at == 0 { 1 } else { at }
    }
}

/// Makes two tests of a function that takes an [`On`].
macro_rules! on_both_logs {
    ($test:ident) => {
        mod $test {
            use $crate::on_a_log::On;

            #[test]
            fn on_the_embedded_log() {
                super::$test(On::Embedded);
            }

            #[test]
            fn on_kafka() {
                super::$test(On::Kafka);
            }
        }
    };
}
pub(crate) use on_both_logs;

pub struct Shop {
    pub log: Arc<dyn Log>,
    pub layout: Layout,
    pub codecs: Codecs,
    pub runtime: Runtime,
    writer: Arc<dyn Writer>,
    stages: Vec<Arc<dyn Stage>>,
    home: TempDir,
}

/// The stages at work.
pub struct Running<'s> {
    shop: &'s Shop,
    pub client: Client,
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<Result<(), WorkerError>>>,
}

impl Shop {
    /// A log with these topics, and what the stages need beside them.
    pub fn open(on: On, codecs: Codecs, topics: &[&str], stages: Vec<Arc<dyn Stage>>) -> Self {
        static SHOPS: AtomicU32 = AtomicU32::new(0);
        let namespace = format!("streams-{}-{}", process::id(), SHOPS.fetch_add(1, Ordering::Relaxed));
        let home = TempDir::new().expect("a folder");
        let log: Arc<dyn Log> = match on {
            On::Embedded => {
                let options = embedded::Options { gaps: Some(7), ..embedded::Options::default() };
                EmbeddedLog::open(&home.path().join("log"), options).expect("a log")
            }
            On::Kafka => {
                let brokers = Broker::shared().bootstrap();
                KafkaLog::connect(&brokers, kafka::Options::default()).expect("the broker answers")
            }
        };
        let mut names: HashMap<String, Cleanup> = HashMap::new();
        for topic in topics {
            names.insert((*topic).to_owned(), Cleanup::Keep);
            names.insert(dead_letters(topic), Cleanup::Keep);
        }
        for stage in &stages {
            names.insert(changelog(stage.name()), Cleanup::Compact { tombstones_for: TOMBSTONES_FOR });
        }
        let layout = Layout::new(&namespace, names.keys().map(|name| (name.clone(), PARTITIONS)).collect());
        let spec = |(name, cleanup): (&String, &Cleanup)| TopicSpec {
            name: layout.physical(name),
            partitions: PARTITIONS,
            cleanup: *cleanup,
        };
        log.admin().create(&names.iter().map(spec).collect::<Vec<_>>()).expect("topics");
        let (writer, runtime) = (log.writer().expect("a writer"), Runtime::new().expect("a runtime"));
        Self { log, layout, codecs, runtime, writer, stages, home }
    }

    pub fn start(&self) -> Running<'_> {
        let (serving, memory) = (Serving::default(), SharedMemory::new(16 << 20));
        let stop = Arc::<AtomicBool>::default();
        let (mut workers, mut sources) = (Vec::new(), HashMap::new());
        for stage in &self.stages {
            let names = Names::new(self.layout.clone(), stage.name(), stage.source());
            let first: Vec<_> = (0..PARTITIONS).map(|partition| (names.source(partition), 0)).collect();
            self.log.admin().initialise_group(&names.group(), &first).expect("first offsets");
            sources.insert(stage.name().to_owned(), stage.source().to_owned());
            let session = SessionConfig {
                group: names.group(),
                topics: vec![self.layout.physical(stage.source())],
                transactional_id: format!("{}.worker-0", names.group()).into(),
                instance_id: Some("worker-0".into()),
                session_timeout: Duration::from_secs(15),
                max_batch: 100,
            };
            let processing = Processing::new(stage.clone(), self.layout.clone(), LARGEST, false);
            let worker = Worker::new(processing, names.clone(), Limits::default());
            let (log, state_dir) = (self.log.clone(), self.home.path().join("state"));
            let metrics = WorkerMetrics::new(&prometheus::Registry::new()).expect("a registry of their own");
            let (memory, serving) = (memory.clone(), serving.clone());
            let place =
                WorkerPlace { log, state_dir, memory, serving, metrics, standbys: Standbys::default(), session };
            let stop = stop.clone();
            workers.push(spawn(move || run(worker, names, place, &stop)));
        }
        let handle = self.runtime.handle().clone();
        let local = Local::new(serving, self.log.clone(), self.layout.clone(), sources, handle);
        Running { shop: self, client: Client(Arc::new(local)), stop, workers }
    }

    /// The state on disk is lost: it has to come back from the changelogs.
    pub fn lose_state(&self) {
        let state = self.home.path().join("state");
        if state.exists() {
            fs::remove_dir_all(state).expect("the state is gone");
        }
    }

    /// Says where it lies.
    pub fn write<K: Key, P: Contract>(&self, topic: Topic<K, P>, key: &K, at: i64, payload: P) -> Offset {
        let value = self.codecs.of::<P>(topic.name).expect("its codec").encode(&envelope(&key.text(), at, payload));
        self.append(topic, key, at, Some(value.expect("a record")))
    }

    pub fn append<K: Key, P>(&self, topic: Topic<K, P>, key: &K, at: i64, value: Option<Vec<u8>>) -> Offset {
        let key = key.text();
        let to = TopicPartition::new(self.layout.physical(topic.name), partition_of(key.as_bytes(), PARTITIONS));
        let (key, value) = (Some(key.into()), value.map(Into::into));
        let written = self.writer.append(Append { to, timestamp: at, key, value, headers: Vec::new() });
        self.runtime.block_on(written).expect("it is written")
    }

    /// All that lies on a topic and is committed, partition after partition.
    pub fn read<K, P: Contract>(&self, topic: Topic<K, P>) -> Vec<(String, i64, Option<P>)> {
        let codec = self.codecs.of::<P>(topic.name).expect("its codec");
        (0..PARTITIONS)
            .flat_map(|partition| {
                let from = TopicPartition::new(self.layout.physical(topic.name), partition);
                let end = self.log.admin().end(&from, End::Written).expect("its end");
                let mut reader = self.log.reader().expect("a reader");
                reader.assign(&[(from.clone(), Start::Beginning)]).expect("a partition");
                let (mut records, deadline) = (Vec::new(), Instant::now() + PATIENCE);
                while reader.position(&from).expect("a position") < end {
                    records.extend(reader.poll(Duration::from_millis(50)).expect("records"));
                    assert!(Instant::now() < deadline, "{from} was not read to its end");
                }
                let placed = |key: &str| partition_of(key.as_bytes(), PARTITIONS) == partition;
                let records = records.iter().map(|record| read(codec, record));
                records.inspect(|(key, ..)| assert!(placed(key), "{key} is in {from}")).collect::<Vec<_>>()
            })
            .collect()
    }
}

impl Running<'_> {
    /// Asks until the task is there and has caught up.
    pub fn ask<T>(&self, question: impl AsyncFn() -> Result<T, QueryError>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.shop.runtime.block_on(question()) {
                Err(QueryError::Unavailable { .. } | QueryError::Behind { .. }) if Instant::now() < deadline => {}
                settled => return settled.expect("an answer"),
            }
        }
    }

    /// Asks until the answer is the one that is waited for.
    pub fn until<T: std::fmt::Debug>(
        &self,
        question: impl AsyncFn() -> Result<T, QueryError>,
        is_so: impl Fn(&T) -> bool,
    ) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(&question);
            if is_so(&answer) {
                return;
            }
            assert!(Instant::now() < deadline, "it is still {answer:?}");
        }
    }

    /// What lies on a topic, once there are so many records; there must never be more.
    pub fn awaited<K, P: Contract>(&self, topic: Topic<K, P>, count: usize) -> Vec<(String, i64, Option<P>)> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let records = self.shop.read(topic);
            assert!(records.len() <= count, "{} records on {}, not {count}", records.len(), topic.name);
            if records.len() == count {
                return records;
            }
            assert!(Instant::now() < deadline, "only {} records on {}, not {count}", records.len(), topic.name);
        }
    }

    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.join().expect("no panic").expect("it ends well");
        }
    }
}
