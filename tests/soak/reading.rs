//! Reads topics as any other program would: with a plain consumer of committed records, none of the platform's code.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::BorrowedMessage,
};

use crate::topics::PARTITIONS;

const GLANCE: Duration = Duration::from_millis(200);
/// No record of a partition for so long, though its end is not reached, is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// No run has more than is read within this time.
const LONGEST: Duration = Duration::from_secs(600);

/// A consumer of all partitions of a topic from their beginning on.
pub fn consumer(brokers: &str, topic: &str, isolation: &str) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "soak-verifier")
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true")
        .create()?;
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        all.add_partition_offset(topic, partition as i32, Offset::Beginning)?;
    }
    consumer.assign(&all)?;
    Ok(consumer)
}

/// Reads a topic to the ends that it has now: within a partition in the order of its offsets.
pub fn read(
    brokers: &str,
    topic: &str,
    isolation: &str,
    mut each: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
) -> Result<()> {
    let consumer = consumer(brokers, topic, isolation)?;
    let mut at_end = [false; PARTITIONS as usize];
    let (begun, mut heard) = (Instant::now(), Instant::now());
    while !at_end.iter().all(|at_end| *at_end) {
        if begun.elapsed() > LONGEST {
            bail!("{topic} has no end after {LONGEST:?}: {at_end:?}");
        }
        match consumer.poll(GLANCE) {
            None if heard.elapsed() > PATIENCE => bail!("{topic} cannot be read to its end: {at_end:?}"),
            None => continue,
            Some(Ok(record)) => {
                at_end[record.partition() as usize] = false;
                each(&record)?;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => at_end[partition as usize] = true,
            // The consumer tries again by itself.
            Some(Err(_)) => {}
        }
        heard = Instant::now();
    }
    Ok(())
}
