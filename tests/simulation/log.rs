//! The log as the simulation has it: transactions, epochs, groups and generations as Kafka has them, in memory, with
//! nothing left to chance but what the caller chooses.

use std::collections::{BTreeMap, BTreeSet};

use tradewind_topics::{Append, Offset, Receipt, Record, TopicPartition};

use crate::bugs::Bug;

/// A node's session.
pub type NodeId = usize;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Pending(NodeId),
    Committed,
    Aborted,
    /// A transaction's marker: an offset that is no record.
    Marker,
}

struct Entry {
    record: Option<Append>,
    fate: Fate,
}

/// A member's transaction.
#[derive(Default)]
struct Transaction {
    /// Where its records lie.
    entries: Vec<(TopicPartition, usize)>,
    positions: Vec<(TopicPartition, Offset)>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Committed(Receipt),
    Fenced,
}

#[derive(Default)]
pub struct SimLog {
    partitions: BTreeMap<TopicPartition, Vec<Entry>>,
    offsets: BTreeMap<TopicPartition, Offset>,
    transactions: BTreeMap<NodeId, Transaction>,
    /// Of each transactional identity: whose epoch is the latest.
    pub epochs: BTreeMap<NodeId, u64>,
    /// Who owns which partition of the source, in the group's present generation.
    pub owners: BTreeMap<u32, NodeId>,
    /// How often each has been given to somebody: what a generation is to a partition.
    pub grants: BTreeMap<u32, u64>,
    pub bug: Option<Bug>,
}

impl SimLog {
    /// A committed record from outside.
    pub fn produce(&mut self, append: Append) {
        let to = append.to.clone();
        self.partitions.entry(to).or_default().push(Entry { record: Some(append), fate: Fate::Committed });
    }

    pub fn epoch(&self, node: NodeId) -> u64 {
        self.epochs.get(&node).copied().unwrap_or_default()
    }

    /// Stages records. A zombie's are lost in its own buffers.
    pub fn append(&mut self, node: NodeId, epoch: u64, records: Vec<Append>) {
        if epoch != self.epoch(node) && self.bug != Some(Bug::NoFencing) {
            return;
        }
        for record in records {
            let to = record.to.clone();
            let entries = self.partitions.entry(to.clone()).or_default();
            entries.push(Entry { record: Some(record), fate: Fate::Pending(node) });
            self.transactions.entry(node).or_default().entries.push((to, entries.len() - 1));
        }
    }

    /// Sends the positions into the transaction: checked against the epoch and the grants that the node acts on.
    pub fn send_positions(
        &mut self,
        node: NodeId,
        epoch: u64,
        grants: &BTreeMap<u32, u64>,
        positions: &[(TopicPartition, Offset)],
    ) -> bool {
        let mine = |(partition, _): &(TopicPartition, Offset)| {
            let partition = partition.partition;
            self.owners.get(&partition) == Some(&node) && self.grants.get(&partition) == grants.get(&partition)
        };
        let fenced = epoch != self.epoch(node) || !positions.iter().all(mine);
        if fenced && self.bug != Some(Bug::NoFencing) {
            return false;
        }
        if self.bug == Some(Bug::OffsetsOutsideTransaction) {
            self.offsets.extend(positions.iter().cloned());
        }
        self.transactions.entry(node).or_default().positions = positions.to_vec();
        true
    }

    /// Ends the transaction well.
    pub fn commit(&mut self, node: NodeId, epoch: u64) -> End {
        if epoch != self.epoch(node) && self.bug != Some(Bug::NoFencing) {
            return End::Fenced;
        }
        let Some(transaction) = self.transactions.remove(&node) else { return End::Committed(Receipt::default()) };
        let mut ends = BTreeMap::new();
        for (partition, index) in &transaction.entries {
            let entries = self.partitions.entry(partition.clone()).or_default();
            entries[*index].fate = Fate::Committed;
            ends.insert(partition.clone(), *index as Offset + 1);
        }
        self.mark(&transaction);
        self.offsets.extend(transaction.positions);
        End::Committed(Receipt { ends: ends.into_iter().collect() })
    }

    /// Ends it badly: aborted by its owner's successor, by itself, or because it took too long.
    pub fn abort(&mut self, node: NodeId) {
        let Some(transaction) = self.transactions.remove(&node) else { return };
        for (partition, index) in &transaction.entries {
            self.partitions.entry(partition.clone()).or_default()[*index].fate = Fate::Aborted;
        }
        self.mark(&transaction);
    }

    fn mark(&mut self, transaction: &Transaction) {
        let touched: BTreeSet<_> = transaction.entries.iter().map(|(partition, _)| partition.clone()).collect();
        for partition in touched {
            self.partitions.entry(partition).or_default().push(Entry { record: None, fate: Fate::Marker });
        }
    }

    /// A new epoch: the old one's transaction is aborted.
    pub fn take_epoch(&mut self, node: NodeId) -> u64 {
        self.abort(node);
        let epoch = self.epochs.entry(node).or_default();
        *epoch += 1;
        *epoch
    }

    pub fn is_open(&self, node: NodeId) -> bool {
        self.transactions.contains_key(&node)
    }

    /// The group's stable offset; `Err` while a transaction that would change it is undecided.
    pub fn stable_offset(&self, partition: &TopicPartition) -> Result<Option<Offset>, ()> {
        let pending = |t: &Transaction| t.positions.iter().any(|(p, _)| p == partition);
        if self.transactions.values().any(pending) {
            return Err(());
        }
        Ok(Some(self.offsets.get(partition).copied().unwrap_or(0)))
    }

    pub fn written_end(&self, partition: &TopicPartition) -> Offset {
        self.partitions.get(partition).map_or(0, |entries| entries.len() as Offset)
    }

    pub fn stable_end(&self, partition: &TopicPartition) -> Offset {
        let pending = |entry: &Entry| matches!(entry.fate, Fate::Pending(_));
        let first = self.partitions.get(partition).and_then(|entries| entries.iter().position(pending));
        first.map_or_else(|| self.written_end(partition), |index| index as Offset)
    }

    /// Committed records from here, at most so many, and how far that reads.
    pub fn read(&self, partition: &TopicPartition, from: Offset, most: usize) -> (Vec<Record>, Offset) {
        let (mut records, mut position) = (Vec::new(), from);
        let Some(entries) = self.partitions.get(partition) else { return (records, position) };
        while position < self.stable_end(partition) && records.len() < most {
            let entry = &entries[position as usize];
            if let (Fate::Committed, Some(append)) = (entry.fate, &entry.record) {
                records.push(Record {
                    source: partition.clone(),
                    offset: position,
                    timestamp: append.timestamp,
                    key: append.key.clone(),
                    value: append.value.clone(),
                    headers: append.headers.clone(),
                });
            }
            position += 1;
        }
        (records, position)
    }
}
