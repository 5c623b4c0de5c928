//! Copying what librdkafka lends: records, and where they are.

use std::{ffi::CStr, ptr, slice};

use rdkafka::bindings::{self as rd, rd_kafka_resp_err_t as Response};

use super::{super::names::Names, bytes};
use crate::{Copies, Headers, Offset, Record, TopicPartition};

pub(super) struct Records {
    names: Names,
    /// Apart from the values: keys go on into what records lead to, and are to keep no values.
    keys: Copies,
    values: Copies,
    headers: bool,
}

impl Records {
    /// `values` says how to keep those of the records, and `headers` whether they come with theirs.
    pub fn new(values: Copies, headers: bool) -> Self {
        Self { names: Names::default(), keys: Copies::default(), values, headers }
    }

    /// SAFETY: `message` lives through the call.
    pub unsafe fn record(&mut self, message: &rd::rd_kafka_message_t) -> Record {
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

    /// SAFETY: as for [`Records::record`].
    pub unsafe fn place(&mut self, message: &rd::rd_kafka_message_t) -> TopicPartition {
        let topic = self.names.get(unsafe { CStr::from_ptr(rd::rd_kafka_topic_name(message.rkt)) });
        TopicPartition { topic, partition: message.partition as u32 }
    }

    /// SAFETY: as for [`Records::record`].
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
    pub unsafe fn position(&mut self, at: &rd::rd_kafka_topic_partition_t) -> (TopicPartition, Offset) {
        let topic = self.names.get(unsafe { CStr::from_ptr(at.topic) });
        (TopicPartition { topic, partition: at.partition as u32 }, at.offset)
    }

    /// SAFETY: `list` is null or lives through the call.
    pub unsafe fn partitions(&mut self, list: *const rd::rd_kafka_topic_partition_list_t) -> Vec<TopicPartition> {
        unsafe {
            let Some(list) = list.as_ref().filter(|list| list.cnt > 0) else { return Vec::new() };
            slice::from_raw_parts(list.elems, list.cnt as usize).iter().map(|at| self.position(at).0).collect()
        }
    }
}
