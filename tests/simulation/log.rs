//! The log as the simulation has it: transactions, epochs and group offsets as Kafka has them, in memory, with nothing
//! left to chance but what the caller chooses.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use tradewind_topics::{Append, Millis, Offset, Receipt, Record, TopicPartition};

use crate::{bugs::Bug, member::MemberId};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Pending,
    Committed,
    Aborted,
    /// A transaction's marker: an offset that is no record.
    Marker,
}

struct Entry {
    /// `None` for markers and for what compaction took.
    record: Option<Append>,
    fate: Fate,
}

#[derive(Default)]
struct Partition {
    entries: Vec<Entry>,
    pending: BTreeSet<usize>,
    /// Compaction has taken records of it.
    compacted: bool,
}

impl Partition {
    fn stable_end(&self) -> usize {
        self.pending.first().copied().unwrap_or(self.entries.len())
    }

    fn settle(&mut self, index: usize, fate: Fate) {
        self.entries[index].fate = fate;
        self.pending.remove(&index);
    }
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

/// What a reader sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    Committed,
    /// Whatever was written: what no reader of ours may ask for.
    Uncommitted,
}

#[derive(Default)]
pub struct SimLog {
    partitions: HashMap<TopicPartition, Partition>,
    offsets: HashMap<TopicPartition, Offset>,
    transactions: BTreeMap<MemberId, Transaction>,
    /// Of each transactional identity: the latest epoch.
    epochs: BTreeMap<MemberId, u64>,
    pub bug: Option<Bug>,
}

impl SimLog {
    pub fn new(bug: Option<Bug>) -> Self {
        Self { bug, ..Self::default() }
    }

