//! The calls into librdkafka that rdkafka does not offer, or offers only in a slow way: the only unsafe code here.
//!
//! Each pointer that librdkafka hands over for us to free lives in a type that frees it once. Pointers that it lends
//! (messages and lists inside an event, strings inside an error) are read and copied while their owner is borrowed,
//! and never kept. librdkafka's clients are thread-safe by its documentation, and each call takes a reference to a
//! living rdkafka client, so the native handle outlives the call.
#![allow(unsafe_code)]

mod asking;
mod events;
mod messages;
mod producing;
mod records;

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::NonNull,
    slice,
    time::Duration,
};

use bytes::Bytes;
use rdkafka::{
    ClientContext, TopicPartitionList,
    bindings::{self as rd, rd_kafka_resp_err_t as Response},
    client::Client,
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode as Code,
};

use super::{contexts::Logging, faults::Fault};
use crate::Copies;

pub use asking::{describe_topics, knows_cluster};
pub use events::{Event, Events};
pub use messages::Messages;
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
