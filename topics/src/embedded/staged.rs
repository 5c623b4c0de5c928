//! Records on their way into the log, encoded, but without offsets yet.

use std::{collections::HashMap, sync::Arc};

use super::{
    encoding,
    topics::{Partition, Topics},
};
use crate::{Append, LogError, Millis, TopicPartition};

/// Encoded records in the order in which they were staged.
#[derive(Default)]
pub struct Staged {
    bytes: Vec<u8>,
    pub partitions: Vec<Arc<Partition>>,
    places: HashMap<TopicPartition, usize>,
    records: Vec<StagedRecord>,
}

/// How much was staged at some moment.
#[derive(Clone, Copy)]
pub struct Mark {
    records: usize,
    partitions: usize,
}

struct StagedRecord {
    /// Index into the partitions.
    place: usize,
    timestamp: Millis,
    /// Where its bytes end; they begin where the one before ends.
    end: usize,
}

impl Staged {
    /// # Errors
    /// [`LogError::TooLarge`] and [`LogError::UnknownTopic`]; the record is not staged then.
    pub fn push(&mut self, record: &Append, topics: &Topics, limit: usize) -> Result<(), LogError> {
        let size = encoding::size(record);
        if size > limit {
            return Err(LogError::TooLarge { to: record.to.clone(), size, limit });
        }
        let place = self.place(&record.to, topics)?;
        encoding::encode(record, &mut self.bytes);
        self.records.push(StagedRecord { place, timestamp: record.timestamp, end: self.bytes.len() });
        Ok(())
    }

    fn place(&mut self, partition: &TopicPartition, topics: &Topics) -> Result<usize, LogError> {
        if let Some(last) = self.records.last()
            && self.partitions[last.place].name == *partition
        {
            return Ok(last.place);
        }
        if let Some(place) = self.places.get(partition) {
            return Ok(*place);
        }
        let found = topics.partition(partition)?;
        self.partitions.push(found);
        self.places.insert(partition.clone(), self.partitions.len() - 1);
        Ok(self.partitions.len() - 1)
    }

    /// What is staged now, for [`take_back`](Self::take_back).
    pub fn mark(&self) -> Mark {
        Mark { records: self.records.len(), partitions: self.partitions.len() }
    }

    /// Takes back what was staged since.
    pub fn take_back(&mut self, to: Mark) {
        self.records.truncate(to.records);
        self.bytes.truncate(self.records.last().map_or(0, |record| record.end));
        self.partitions.truncate(to.partitions);
        self.places.retain(|_, place| *place < to.partitions);
    }

    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Index into the partitions, timestamp and encoded bytes of each record.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Millis, &[u8])> {
        let mut start = 0;
        self.records.iter().map(move |record| {
            let bytes = &self.bytes[start..record.end];
            start = record.end;
            (record.place, record.timestamp, bytes)
        })
    }
}
