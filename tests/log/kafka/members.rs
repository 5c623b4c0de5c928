//! Members that librdkafka would treat otherwise.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseProducer, Producer},
};
use tradewind_tests::broker::Broker;

use super::subject;
use crate::suite::{Subject, groups::static_members, wait_for};

/// A static member's place is kept when it vanishes, but not when it says good-bye.
#[test]
fn a_static_member_that_leaves_hands_over_at_once() {
    let subject = subject();
    let topic = subject.topic("orders", 4);
    let (one, mut other) = static_members(&subject, &topic);
    one.leave();
    wait_for("the other has all", || {
        other.poll();
        other.held.len() == 4
    });
}

/// What a worker leaves behind that dies between naming its positions and ending its transaction. The brokers abort it
/// after this time.
fn die_in_a_commit(subject: &Subject, topic: &Arc<str>, after: Duration) -> BaseProducer {
    let client = || {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", Broker::shared().bootstrap());
        config
    };
    let consumer: BaseConsumer = client().set("group.id", &*subject.name("group")).create().expect("a consumer");
    let producer: BaseProducer = client()
        .set("transactional.id", &*subject.name("dies"))
        .set("transaction.timeout.ms", after.as_millis().to_string())
        .set("message.timeout.ms", after.as_millis().to_string())
        .create()
        .expect("a producer");
    producer.init_transactions(Duration::from_secs(30)).expect("the identity is taken");
    producer.begin_transaction().expect("a transaction begins");
    let mut positions = TopicPartitionList::new();
    positions.add_partition_offset(topic, 0, Offset::Offset(5)).expect("a position");
    let group = consumer.group_metadata().expect("a group");
    producer.send_offsets_to_transaction(&positions, &group, Duration::from_secs(30)).expect("positions are named");
    producer
}

/// Stable offsets have to wait for that transaction, which may take longer than a session lasts.
#[test]
fn a_member_keeps_its_place_while_it_waits_for_stable_offsets() {
    let subject = subject();
    let topic = subject.topic("orders", 1);
    subject.write_numbers(&subject.partitions(&topic)[0], 0..10);
    let session = Duration::from_secs(3);
    let _dead = die_in_a_commit(&subject, &topic, session * 3);
    let mut config = subject.member("heir", &[&topic]);
    config.session_timeout = session;
    let mut heir = subject.worker(config);
    wait_for("everything is read, for the pending commit came to nothing", || {
        heir.poll();
        heir.records.len() == 10
    });
    assert!(!heir.lost);
}
