//! The calls into librdkafka that rdkafka does not offer, or offers only in a slow way: the only unsafe code here.
//!
//! Each pointer that librdkafka hands over for us to free lives in a type that frees it once. Pointers that it lends
//! (messages and lists inside an event, strings inside an error) are read and copied while their owner is borrowed,
//! and never kept. librdkafka's clients are thread-safe by its documentation, and each call takes a reference to a
//! living rdkafka client, so the native handle outlives the call.
#![allow(unsafe_code)]

mod asking;
mod batches;
mod producing;

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::{self, NonNull},
    slice,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rdkafka::{
    ClientContext, TopicPartitionList,
    bindings::{self as rd, rd_kafka_resp_err_t as Response},
    client::Client,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode as Code,
};

use super::{contexts, contexts::Logging, faults::Fault, names::Names};
use crate::{Copies, Headers, Offset, Record, TopicPartition};

pub use asking::describe_topics;
use batches::Taken;
pub use producing::Topic;

/// An owned native object and what frees it.
struct Owned<T> {
    pointer: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// SAFETY: `pointer` is null or ours to free, once, with `free`.
    unsafe fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(pointer).map(|pointer| Self { pointer, free })
    }

    fn get(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: by the contract of `new`, and only here.
        unsafe { (self.free)(self.pointer.as_ptr()) }
    }
}

fn millis(duration: Duration) -> c_int {
    c_int::try_from(duration.as_millis()).unwrap_or(c_int::MAX)
}

/// SAFETY: `text` is null or a C string that lives through the call.
unsafe fn copied(text: *const c_char) -> String {
    if text.is_null() { String::new() } else { unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned() }
}

/// SAFETY: `data` is null or points at `length` bytes that live through the call.
unsafe fn bytes(data: *const std::ffi::c_void, length: usize, copies: &mut Copies) -> Option<Bytes> {
    (!data.is_null()).then(|| copies.of(unsafe { slice::from_raw_parts(data.cast(), length) }))
}

/// Takes over an error object: null means success.
///
/// SAFETY: `error` is null or ours to free.
unsafe fn outcome(error: *mut rd::rd_kafka_error_t) -> Result<(), Fault> {
    match unsafe { Owned::new(error, rd::rd_kafka_error_destroy) } {
        None => Ok(()),
        Some(error) => Err(unsafe {
            Fault {
                code: Some(Code::from(rd::rd_kafka_error_code(error.get()))),
                text: copied(rd::rd_kafka_error_string(error.get())),
                fatal: rd::rd_kafka_error_is_fatal(error.get()) != 0,
            }
        }),
    }
}

/// Waits until every produced record is settled; false when `timeout` comes first.
///
/// rdkafka's own flush looks every 100 ms; this one wakes with the last acknowledgement. It only waits: delivery
/// reports are served by the producer's polling thread.
pub fn flush<C: ClientContext>(producer: &Client<C>, timeout: Duration) -> bool {
    // SAFETY: the handle is that of a living producer.
    unsafe { rd::rd_kafka_flush(producer.native_ptr(), millis(timeout)) == Response::RD_KAFKA_RESP_ERR_NO_ERROR }
}

/// Commits the open transaction; everything must have been flushed. (rdkafka's flushes again, see [`flush`].)
pub fn commit_transaction<C: ClientContext>(producer: &Client<C>, timeout: Duration) -> Result<(), Fault> {
    // SAFETY: the handle is that of a living producer, and the returned error is ours.
    unsafe { outcome(rd::rd_kafka_commit_transaction(producer.native_ptr(), millis(timeout))) }
}

/// A member's credentials in one generation of its group: what fences a zombie.
pub struct Membership {
    metadata: Owned<rd::rd_kafka_consumer_group_metadata_t>,
    generation: i32,
    member: String,
}

// SAFETY: the metadata is a plain heap object that no thread is tied to; we only read it.
unsafe impl Send for Membership {}
// SAFETY: the same.
unsafe impl Sync for Membership {}

impl Membership {
    /// The present one. `None` outside a generation: the brokers would let anyone commit with such credentials.
    pub fn of(consumer: &BaseConsumer<Logging>) -> Option<Self> {
        // SAFETY: the handle is that of a living consumer; the metadata is ours; its strings are read while it lives.
        unsafe {
            let metadata = Owned::new(
                rd::rd_kafka_consumer_group_metadata(consumer.client().native_ptr()),
                rd::rd_kafka_consumer_group_metadata_destroy,
            )?;
            let generation = rd::rd_kafka_consumer_group_metadata_generation_id(metadata.get());
            let member = copied(rd::rd_kafka_consumer_group_metadata_member_id(metadata.get()));
            (generation >= 0 && !member.is_empty()).then_some(Self { metadata, generation, member })
        }
    }
}

/// The same member in the same generation.
impl PartialEq for Membership {
    fn eq(&self, other: &Self) -> bool {
        self.generation == other.generation && self.member == other.member
    }
}

