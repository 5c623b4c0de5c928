//! The records of a transaction on their way to the brokers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rdkafka::{
    ClientContext, Message,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::DeliveryResult,
    producer::{Producer, ProducerContext, ThreadedProducer},
};
use tracing::debug;

use super::{contexts, faults::Fault, produce::native, raw};
use crate::{Append, Offset, TopicPartition};

/// How long staging waits at a time for room in the producer's queue.
const ROOM: Duration = Duration::from_millis(10);

/// What became of the records of the open transaction.
#[derive(Default)]
pub struct Deliveries(pub Mutex<Delivered>);

#[derive(Default)]
pub struct Delivered {
    /// With this the transaction must not commit.
    pub first_failure: Option<Fault>,
    /// By the number that the records of a partition carry: the position after the last one written, 0 where none was.
    pub ends: Vec<Offset>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        contexts::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "librdkafka");
    }
}

impl ProducerContext for Deliveries {
    /// The number of the record's partition among the producer's targets.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, target: usize) {
        let mut delivered = self.0.lock();
        match result {
            Ok(record) => {
                if let Some(end) = delivered.ends.get_mut(target) {
                    *end = (*end).max(record.offset() + 1);
                }
            }
            Err((error, record)) => {
                let mut fault = Fault::from(error.clone());
                fault.text = format!("{}-{}: {}", record.topic(), record.partition(), fault.text);
                delivered.first_failure.get_or_insert(fault);
            }
        }
    }
}

/// A producer, and the partitions that it has written to so far.
pub struct Writing {
    targets: Vec<Target>,
    producer: Arc<ThreadedProducer<Deliveries>>,
}

struct Target {
    at: TopicPartition,
    topic: raw::Topic,
}

impl Writing {
    pub fn new(producer: Arc<ThreadedProducer<Deliveries>>) -> Self {
        Self { targets: Vec::new(), producer }
    }

    /// A transaction begins: nothing of it is delivered.
    pub fn begin(&self) {
        let mut delivered = self.producer.context().0.lock();
        delivered.first_failure = None;
        delivered.ends.fill(0);
    }

    /// Hands the records to the producer. Waits for room up to `timeout`.
    pub fn write(&mut self, records: Vec<Append>, timeout: Duration) -> Result<(), Fault> {
        let deadline = Instant::now() + timeout;
        // Each is dropped once it is copied: later its bytes would have to be fetched into the cache again.
        for record in records {
            let number = self.number(&record.to)?;
            while let Err(fault) = self.hand_over(&record, number) {
                if fault.code != Some(Code::QueueFull) || Instant::now() > deadline {
                    return Err(Fault { text: format!("{}: {}", record.to, fault.text), ..fault });
                }
                raw::flush(self.producer.client(), ROOM);
            }
        }
        Ok(())
    }

    fn hand_over(&self, record: &Append, number: usize) -> Result<(), Fault> {
        if record.headers.is_empty() {
            self.targets[number].topic.produce(record, number).map_err(Fault::new)
        } else {
            self.producer.send(native(record, number)).map_err(|(error, _)| Fault::from(error))
        }
    }

    /// The number of a partition. There are few, and whoever writes to one names its topic with the same string each
    /// time.
    fn number(&mut self, at: &TopicPartition) -> Result<usize, Fault> {
        let same = |target: &Target| {
            target.at.partition == at.partition
                && (Arc::ptr_eq(&target.at.topic, &at.topic) || target.at.topic == at.topic)
        };
        if let Some(known) = self.targets.iter().position(same) {
            return Ok(known);
        }
        let topic = raw::Topic::of(&self.producer, &at.topic)?;
        self.targets.push(Target { at: at.clone(), topic });
        self.producer.context().0.lock().ends.resize(self.targets.len(), 0);
        Ok(self.targets.len() - 1)
    }

    /// The position after the last record that the transaction has written, for each partition that it wrote to.
    pub fn ends(&self) -> Vec<(TopicPartition, Offset)> {
        let delivered = self.producer.context().0.lock();
        // A record that was written but whose acknowledgement was lost has no offset: better to name no end.
        let ends = self.targets.iter().zip(&delivered.ends).filter(|(_, end)| **end > 0);
        ends.map(|(target, end)| (target.at.clone(), *end)).collect()
    }
}
