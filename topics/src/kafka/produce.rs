//! Our records as librdkafka takes them.

use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::BaseRecord,
    util::IntoOpaque,
};

use crate::{Append, LogError, Millis};

/// Bytes that the brokers' format adds to a record, and to each header, at most.
const FRAMING: usize = 64;
const HEADER_FRAMING: usize = 10;

/// An error when the record is larger than what the log takes.
pub fn check_size(record: &Append, limit: usize) -> Result<(), LogError> {
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + value.len() + HEADER_FRAMING).sum();
    let length = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or(0, bytes::Bytes::len);
    let size = length(&record.key) + length(&record.value) + headers + FRAMING;
    if size > limit {
        return Err(LogError::TooLarge { to: record.to.clone(), size, limit });
    }
    Ok(())
}

/// A record's time as it is told to librdkafka, which takes 0 for *now*: the very beginning of 1970 is a millisecond
/// later here.
pub fn time_of(record: &Append) -> Millis {
    if record.timestamp == 0 { 1 } else { record.timestamp }
}

pub fn native<D: IntoOpaque>(record: &Append, opaque: D) -> BaseRecord<'_, [u8], [u8], D> {
    let mut native = BaseRecord::with_opaque_to(&record.to.topic, opaque)
        .partition(record.to.partition as i32)
        .timestamp(time_of(record));
    native.key = record.key.as_deref();
    native.payload = record.value.as_deref();
    if !record.headers.is_empty() {
        let headers = OwnedHeaders::new_with_capacity(record.headers.len());
        native = native.headers(
            record
                .headers
                .iter()
                .fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(&**value) })),
        );
    }
    native
}
