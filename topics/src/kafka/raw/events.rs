//! What consumers hear, an event at a time.

use std::{
    ffi::c_int,
    ptr,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    bindings::{self as rd, rd_kafka_resp_err_t as Response},
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode as Code,
};

use super::{
    super::{contexts, contexts::Logging, faults::Fault},
    Owned, copied, millis,
    records::Records,
};
use crate::{Copies, Offset, Record, TopicPartition};

/// What a consumer hears.
pub enum Event {
    Record(Record),
    Assigned(Vec<TopicPartition>),
    /// The whole assignment, as always with the classic protocol.
    Revoked,
    /// The partition was read up to here, markers and aborted records included.
    End(TopicPartition, Offset),
    Fault(Fault, Option<(TopicPartition, Offset)>),
}

/// A consumer's events. rdkafka's own poll keeps to itself where a partition ended and which partition an error is
/// about, and answers a revocation before the worker could commit.
pub struct Events {
    queue: Owned<rd::rd_kafka_queue_t>,
    records: Records,
    /// Keeps the client alive while the queue is; fields are dropped in this order.
    _consumer: Arc<BaseConsumer<Logging>>,
}

// SAFETY: librdkafka's queues may be polled from any thread, and `next` takes `&mut self`, so from one at a time.
unsafe impl Send for Events {}

impl Events {
    /// All that a member of a group hears. `None` for a consumer without a group, which has no such queue.
    pub fn of_member(consumer: Arc<BaseConsumer<Logging>>) -> Option<Self> {
        // SAFETY: the handle is that of a living consumer; the reference to the queue that is returned is ours.
        let queue = unsafe {
            Owned::new(rd::rd_kafka_queue_get_consumer(consumer.client().native_ptr()), rd::rd_kafka_queue_destroy)
        }?;
        Some(Self { queue, records: Records::new(Copies::default(), true), _consumer: consumer })
    }

    /// What is about the client and not about what it reads: lines of its log, and faults. Its other events leave these
    /// out from then on.
    pub fn of_client(consumer: Arc<BaseConsumer<Logging>>) -> Option<Self> {
        // SAFETY: the handle is that of a living consumer; the reference to the queue that is returned is ours; to be
        // forwarded to nowhere is any queue's right.
        let queue = unsafe {
            let queue =
                Owned::new(rd::rd_kafka_queue_get_main(consumer.client().native_ptr()), rd::rd_kafka_queue_destroy)?;
            rd::rd_kafka_queue_forward(queue.get(), ptr::null_mut());
            queue
        };
        Some(Self { queue, records: Records::new(Copies::default(), true), _consumer: consumer })
    }

    /// Waits up to `timeout` for an event. Counts as a poll for the group.
    pub fn next(&mut self, timeout: Duration) -> Option<Event> {
        let deadline = (!timeout.is_zero()).then(|| Instant::now() + timeout);
        let mut wait = timeout;
        loop {
            // SAFETY: the queue is ours; the event that is returned is ours too.
            let event = unsafe {
                Owned::new(rd::rd_kafka_queue_poll(self.queue.get(), millis(wait)), rd::rd_kafka_event_destroy)
            }?;
            if let Some(event) = self.read(&event) {
                return Some(event);
            }
            wait = deadline.map_or(Duration::ZERO, |deadline| deadline.saturating_duration_since(Instant::now()));
        }
    }

    fn read(&mut self, event: &Owned<rd::rd_kafka_event_t>) -> Option<Event> {
        let event = event.get();
        // SAFETY: the event lives through this call, and everything inside it that is read here with it.
        unsafe {
            match rd::rd_kafka_event_type(event) {
                rd::RD_KAFKA_EVENT_FETCH => {
                    let message = rd::rd_kafka_event_message_next(event).as_ref()?;
                    Some(Event::Record(self.records.record(message)))
                }
                rd::RD_KAFKA_EVENT_ERROR => {
                    let code = Code::from(rd::rd_kafka_event_error(event));
                    let about =
                        Owned::new(rd::rd_kafka_event_topic_partition(event), rd::rd_kafka_topic_partition_destroy);
                    let at = about.map(|at| self.records.position(at.pointer.as_ref()));
                    match (code, at) {
                        (Code::PartitionEOF, at) => at.map(|(partition, offset)| Event::End(partition, offset)),
                        (code, at) => {
                            let text = copied(rd::rd_kafka_event_error_string(event));
                            let fatal = rd::rd_kafka_event_error_is_fatal(event) != 0;
                            Some(Event::Fault(Fault { code: Some(code), text, fatal }, at))
                        }
                    }
                }
                rd::RD_KAFKA_EVENT_REBALANCE => Some(match rd::rd_kafka_event_error(event) {
                    Response::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                        Event::Assigned(self.records.partitions(rd::rd_kafka_event_topic_partition_list(event)))
                    }
                    _ => Event::Revoked,
                }),
                rd::RD_KAFKA_EVENT_LOG => {
                    let (mut facility, mut line, mut level) = (ptr::null(), ptr::null(), 0);
                    if rd::rd_kafka_event_log(event, &mut facility, &mut line, &mut level) == 0 {
                        contexts::log(log_level(level), &copied(facility), &copied(line));
                    }
                    None
                }
                _ => None,
            }
        }
    }
}

/// Syslog's levels.
fn log_level(level: c_int) -> RDKafkaLogLevel {
    match level {
        ..=2 => RDKafkaLogLevel::Critical,
        3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 => RDKafkaLogLevel::Notice,
        6 => RDKafkaLogLevel::Info,
        _ => RDKafkaLogLevel::Debug,
    }
}
