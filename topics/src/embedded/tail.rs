//! Where a partition's next record goes, and the making of its time index.
//!
//! The index holds, every few hundred records, the highest timestamp so far and the offset after it: all records below
//! that offset are no later than that time. So the first record at or after a time lies at or after the last entry
//! whose maximum is before it, exactly, however the timestamps jump.

use rocksdb::WriteBatch;

use super::{
    encoding,
    keys::{PartitionId, offset_of, read_offset},
    rocks::Rocks,
    topics::Partition,
};
use crate::{LogError, Millis, Offset};

/// Records between two entries of the index.
const STRIDE: u32 = 512;

/// The state of a partition's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The offset of the next record.
    pub next: Offset,
    /// The highest timestamp of any record there was.
    maximum: Millis,
    /// Records since the last entry of the time index.
    unindexed: u32,
}

impl Default for Tail {
    fn default() -> Self {
        Self { next: 0, maximum: Millis::MIN, unindexed: 0 }
    }
}

impl Tail {
    /// Gives the next offset to a record of this time.
    pub fn take(&mut self, timestamp: Millis, id: PartitionId, rocks: &Rocks, batch: &mut WriteBatch) -> Offset {
        let offset = self.next;
        self.next += 1;
        self.maximum = self.maximum.max(timestamp);
        self.unindexed += 1;
        if self.unindexed >= STRIDE {
            batch.put_cf(rocks.times(), id.time(self.maximum), self.next.to_be_bytes());
            self.unindexed = 0;
        }
        offset
    }

    pub fn encode(&self) -> [u8; 20] {
        let mut value = [0; 20];
        value[..8].copy_from_slice(&self.next.to_be_bytes());
        value[8..16].copy_from_slice(&self.maximum.to_be_bytes());
        value[16..].copy_from_slice(&self.unindexed.to_be_bytes());
        value
    }

    pub fn decode(value: &[u8]) -> Option<Self> {
        Some(Self {
            next: Offset::from_be_bytes(value.get(..8)?.try_into().ok()?),
            maximum: Millis::from_be_bytes(value.get(8..16)?.try_into().ok()?),
            unindexed: u32::from_be_bytes(value.get(16..20)?.try_into().ok()?),
        })
    }
}

/// The first record whose timestamp is at or after `time`; the end if there is none.
pub fn first_at(partition: &Partition, time: Millis, rocks: &Rocks) -> Result<Offset, LogError> {
    let end = partition.end();
    if partition.tail().maximum < time {
        return Ok(end);
    }
    let from = indexed_before(partition, time, rocks)?.max(partition.beginning());
    let mut rows = rocks.range(rocks.records(), &partition.id.record(from), &partition.id.record(end));
    while let Some((key, value)) = rows.item() {
        let timestamp = encoding::timestamp(value);
        let (Some(offset), Some(timestamp)) = (offset_of(key), timestamp) else {
            return Err(rocks.nonsense(format!("a record of {}", partition.name)));
        };
        if timestamp >= time {
            return Ok(offset);
        }
        rows.next();
    }
    rocks.ended(&rows)?;
    Ok(end)
}

/// An offset below which every record is before `time`.
fn indexed_before(partition: &Partition, time: Millis, rocks: &Rocks) -> Result<Offset, LogError> {
    let (first, bound) = (partition.id.time(Millis::MIN), partition.id.time(time));
    let mut rows = rocks.range(rocks.times(), &first, &bound);
    rows.seek_to_last();
    match rows.value() {
        Some(value) => {
            read_offset(value).ok_or_else(|| rocks.nonsense(format!("the time index of {}", partition.name)))
        }
        None => rocks.ended(&rows).map(|()| 0),
    }
}
