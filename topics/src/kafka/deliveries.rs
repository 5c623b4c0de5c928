//! The records of a transaction on their way to the brokers.

use std::{
    collections::HashMap,
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
    /// By the index that the records of a partition carry: the position after the last one written.
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
    /// The index of the record's partition in the transaction's targets.
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

/// Hands the records to the producer, and adds where they go to `targets`. Waits for room up to `timeout`.
pub fn write(
    producer: &ThreadedProducer<Deliveries>,
    records: &[Append],
    targets: &mut HashMap<TopicPartition, usize>,
    timeout: Duration,
) -> Result<(), Fault> {
    let deadline = Instant::now() + timeout;
    for record in records {
        let target = match targets.get(&record.to) {
            Some(target) => *target,
            None => {
                let target = targets.len();
                targets.insert(record.to.clone(), target);
                producer.context().0.lock().ends.resize(target + 1, 0);
                target
            }
        };
        let mut pending = native(record, target);
        while let Err((error, returned)) = producer.send(pending) {
            if error.rdkafka_error_code() != Some(Code::QueueFull) || Instant::now() > deadline {
                let fault = Fault::from(error);
                return Err(Fault { text: format!("{}: {}", record.to, fault.text), ..fault });
            }
            raw::flush(producer.client(), ROOM);
            pending = returned;
        }
    }
    Ok(())
}
