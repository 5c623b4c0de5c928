//! How a record lies in the store: one flat buffer, of which a reader takes slices.
//!
//! `flags, timestamp (8, little-endian), [key length, key], [headers: count, (name length, name, value length, value)*],
//! [value]`; lengths and counts are varints; the value goes to the end.

use std::sync::Arc;

use bytes::Bytes;

use super::topics::Partition;
use crate::{Append, Headers, Millis, Offset, Record};

const KEY: u8 = 1;
const VALUE: u8 = 2;
const HEADERS: u8 = 4;
const TIMESTAMP: std::ops::Range<usize> = 1..9;

/// What counts against the limit of a record's size, in bytes.
pub fn size(record: &Append) -> usize {
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    record.key.as_ref().map_or(0, Bytes::len) + record.value.as_ref().map_or(0, Bytes::len) + headers + 16
}

pub fn encode(record: &Append, to: &mut Vec<u8>) {
    let flag = |there: bool, flag: u8| if there { flag } else { 0 };
    to.push(
        flag(record.key.is_some(), KEY)
            | flag(record.value.is_some(), VALUE)
            | flag(!record.headers.is_empty(), HEADERS),
    );
    to.extend_from_slice(&record.timestamp.to_le_bytes());
    if let Some(key) = &record.key {
        put_bytes(key, to);
    }
    if !record.headers.is_empty() {
        put_varint(record.headers.len(), to);
        for (name, value) in &record.headers {
            put_bytes(name.as_bytes(), to);
            put_bytes(value, to);
        }
    }
    if let Some(value) = &record.value {
        to.extend_from_slice(value);
    }
}

fn put_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    put_varint(bytes.len(), to);
    to.extend_from_slice(bytes);
}

fn put_varint(mut number: usize, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// The timestamp of an encoded record.
pub fn timestamp(encoded: &[u8]) -> Option<Millis> {
    encoded.get(TIMESTAMP)?.try_into().ok().map(Millis::from_le_bytes)
}

/// The key of an encoded record, and whether the record is a tombstone.
pub fn key_and_tombstone(encoded: &[u8]) -> Option<(Option<&[u8]>, bool)> {
    let flags = *encoded.first()?;
    let mut cursor = Cursor { bytes: encoded, at: TIMESTAMP.end };
    let key = if flags & KEY == 0 { None } else { Some(&encoded[cursor.span()?]) };
    Some((key, flags & VALUE == 0))
}

/// Names of headers that were met, so that each is allocated once and not once per record.
#[derive(Default)]
pub struct Names(Vec<Arc<str>>);

impl Names {
    const KEPT: usize = 32;

    fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.iter().find(|known| ***known == *name) {
            return known.clone();
        }
        let new: Arc<str> = name.into();
        if self.0.len() < Self::KEPT {
            self.0.push(new.clone());
        }
        new
    }
}

/// `None` when these are not the bytes of a record.
pub fn decode(partition: &Partition, offset: Offset, encoded: &[u8], names: &mut Names) -> Option<Record> {
    let flags = *encoded.first()?;
    let timestamp = timestamp(encoded)?;
    let whole = Bytes::copy_from_slice(encoded);
    let mut cursor = Cursor { bytes: encoded, at: TIMESTAMP.end };
    let key = if flags & KEY == 0 { None } else { Some(whole.slice(cursor.span()?)) };
    let mut headers = Headers::new();
    if flags & HEADERS != 0 {
        for _ in 0..cursor.varint()? {
            let name = names.get(std::str::from_utf8(&encoded[cursor.span()?]).ok()?);
            headers.push((name, whole.slice(cursor.span()?)));
        }
    }
    let value = (flags & VALUE != 0).then(|| whole.slice(cursor.at..));
    Some(Record { source: partition.name.clone(), offset, timestamp, key, value, headers })
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn varint(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Where the next length-prefixed bytes lie.
    fn span(&mut self) -> Option<std::ops::Range<usize>> {
        let length = self.varint()?;
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        Some(std::mem::replace(&mut self.at, end)..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TopicPartition;

    fn append(key: Option<&'static [u8]>, value: Option<&'static [u8]>, headers: Headers) -> Append {
        let bytes = |bytes: Option<&'static [u8]>| bytes.map(Bytes::from_static);
        Append { to: TopicPartition::new("orders", 3), timestamp: -7, key: bytes(key), value: bytes(value), headers }
    }

    #[test]
    fn every_shape_comes_back_as_it_went() {
        let partition = Partition::new(&"orders".into(), 1, 3);
        let long: &'static [u8] = &[9; 300];
        for record in [
            append(None, None, vec![]),
            append(Some(b""), Some(b""), vec![]),
            append(Some(b"k"), None, vec![("h".into(), Bytes::new())]),
            append(None, Some(long), vec![("h".into(), Bytes::from_static(long)), ("h".into(), Bytes::new())]),
        ] {
            let mut encoded = Vec::new();
            encode(&record, &mut encoded);
            let read = decode(&partition, 4, &encoded, &mut Names::default()).expect("it was just encoded");
            assert_eq!((read.timestamp, read.key.as_deref()), (record.timestamp, record.key.as_deref()));
            assert_eq!((read.value, read.headers), (record.value.clone(), record.headers.clone()));
            assert_eq!(key_and_tombstone(&encoded), Some((record.key.as_deref(), record.value.is_none())));
        }
    }

    #[test]
    fn cut_bytes_are_no_record() {
        let partition = Partition::new(&"orders".into(), 1, 3);
        let mut encoded = Vec::new();
        encode(&append(Some(b"key"), None, vec![("h".into(), Bytes::from_static(b"v"))]), &mut encoded);
        for length in 0..encoded.len() {
            assert_eq!(decode(&partition, 4, &encoded[..length], &mut Names::default()), None, "{length} bytes");
        }
    }
}