/// Adds the group's positions to the open transaction, in the name of this membership.
pub fn send_offsets<C: ClientContext>(
    producer: &Client<C>,
    positions: &TopicPartitionList,
    membership: &Membership,
    timeout: Duration,
) -> Result<(), Fault> {
    // SAFETY: all three handles belong to living values; librdkafka copies the list and the metadata.
    unsafe {
        outcome(rd::rd_kafka_send_offsets_to_transaction(
            producer.native_ptr(),
            positions.ptr(),
            membership.metadata.get(),
            millis(timeout),
        ))
    }
}

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
    /// Given back before the queue.
    taken: Taken,
    queue: Owned<rd::rd_kafka_queue_t>,
    names: Names,
    /// Apart from the values: keys go on into what records lead to, and are to keep no values.
    keys: Copies,
    values: Copies,
    headers: bool,
    /// Keeps the client alive while the queue is; fields are dropped in this order.
    _consumer: Arc<BaseConsumer<Logging>>,
}

// SAFETY: librdkafka's queues may be polled from any thread, and `next` takes `&mut self`, so from one at a time.
unsafe impl Send for Events {}

impl Events {
    /// `values` says how to keep those of the records, and `headers` whether they come with theirs. `None` for a consumer
    /// without a group, which has no such queue.
    pub fn of(consumer: Arc<BaseConsumer<Logging>>, values: Copies, headers: bool) -> Option<Self> {
        // SAFETY: the handle is that of a living consumer; the reference to the queue that is returned is ours.
        let queue = unsafe {
            Owned::new(rd::rd_kafka_queue_get_consumer(consumer.client().native_ptr()), rd::rd_kafka_queue_destroy)
        }?;
        Some(Self {
            taken: Taken::default(),
            queue,
            names: Names::default(),
            keys: Copies::default(),
            values,
            headers,
            _consumer: consumer,
        })
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
                    Some(Event::Record(self.record(message)))
                }
                rd::RD_KAFKA_EVENT_ERROR => {
                    let code = Code::from(rd::rd_kafka_event_error(event));
                    let about =
                        Owned::new(rd::rd_kafka_event_topic_partition(event), rd::rd_kafka_topic_partition_destroy);
                    let at = about.map(|at| self.position(at.pointer.as_ref()));
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
                        Event::Assigned(self.partitions(rd::rd_kafka_event_topic_partition_list(event)))
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

    /// SAFETY: `message` was lent by an event that lives through the call.
    unsafe fn record(&mut self, message: &rd::rd_kafka_message_t) -> Record {
        unsafe {
            let source = self.place(message);
            let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
            Record {
                source,
                offset: message.offset,
                timestamp: rd::rd_kafka_message_timestamp(message, &mut kind),
                key: bytes(message.key, message.key_len, &mut self.keys),
                value: bytes(message.payload, message.len, &mut self.values),
                headers: if self.headers { self.headers_of(message) } else { Headers::new() },
            }
        }
    }

    /// SAFETY: as for [`Events::record`].
    unsafe fn place(&mut self, message: &rd::rd_kafka_message_t) -> TopicPartition {
        let topic = self.names.get(unsafe { CStr::from_ptr(rd::rd_kafka_topic_name(message.rkt)) });
        TopicPartition { topic, partition: message.partition as u32 }
    }

    /// SAFETY: as for [`Events::record`].
    unsafe fn headers_of(&mut self, message: &rd::rd_kafka_message_t) -> Headers {
        let mut headers = Headers::new();
        let mut list = ptr::null_mut();
        unsafe {
            if rd::rd_kafka_message_headers(message, &mut list) != Response::RD_KAFKA_RESP_ERR_NO_ERROR {
                return headers;
            }
            let (mut name, mut value, mut length) = (ptr::null(), ptr::null(), 0);
            while rd::rd_kafka_header_get_all(list, headers.len(), &mut name, &mut value, &mut length)
                == Response::RD_KAFKA_RESP_ERR_NO_ERROR
            {
                let value = bytes(value, length, &mut self.keys).unwrap_or_default();
                headers.push((self.names.get(CStr::from_ptr(name)), value));
            }
        }
        headers
    }

    /// SAFETY: the topic's name inside `at` is a C string.
    unsafe fn position(&mut self, at: &rd::rd_kafka_topic_partition_t) -> (TopicPartition, Offset) {
        let topic = self.names.get(unsafe { CStr::from_ptr(at.topic) });
        (TopicPartition { topic, partition: at.partition as u32 }, at.offset)
    }

    /// SAFETY: `list` is null or lives through the call.
    unsafe fn partitions(&mut self, list: *const rd::rd_kafka_topic_partition_list_t) -> Vec<TopicPartition> {
        unsafe {
            let Some(list) = list.as_ref().filter(|list| list.cnt > 0) else { return Vec::new() };
            slice::from_raw_parts(list.elems, list.cnt as usize).iter().map(|at| self.position(at).0).collect()
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
