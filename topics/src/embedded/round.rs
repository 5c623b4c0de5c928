//! One write: many requests, one batch, one sync.

use std::{collections::HashMap, sync::Arc};

use rand::{Rng, rngs::StdRng};
use rocksdb::{Error, WriteBatch};

use super::{
    keys::{Note, PartitionId, offset_value},
    queue::{Claim, Request},
    rocks::Rocks,
    staged::Staged,
    tail::Tail,
    topics::Partition,
};
use crate::{Offset, TopicPartition};

/// A batch in the making, and where the partitions will end after it.
pub struct Round<'a> {
    rocks: &'a Rocks,
    batch: WriteBatch,
    tails: HashMap<PartitionId, (Arc<Partition>, Tail)>,
    gaps: Option<&'a mut StdRng>,
}

impl<'a> Round<'a> {
    pub fn new(rocks: &'a Rocks, gaps: Option<&'a mut StdRng>) -> Self {
        Self { rocks, batch: WriteBatch::default(), tails: HashMap::new(), gaps }
    }

    /// Adds a request's records and positions. Returns where each partition of its records will end after them.
    pub fn add(&mut self, request: &Request) -> Vec<(TopicPartition, Offset)> {
        if let Request::Transaction(transaction) = request {
            self.add_positions(&transaction.claim, &transaction.positions);
        }
        self.add_records(request.records())
    }

    fn add_positions(&mut self, claim: &Claim, positions: &[(Arc<Partition>, Offset)]) {
        for (partition, offset) in positions {
            let key = partition.id.position(&claim.group_name);
            self.batch.put_cf(self.rocks.positions(), key, offset_value(*offset));
        }
    }

    fn add_records(&mut self, records: &Staged) -> Vec<(TopicPartition, Offset)> {
        let mut tails: Vec<Tail> = records.partitions.iter().map(|partition| self.tail(partition)).collect();
        let family = self.rocks.records();
        for (place, timestamp, bytes) in records.iter() {
            let id = records.partitions[place].id;
            let offset = tails[place].take(timestamp, id, self.rocks, &mut self.batch);
            self.batch.put_cf(family, id.record(offset), bytes);
        }
        let mut ends = Vec::with_capacity(tails.len());
        for (partition, mut tail) in records.partitions.iter().zip(tails) {
            ends.push((partition.name.clone(), tail.next));
            if let Some(random) = &mut self.gaps {
                tail.next += random.random_range(0..4);
            }
            self.tails.insert(partition.id, (partition.clone(), tail));
        }
        ends
    }

    fn tail(&self, partition: &Partition) -> Tail {
        self.tails.get(&partition.id).map_or_else(|| partition.tail(), |(_, tail)| *tail)
    }

    /// Writes the batch. Returns the partitions to publish.
    pub fn write(mut self) -> Result<Vec<(Arc<Partition>, Tail)>, Error> {
        let tails: Vec<_> = self.tails.into_values().collect();
        for (partition, tail) in &tails {
            self.batch.put_cf(self.rocks.positions(), partition.id.note(Note::Tail), tail.encode());
        }
        if !self.batch.is_empty() {
            self.rocks.write(self.batch)?;
        }
        Ok(tails)
    }
}
