//! The input of a run: numbered records, on and on from phase to phase, and how many outputs they must lead to.

use std::sync::Arc;

use bytes::Bytes;
use tradewind_topics::{Append, TopicPartition, partition_of};

use super::{
    wire::{self, PARTITIONS, PUT_OUT_EVERY, Skus, rule_of},
    workload::Workload,
};

pub struct Input {
    workload: Workload,
    seed: u64,
    skus: Skus,
    topic: Arc<str>,
    /// Matches of each rule so far.
    matches: Vec<u32>,
    /// Records made so far.
    pub sent: u64,
    /// Outputs that they lead to.
    pub expected: u64,
}

impl Input {
    pub fn new(workload: Workload, topic: Arc<str>, keys: u64, seed: u64, theta: f64) -> Self {
        let matches = match workload {
            Workload::Ledger => Vec::new(),
            Workload::Shuffle => vec![0; keys as usize],
        };
        Self { workload, seed, skus: Skus::new(seed, keys, theta), topic, matches, sent: 0, expected: 0 }
    }

    /// The next record, which happens or is due then (in milliseconds).
    pub fn next(&mut self, time: i64) -> Append {
        let seq = self.sent;
        self.sent += 1;
        let (partition, key, value) = match self.workload {
            Workload::Ledger => {
                let key = wire::key(self.skus.of(seq));
                self.expected += 1;
                let command = Bytes::copy_from_slice(&wire::command(self.seed, seq, time));
                (partition_of(&key, PARTITIONS), Some(key), command)
            }
            Workload::Shuffle => {
                let rule = rule_of(seq, self.matches.len() as u64);
                let matches = &mut self.matches[rule as usize];
                *matches += 1;
                self.expected += u64::from(u64::from(*matches).is_multiple_of(PUT_OUT_EVERY));
                let record = Bytes::copy_from_slice(&wire::shuffled(self.seed, seq, time));
                ((seq % u64::from(PARTITIONS)) as u32, None, record)
            }
        };
        let to = TopicPartition::new(self.topic.clone(), partition);
        Append { to, timestamp: time, key, value: Some(value), headers: Vec::new() }
    }

    /// The next record, which happened when preloaded records do.
    pub fn preloaded(&mut self) -> Append {
        self.next(wire::preload_time(self.sent))
    }
}
