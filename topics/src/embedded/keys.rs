//! Keys of the store's column families: big-endian, so that they sort as their parts do.

use crate::{Millis, Offset};

/// A partition within this log's directory: the number of the topic's creation, and the partition's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId {
    pub topic: u32,
    pub partition: u32,
}

impl PartitionId {
    fn prefix(self) -> [u8; 8] {
        let mut key = [0; 8];
        key[..4].copy_from_slice(&self.topic.to_be_bytes());
        key[4..].copy_from_slice(&self.partition.to_be_bytes());
        key
    }

    fn with(self, last: u64) -> [u8; 16] {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.prefix());
        key[8..].copy_from_slice(&last.to_be_bytes());
        key
    }

    /// Of the record at this offset.
    pub fn record(self, offset: Offset) -> [u8; 16] {
        self.with(offset as u64)
    }

    /// Of the time index's entry for this running maximum of timestamps.
    pub fn time(self, maximum: Millis) -> [u8; 16] {
        // Flipping the sign bit makes negative times sort before positive ones.
        self.with((maximum as u64) ^ (1 << 63))
    }

    /// Of something there is one of per partition.
    pub fn note(self, kind: Note) -> [u8; 9] {
        let mut key = [kind as u8; 9];
        key[1..].copy_from_slice(&self.prefix());
        key
    }

    /// Of a group's offset.
    pub fn position(self, group: &str) -> Vec<u8> {
        let mut key = Vec::with_capacity(group.len() + 13);
        key.push(b'g');
        key.extend_from_slice(&(group.len() as u32).to_be_bytes());
        key.extend_from_slice(group.as_bytes());
        key.extend_from_slice(&self.prefix());
        key
    }
}

/// What the positions family holds once per partition.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Note {
    Beginning = b'b',
    Tail = b't',
    Compaction = b'c',
}

/// The offset in a record's key.
pub fn offset_of(key: &[u8]) -> Option<Offset> {
    key.get(8..16)?.try_into().ok().map(|bytes| u64::from_be_bytes(bytes) as Offset)
}

pub fn offset_value(offset: Offset) -> [u8; 8] {
    offset.to_be_bytes()
}

pub fn read_offset(value: &[u8]) -> Option<Offset> {
    value.try_into().ok().map(Offset::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::PartitionId;

    const HERE: PartitionId = PartitionId { topic: 1, partition: 2 };

    #[test]
    fn times_sort_as_numbers_do() {
        let times = [i64::MIN, -5, 0, 5, i64::MAX].map(|time| HERE.time(time));
        assert!(times.is_sorted());
    }

    #[test]
    fn groups_whose_names_begin_alike_do_not_meet() {
        assert_ne!(HERE.position("a"), HERE.position("ab"));
        assert!(!HERE.position("ab").starts_with(&HERE.position("a")[..6]));
    }
}
