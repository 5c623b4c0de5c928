//! What an operator does to a shop's Kafka by hand.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures::executor::block_on;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, KafkaResult},
    message::Message,
    producer::{BaseProducer, BaseRecord, Producer},
};
use tradewind_tests::{
    broker::Broker,
    process::{Process, run},
    shop::Shop,
};

const ENDS_WITHIN: Duration = Duration::from_secs(90);
const DONE_WITHIN: Duration = Duration::from_secs(60);
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// The brokers, and one shop's names on them.
pub struct Operator {
    namespace: String,
    client: AdminClient<DefaultClientContext>,
    options: Vec<String>,
}

impl Operator {
    pub fn of(shop: &Shop) -> Self {
        let options = shop.kafka_options().to_vec();
        let at = options.iter().position(|option| option == "--namespace").expect("a namespace");
        let namespace = options[at + 1].clone();
        let client = config().create().expect("a client");
        Self { namespace, client, options }
    }

    fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.namespace)
    }

    fn consumer(&self, group: &str) -> BaseConsumer {
        config().set("group.id", self.name(group)).create().expect("a client")
    }

    /// The group's offset of a partition of a topic.
    pub fn offset(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&self.name(topic), partition);
        let answer = self.consumer(group).committed_offsets(asked, ANSWERS_WITHIN).expect("the group's offsets");
        match answer.elements()[0].offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }

    /// Once the group's members are gone: one that did not leave is one until its session is over.
    pub fn set_offset(&self, group: &str, topic: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name(topic), partition, Offset::Offset(offset)).expect("an offset");
        let consumer = self.consumer(group);
        until("the offset is set", || consumer.commit(&list, CommitMode::Sync));
    }

    /// The group's members must be gone.
    pub fn forget_group(&self, group: &str) {
        let name = self.name(group);
        let done = block_on(self.client.delete_groups(&[&name], &AdminOptions::new())).expect("the brokers answer");
        assert!(done.iter().all(Result::is_ok), "{done:?}");
    }

    /// Where a partition ends.
    pub fn end(&self, topic: &str, partition: i32) -> i64 {
        let ends = self.consumer("nobody").fetch_watermarks(&self.name(topic), partition, ANSWERS_WITHIN);
        ends.expect("its ends").1
    }

    /// Deletes what is in this partition of a topic but for the last offset, a transaction's marker. Kafka must be told
    /// not to compact it for that.
    pub fn delete_records(&self, topic: &str, partition: i32) {
        let name = self.name(topic);
        let policy = AlterConfig::new(ResourceSpecifier::Topic(&name)).set("cleanup.policy", "delete");
        let done = block_on(self.client.alter_configs(&[policy], &AdminOptions::new())).expect("the brokers answer");
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        let mut list = TopicPartitionList::new();
        let until_there = Offset::Offset(self.end(topic, partition) - 1);
        list.add_partition_offset(&name, partition, until_there).expect("an offset");
        until("its records are deleted", || {
            let done = block_on(self.client.delete_records(&list, &AdminOptions::new()))?;
            done.elements().iter().try_for_each(|element| element.error())
        });
    }

    /// Deletes a topic, and has the platform make what it lacks.
    pub fn make_anew(&self, topic: &str) {
        let name = self.name(topic);
        let done = block_on(self.client.delete_topics(&[&name], &AdminOptions::new())).expect("the brokers answer");
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        let options: Vec<_> = self.options.iter().map(String::as_str).collect();
        let reader = self.consumer("nobody");
        until("it is there anew", || {
            let applied = run(&[&["topics", "apply"], &options[..]].concat());
            let ends = (0..4).map(|at| Ok(reader.fetch_watermarks(&name, at, ANSWERS_WITHIN)?.1));
            let ends = ends.collect::<KafkaResult<Vec<_>>>()?;
            match applied.status.success() && ends.iter().all(|end| *end == 0) {
                true => Ok(()),
                false => Err(KafkaError::AdminOpCreation(format!("{applied:?}, {ends:?}"))),
            }
        });
    }

    /// The value of the first record in any partition of a topic.
    pub fn first_value(&self, topic: &str) -> Vec<u8> {
        let (name, reader) = (self.name(topic), self.consumer("nobody"));
        let mut from = TopicPartitionList::new();
        (0..4).for_each(|at| {
            from.add_partition_offset(&name, at, Offset::Beginning).expect("an offset");
        });
        reader.assign(&from).expect("partitions");
        let record = reader.poll(ANSWERS_WITHIN).expect("a record").expect("it can be read");
        record.payload().expect("a value").to_vec()
    }

    /// Writes what no process of the platform would.
    pub fn write(&self, topic: &str, partition: i32, key: Option<&str>, value: Option<&[u8]>) {
        let producer: BaseProducer = config().create().expect("a client");
        let name = self.name(topic);
        let mut record = BaseRecord::<str, [u8]>::to(&name).partition(partition);
        record.key = key;
        record.payload = value;
        producer.send(record).expect("it is sent");
        producer.flush(ANSWERS_WITHIN).expect("it is written");
    }

    /// The partitions of a stage's task that have consumed anything.
    pub fn used(&self, group: &str, topic: &str) -> BTreeSet<i32> {
        (0..4).filter(|partition| self.offset(group, topic, *partition).is_some_and(|offset| offset > 0)).collect()
    }
}

/// Tries until it succeeds.
fn until(what: &str, attempt: impl Fn() -> KafkaResult<()>) {
    let deadline = Instant::now() + DONE_WITHIN;
    while let Err(error) = attempt() {
        assert!(Instant::now() < deadline, "{what}: {error}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn config() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", Broker::shared().bootstrap()).set("enable.auto.commit", "false");
    config
}

/// Starts a process that must refuse to go on; gives the line in which it says why.
#[track_caller]
pub fn refuses(process: &mut Process, says: &[&str]) -> String {
    let before = process.said().len();
    process.restart();
    let status = process.end(ENDS_WITHIN);
    let said = process.said().split_off(before);
    assert_eq!(status.code(), Some(1), "{said}");
    let line = said.lines().find(|line| line.starts_with("tradewind: ")).unwrap_or_default().to_owned();
    for part in says {
        assert!(line.contains(part), "{part:?} is not in {line:?}; all of it:\n{said}");
    }
    line
}
