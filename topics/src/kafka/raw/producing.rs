//! Handing records to a producer by a handle of their topic: by name, librdkafka would look it up under a lock, and
//! rdkafka would copy the name, for every record.

use std::{
    ffi::{CString, c_void},
    ptr,
    sync::Arc,
};

use rdkafka::{
    bindings::{self as rd, rd_kafka_resp_err_t as Response, rd_kafka_vtype_t as Argument},
    error::RDKafkaErrorCode as Code,
    producer::{Producer, ThreadedProducer},
};

use super::{
    super::{deliveries::Deliveries, produce::time_of},
    Fault, Owned,
};
use crate::Append;

/// A topic that a producer writes to.
pub struct Topic {
    handle: Owned<rd::rd_kafka_topic_t>,
    /// Keeps the client alive while the handle is; fields are dropped in this order.
    producer: Arc<ThreadedProducer<Deliveries>>,
}

// SAFETY: librdkafka counts the references to a topic, and any thread may use and give back its own.
unsafe impl Send for Topic {}

impl Topic {
    pub fn of(producer: &Arc<ThreadedProducer<Deliveries>>, name: &str) -> Result<Self, Fault> {
        let name = CString::new(name).map_err(|_| Fault::new(Code::InvalidTopic))?;
        // SAFETY: the handle is that of a living producer; the name outlives the call that copies it; the reference
        // that is returned is ours.
        let handle = unsafe {
            let topic = rd::rd_kafka_topic_new(producer.client().native_ptr(), name.as_ptr(), ptr::null_mut());
            Owned::new(topic, rd::rd_kafka_topic_destroy)
        };
        let handle = handle.ok_or_else(|| Fault::new(Code::InvalidTopic))?;
        Ok(Self { handle, producer: producer.clone() })
    }

    /// Hands over a record without headers. Its delivery report will carry `opaque`.
    pub fn produce(&self, record: &Append, opaque: usize) -> Result<(), Code> {
        let bytes = |bytes: &Option<bytes::Bytes>| match bytes {
            None => (ptr::null_mut(), 0),
            Some(bytes) => (bytes.as_ptr().cast_mut().cast::<c_void>(), bytes.len()),
        };
        let ((value, value_length), (key, key_length)) = (bytes(&record.value), bytes(&record.key));
        // SAFETY: both handles are alive, and the topic is this producer's; key and value are copied within the call;
        // the arguments are pairs of a kind and what that kind takes, up to the end.
        let response = unsafe {
            rd::rd_kafka_producev(
                self.producer.client().native_ptr(),
                Argument::RD_KAFKA_VTYPE_RKT,
                self.handle.get(),
                Argument::RD_KAFKA_VTYPE_PARTITION,
                record.to.partition as i32,
                Argument::RD_KAFKA_VTYPE_MSGFLAGS,
                rd::RD_KAFKA_MSG_F_COPY,
                Argument::RD_KAFKA_VTYPE_VALUE,
                value,
                value_length,
                Argument::RD_KAFKA_VTYPE_KEY,
                key,
                key_length,
                Argument::RD_KAFKA_VTYPE_OPAQUE,
                opaque as *mut c_void,
                Argument::RD_KAFKA_VTYPE_TIMESTAMP,
                time_of(record),
                Argument::RD_KAFKA_VTYPE_END,
            )
        };
        if response == Response::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(Code::from(response)) }
    }
}