    fn is(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// A committed record from outside of any transaction.
    pub fn produce(&mut self, append: Append) {
        let partition = self.partitions.entry(append.to.clone()).or_default();
        partition.entries.push(Entry { record: Some(append), fate: Fate::Committed });
    }

    pub fn epoch(&self, member: MemberId) -> u64 {
        self.epochs.get(&member).copied().unwrap_or_default()
    }

    /// Stages records. A zombie's are lost in its own buffers.
    pub fn append(&mut self, member: MemberId, epoch: u64, records: Vec<Append>) {
        if epoch != self.epoch(member) && !self.is(Bug::NoFencing) {
            return;
        }
        let transaction = self.transactions.entry(member).or_default();
        for record in records {
            let to = record.to.clone();
            let partition = self.partitions.entry(to.clone()).or_default();
            let index = partition.entries.len();
            partition.entries.push(Entry { record: Some(record), fate: Fate::Pending });
            partition.pending.insert(index);
            transaction.entries.push((to, index));
        }
    }

    /// Sends the positions into the transaction: checked against the epoch, and by whether the member still holds the
    /// partitions in the group's present generation. `false` says that it is fenced.
    pub fn send_positions(
        &mut self,
        member: MemberId,
        epoch: u64,
        holds: bool,
        positions: &[(TopicPartition, Offset)],
    ) -> bool {
        let stale_epoch = epoch != self.epoch(member) && !self.is(Bug::NoFencing);
        let stale_generation = !holds && !self.is(Bug::NoFencing) && !self.is(Bug::FencingByEpochOnly);
        if stale_epoch || stale_generation {
            return false;
        }
        if self.is(Bug::OffsetsOutsideTransaction) {
            self.offsets.extend(positions.iter().cloned());
        }
        self.transactions.entry(member).or_default().positions = positions.to_vec();
        true
    }

    /// Ends the member's transaction well, whichever it is by now.
    pub fn commit(&mut self, member: MemberId, epoch: u64) -> End {
        if epoch != self.epoch(member) && !self.is(Bug::NoFencing) {
            return End::Fenced;
        }
        let Some(transaction) = self.transactions.remove(&member) else { return End::Committed(Receipt::default()) };
        let mut ends = BTreeMap::new();
        for (to, index) in &transaction.entries {
            if let Some(partition) = self.partitions.get_mut(to) {
                partition.settle(*index, Fate::Committed);
            }
            ends.insert(to.clone(), *index as Offset + 1);
        }
        self.mark(&transaction);
        self.offsets.extend(transaction.positions);
        End::Committed(Receipt { ends: ends.into_iter().collect() })
    }

    /// Ends it badly: aborted by its owner's successor, by itself, or because it took too long.
    pub fn abort(&mut self, member: MemberId) {
        let Some(transaction) = self.transactions.remove(&member) else { return };
        for (to, index) in &transaction.entries {
            if let Some(partition) = self.partitions.get_mut(to) {
                partition.settle(*index, Fate::Aborted);
            }
        }
        self.mark(&transaction);
    }

    fn mark(&mut self, transaction: &Transaction) {
        let touched: BTreeSet<_> = transaction.entries.iter().map(|(partition, _)| partition).collect();
        for to in touched {
            if let Some(partition) = self.partitions.get_mut(to) {
                partition.entries.push(Entry { record: None, fate: Fate::Marker });
            }
        }
    }

    /// A new epoch: the old one's transaction is aborted.
    pub fn take_epoch(&mut self, member: MemberId) -> u64 {
        self.abort(member);
        let epoch = self.epochs.entry(member).or_default();
        *epoch += 1;
        *epoch
    }

    pub fn is_open(&self, member: MemberId) -> bool {
        self.transactions.contains_key(&member)
    }

    /// The group's stable offset; `None` while a transaction that would change it is undecided.
    pub fn stable_offset(&self, partition: &TopicPartition) -> Option<Offset> {
        let pending = |t: &Transaction| t.positions.iter().any(|(p, _)| p == partition);
        if self.transactions.values().any(pending) {
            return None;
        }
        Some(self.offsets.get(partition).copied().unwrap_or(0))
    }

    pub fn written_end(&self, partition: &TopicPartition) -> Offset {
        self.partitions.get(partition).map_or(0, |partition| partition.entries.len() as Offset)
    }

    pub fn stable_end(&self, partition: &TopicPartition) -> Offset {
        self.partitions.get(partition).map_or(0, |partition| partition.stable_end() as Offset)
    }

    /// Records from here, at most so many, and how far that reads.
    pub fn read(
        &self,
        source: &TopicPartition,
        from: Offset,
        most: usize,
        isolation: Isolation,
    ) -> (Vec<Record>, Offset) {
        let (mut records, mut position) = (Vec::new(), from);
        let Some(partition) = self.partitions.get(source) else { return (records, position) };
        let end = match isolation {
            Isolation::Committed => partition.stable_end(),
            Isolation::Uncommitted => partition.entries.len(),
        } as Offset;
        while position < end && records.len() < most {
            let entry = &partition.entries[position as usize];
            if let Some(append) = &entry.record
                && (entry.fate == Fate::Committed || isolation == Isolation::Uncommitted)
            {
                records.push(Record {
                    source: source.clone(),
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

    /// Every committed record.
    pub fn all(&self, source: &TopicPartition) -> Vec<Record> {
        self.read(source, 0, usize::MAX, Isolation::Committed).0
    }

    /// Keeps the last record of each key, but for tombstones from before `forget`.
    pub fn compact(&mut self, of: &TopicPartition, forget: Millis) {
        let Some(partition) = self.partitions.get_mut(of) else { return };
        let end = partition.stable_end();
        let mut last: HashMap<Bytes, usize> = HashMap::new();
        let committed = partition.entries[..end].iter().enumerate().filter(|(_, entry)| entry.fate == Fate::Committed);
        for (index, entry) in committed {
            if let Some(key) = entry.record.as_ref().and_then(|record| record.key.clone()) {
                last.insert(key, index);
            }
        }
        for (index, entry) in partition.entries[..end].iter_mut().enumerate() {
            let Some(record) = entry.record.as_ref().filter(|_| entry.fate == Fate::Committed) else { continue };
            let is_last = record.key.as_ref().and_then(|key| last.get(key)) == Some(&index);
            if !is_last || record.value.is_none() && record.timestamp < forget {
                entry.record = None;
                partition.compacted = true;
            }
        }
    }

    pub fn is_compacted(&self, partition: &TopicPartition) -> bool {
        self.partitions.get(partition).is_some_and(|partition| partition.compacted)
    }
}
