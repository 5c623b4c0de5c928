//! The workload `shuffle`: records without a key are matched with a rule each, pass through a topic that is keyed by
//! the rule, and are aggregated there.

use std::sync::Arc;

use bytes::Bytes;
use tradewind_runtime::{Failure, Output, Place, STATE as STORE, Stage};
use tradewind_schemas::Timestamp;
use tradewind_state::TaskState;
use tradewind_topics::Record;

use super::{
    progress::Progress,
    wire::{PUT_OUT_EVERY, RULE, SHUFFLED, key, rule_of, set, u32_at, u64_at},
};

pub const IN: &str = "in";
pub const BY_RULE: &str = "by-rule";
pub const OUT: &str = "out";
pub const MATCH: &str = "match";
pub const AGGREGATE: &str = "aggregate";

/// Where a rule's state says how many records have matched, what they sum up to, and which was the last.
pub const COUNT: usize = 0;
pub const SUM: usize = 8;
pub const LAST_SEQ: usize = 16;
const LAST_TIME: usize = 24;
/// Where a record has what is summed up.
const SUMMED: usize = 16;

/// Finds the rule of a record, and sends the whole record there.
pub struct Match {
    keys: u64,
    progress: Arc<Progress>,
}

impl Match {
    pub fn new(keys: u64, progress: Arc<Progress>) -> Self {
        Self { keys, progress }
    }
}

impl Stage for Match {
    fn name(&self) -> &str {
        MATCH
    }

    fn source(&self) -> &'static str {
        IN
    }

    fn process(&self, record: &Record, _: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        self.progress.begun();
        let value = shuffled(record)?;
        out.push(Output {
            topic: BY_RULE.into(),
            place: Place::Key(key(rule_of(u64_at(value, 0), self.keys))),
            value: Some(value.clone()),
            timestamp: Timestamp::from_millis(record.timestamp),
            headers: Vec::new(),
        });
        Ok(())
    }
}

/// Counts and sums up the records of a rule.
pub struct Aggregate {
    progress: Arc<Progress>,
}

impl Aggregate {
    pub fn new(progress: Arc<Progress>) -> Self {
        Self { progress }
    }
}

impl Stage for Aggregate {
    fn name(&self) -> &str {
        AGGREGATE
    }

    fn source(&self) -> &'static str {
        BY_RULE
    }

    fn look_ahead(&self, records: &[Record], task: &TaskState) {
        task.look_ahead(STORE, records.iter().filter_map(|record| record.key.as_deref()));
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let value = shuffled(record)?;
        let Some(rule) = &record.key else { return Err(Failure::Record("it has no rule".to_owned())) };
        let after = task.read(STORE, rule, |before| add(before.unwrap_or(&[0; RULE]), value))?;
        task.put(STORE, rule, Bytes::copy_from_slice(&after));
        if u64_at(&after, COUNT).is_multiple_of(PUT_OUT_EVERY) {
            out.push(Output {
                topic: OUT.into(),
                place: Place::Same(Some(rule.clone())),
                value: Some(Bytes::copy_from_slice(&after)),
                timestamp: Timestamp::from_millis(record.timestamp),
                headers: Vec::new(),
            });
        }
        self.progress.processed();
        Ok(())
    }
}

fn shuffled(record: &Record) -> Result<&Bytes, Failure> {
    let value = record.value.as_ref().filter(|value| value.len() == SHUFFLED);
    value.ok_or_else(|| Failure::Record(format!("a record to be shuffled has {SHUFFLED} bytes")))
}

/// The state of a rule after one more match.
pub fn add(before: &[u8], record: &[u8]) -> [u8; RULE] {
    let mut state = [0; RULE];
    set(&mut state, COUNT, (u64_at(before, COUNT) + 1).to_le_bytes());
    set(&mut state, SUM, u64_at(before, SUM).wrapping_add(u64::from(u32_at(record, SUMMED))).to_le_bytes());
    set(&mut state, LAST_SEQ, u64_at(record, 0).to_le_bytes());
    set(&mut state, LAST_TIME, u64_at(record, 8).to_le_bytes());
    state
}
