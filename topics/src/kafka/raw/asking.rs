//! Questions to the brokers that rdkafka does not ask.

use std::{
    ffi::{CString, c_char},
    ptr, slice,
    time::Duration,
};

use rdkafka::{
    ClientContext,
    bindings::{self as rd, rd_kafka_resp_err_t as Response},
    client::Client,
    error::RDKafkaErrorCode as Code,
};

use super::{Fault, Owned, copied, millis};

/// Whether a broker has told this client what cluster it is in. (rdkafka's own question never frees the answer.)
pub fn knows_cluster<C: ClientContext>(client: &Client<C>) -> bool {
    // SAFETY: the handle is that of a living client; the text that is returned is ours to free, and null is none.
    unsafe {
        let id = rd::rd_kafka_clusterid(client.native_ptr(), 0);
        let is_known = !id.is_null();
        if is_known {
            rd::rd_kafka_mem_free(client.native_ptr(), id.cast());
        }
        is_known
    }
}

/// A topic as the brokers describe it.
pub struct Description {
    pub name: String,
    /// The topic's UUID: another one means another topic of the same name.
    pub id: String,
    pub partitions: u32,
    pub internal: bool,
}

/// Describes these topics; those that are gone meanwhile are left out.
pub fn describe_topics<C: ClientContext>(
    client: &Client<C>,
    names: &[String],
    timeout: Duration,
) -> Result<Vec<Description>, Fault> {
    let names: Vec<CString> = names.iter().filter_map(|name| CString::new(name.as_str()).ok()).collect();
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let none = || Fault::new(Code::CriticalSystemResource);
    // SAFETY: the handle is that of a living client; queue, options, collection and event are ours and freed in the
    // reverse of this order; the names outlive the call that copies them; what the event lends is copied before it
    // goes.
    unsafe {
        let queue = Owned::new(rd::rd_kafka_queue_new(client.native_ptr()), rd::rd_kafka_queue_destroy);
        let queue = queue.ok_or_else(none)?;
        let options = Owned::new(
            rd::rd_kafka_AdminOptions_new(
                client.native_ptr(),
                rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
            ),
            rd::rd_kafka_AdminOptions_destroy,
        )
        .ok_or_else(none)?;
        rd::rd_kafka_AdminOptions_set_request_timeout(options.get(), millis(timeout), ptr::null_mut(), 0);
        let topics = Owned::new(
            rd::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()),
            rd::rd_kafka_TopicCollection_destroy,
        )
        .ok_or_else(none)?;
        rd::rd_kafka_DescribeTopics(client.native_ptr(), topics.get(), options.get(), queue.get());
        let event = Owned::new(
            rd::rd_kafka_queue_poll(queue.get(), millis(timeout + Duration::from_secs(1))),
            rd::rd_kafka_event_destroy,
        )
        .ok_or_else(|| Fault::new(Code::OperationTimedOut))?;
        let code = Code::from(rd::rd_kafka_event_error(event.get()));
        if code != Code::NoError {
            let text = copied(rd::rd_kafka_event_error_string(event.get()));
            return Err(Fault { code: Some(code), text, fatal: false });
        }
        let result = rd::rd_kafka_event_DescribeTopics_result(event.get());
        let mut count = 0;
        let described = rd::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        let described = if count == 0 { &[] } else { slice::from_raw_parts(described, count) };
        Ok(described.iter().filter_map(|&topic| description(topic)).collect())
    }
}

/// SAFETY: `topic` is a description inside a living result.
unsafe fn description(topic: *const rd::rd_kafka_TopicDescription_t) -> Option<Description> {
    unsafe {
        let error = rd::rd_kafka_TopicDescription_error(topic);
        if !error.is_null() && rd::rd_kafka_error_code(error) != Response::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        let mut partitions = 0;
        rd::rd_kafka_TopicDescription_partitions(topic, &mut partitions);
        Some(Description {
            name: copied(rd::rd_kafka_TopicDescription_name(topic)),
            id: copied(rd::rd_kafka_Uuid_base64str(rd::rd_kafka_TopicDescription_topic_id(topic))),
            partitions: partitions as u32,
            internal: rd::rd_kafka_TopicDescription_is_internal(topic) != 0,
        })
    }
}
