//! A log to try, and how to set up and look at what is on it.

use std::{
    any::Any,
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tradewind_topics::{
    Admin, Append, Cleanup, End, Log, Offset, Record, SessionConfig, Start, TopicPartition, TopicSpec,
};

use super::Worker;

/// How long a condition may take to come true before a case fails. Nothing waits for it otherwise.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// How long one poll waits.
pub const A_WHILE: Duration = Duration::from_millis(20);

/// A log under test.
pub struct Subject {
    pub log: Arc<dyn Log>,
    /// Comes before every name that a case uses.
    pub prefix: String,
    /// The shortest session time-out that the log takes.
    pub shortest_session: Duration,
    _keeps: Box<dyn Any + Send + Sync>,
}

impl Subject {
    /// `keeps` is what must live as long as the log: its directory, its broker.
    pub fn new(
        log: Arc<dyn Log>,
        prefix: impl Into<String>,
        shortest_session: Duration,
        keeps: impl Any + Send + Sync,
    ) -> Self {
        Self { log, prefix: prefix.into(), shortest_session, _keeps: Box::new(keeps) }
    }

    pub fn admin(&self) -> Arc<dyn Admin> {
        self.log.admin()
    }

    pub fn name(&self, name: &str) -> Arc<str> {
        format!("{}{name}", self.prefix).into()
    }

    /// Creates a topic that keeps everything.
    pub fn topic(&self, name: &str, partitions: u32) -> Arc<str> {
        self.topic_with(name, partitions, Cleanup::Keep)
    }

    pub fn topic_with(&self, name: &str, partitions: u32, cleanup: Cleanup) -> Arc<str> {
        let name = self.name(name);
        self.admin().create(&[TopicSpec { name: name.clone(), partitions, cleanup }]).expect("a topic is created");
        name
    }

    /// How a member of the case's one group joins. Its session does not time out while a case runs.
    pub fn member(&self, identity: &str, topics: &[&Arc<str>]) -> SessionConfig {
        SessionConfig {
            group: self.name("group"),
            topics: topics.iter().map(|topic| Arc::clone(topic)).collect(),
            transactional_id: self.name(identity),
            instance_id: None,
            session_timeout: 2 * PATIENCE,
            max_batch: 500,
        }
    }

    pub fn worker(&self, config: SessionConfig) -> Worker {
        Worker::new(self, config)
    }

    /// One whose place is kept when it vanishes.
    pub fn static_worker(&self, name: &str, topic: &Arc<str>) -> Worker {
        self.worker(SessionConfig { instance_id: Some(self.name(name)), ..self.member(name, &[topic]) })
    }

    /// A worker that has all partitions of the topic.
    pub fn lone_worker(&self, topic: &Arc<str>) -> Worker {
        let mut worker = self.worker(self.member("worker", &[topic]));
        let all = self.partitions(topic).len();
        wait_for("the only member has all partitions", || {
            worker.poll();
            worker.held.len() == all
        });
        worker
    }

    pub fn partitions(&self, topic: &Arc<str>) -> Vec<TopicPartition> {
        let topics = self.admin().topics().expect("topics are listed");
        let info = topics.iter().find(|info| info.name == *topic).expect("the topic was created");
        (0..info.partitions).map(|partition| TopicPartition::new(topic.clone(), partition)).collect()
    }

    pub fn end(&self, partition: &TopicPartition) -> Offset {
        self.admin().end(partition, End::Stable).expect("the end is known")
    }

    pub fn group_offset(&self, partition: &TopicPartition) -> Option<Offset> {
        let offsets = self.admin().group_offsets(&self.name("group"), std::slice::from_ref(partition));
        offsets.expect("offsets are known")[0]
    }

    /// Everything that is on the topic now, in order within each partition. Reads to the written end, not to the
    /// stable one: a broker answers a commit before its partitions know of it.
    pub fn read(&self, topic: &Arc<str>) -> Vec<Record> {
        let end = |partition: &_| self.admin().end(partition, End::Written).expect("the end is known");
        let ends: BTreeMap<_, _> =
            self.partitions(topic).into_iter().map(|partition| (partition.clone(), end(&partition))).collect();
        let starts: Vec<_> = ends.keys().map(|partition| (partition.clone(), Start::Beginning)).collect();
        let mut reader = self.log.reader().expect("a reader");
        reader.assign(&starts).expect("partitions are assigned");
        let mut records = Vec::new();
        wait_for("the reader reaches the ends", || {
            records.extend(reader.poll(A_WHILE).expect("records are read"));
            ends.iter().all(|(partition, end)| reader.position(partition).expect("it was assigned") >= *end)
        });
        records
    }

    /// The numbers on the topic, by partition.
    pub fn read_numbers(&self, topic: &Arc<str>) -> BTreeMap<u32, Vec<u64>> {
        let mut numbers: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for record in self.read(topic) {
            numbers.entry(record.source.partition).or_default().push(number_in(&record));
        }
        numbers
    }

    /// Appends numbers outside transactions, and waits until they are durable.
    pub fn write_numbers(&self, partition: &TopicPartition, numbers: std::ops::Range<u64>) -> Vec<Offset> {
        let writer = self.log.writer().expect("a writer");
        let appends: Vec<_> = numbers.map(|n| writer.append(numbered(partition, n))).collect();
        appends.into_iter().map(|append| wait(append).expect("it is appended")).collect()
    }
}

/// A record that carries a number.
pub fn numbered(to: &TopicPartition, number: u64) -> Append {
    Append {
        to: to.clone(),
        timestamp: 1_700_000_000_000 + number as i64,
        key: Some(Bytes::copy_from_slice(&number.to_be_bytes())),
        value: Some(Bytes::copy_from_slice(number.to_string().as_bytes())),
        headers: vec![],
    }
}

pub fn number_in(record: &Record) -> u64 {
    let value = record.value.as_deref().and_then(|value| std::str::from_utf8(value).ok());
    value.and_then(|value| value.parse().ok()).expect("the record carries a number")
}

/// Does the step until it says yes.
pub fn wait_for(what: &str, mut step: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !step() {
        assert!(Instant::now() < deadline, "in vain: {what}");
    }
}

/// Waits for a future on this thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future)
}
