//! What a partition's committed records must have led to.

use std::collections::BTreeMap;

use bytes::Bytes;
use tradewind_topics::{Offset, Record, TopicPartition};

use super::stage::{Chain, LATER};
use crate::log::{Isolation, SimLog};

#[derive(Default)]
pub struct Book {
    /// Read up to here.
    position: Offset,
    /// By key: the chain after each of its records, and where that record lies.
    chains: BTreeMap<Bytes, Vec<(Offset, Chain)>>,
    /// By key and time: how many timers were set and have not fired.
    timers: BTreeMap<(Bytes, i64), i64>,
    poisoned: usize,
}

impl Book {
    pub fn read_on(&mut self, log: &SimLog, source: &TopicPartition) {
        let (records, position) = log.read(source, self.position, usize::MAX, Isolation::Committed);
        records.iter().for_each(|record| self.take(record));
        self.position = position;
    }

    fn take(&mut self, record: &Record) {
        let key = record.key.clone().unwrap_or_default();
        let value = record.value.as_deref().unwrap_or_default();
        if value == b"p" {
            self.poisoned += 1;
            return;
        }
        if let Some(due) = value.strip_prefix(b"t").and_then(|due| std::str::from_utf8(due).ok()?.parse().ok()) {
            *self.timers.entry((key.clone(), due)).or_default() -= 1;
        }
        let chains = self.chains.entry(key.clone()).or_default();
        let before = chains.last().map(|(_, chain)| *chain).unwrap_or_default();
        let next = before.then(record.source.partition, record.offset);
        chains.push((record.offset, next));
        if next.sets_a_timer() {
            *self.timers.entry((key, record.timestamp + LATER)).or_default() += 1;
        }
    }

    /// The chains when everything below this position has been taken.
    pub fn at(&self, position: Offset) -> BTreeMap<Bytes, Chain> {
        let last = |chains: &Vec<(Offset, Chain)>| {
            let below = chains.partition_point(|(offset, _)| *offset < position);
            below.checked_sub(1).map(|index| chains[index].1)
        };
        self.chains.iter().filter_map(|(key, chains)| Some((key.clone(), last(chains)?))).collect()
    }

    /// Holds what there is against what must be.
    pub fn check(&self, partition: u32, outputs: &[Record], dead_letters: usize) -> Result<(), String> {
        if let Some(((key, due), left)) = self.timers.iter().find(|(_, left)| **left != 0) {
            let (what, times) = if *left > 0 { ("lost", left) } else { ("fired too often", left) };
            return Err(format!("partition {partition}: the timer of {key:?} due at {due} was {what} ({times})"));
        }
        let mut chains: BTreeMap<Bytes, Vec<Chain>> = BTreeMap::new();
        for record in outputs {
            let chain = record.value.as_deref().and_then(Chain::read).ok_or("an output is no chain")?;
            chains.entry(record.key.clone().unwrap_or_default()).or_default().push(chain);
        }
        for (key, expected) in &self.chains {
            let there = chains.remove(key).unwrap_or_default();
            let wrong = expected.iter().zip(&there).find(|((_, expected), there)| expected != *there);
            if let Some(((offset, expected), there)) = wrong {
                return Err(format!(
                    "partition {partition}: the record of {key:?} at {offset} led to {there:?}, not {expected:?}"
                ));
            }
            if expected.len() != there.len() {
                let (there, expected) = (there.len(), expected.len());
                return Err(format!("partition {partition}: {key:?} has {there} outputs for {expected} records"));
            }
        }
        if !chains.is_empty() {
            return Err(format!("partition {partition}: outputs for keys without records: {chains:?}"));
        }
        if dead_letters != self.poisoned {
            let poisoned = self.poisoned;
            return Err(format!("partition {partition}: {poisoned} records were poison, {dead_letters} dead letters"));
        }
        Ok(())
    }
}
