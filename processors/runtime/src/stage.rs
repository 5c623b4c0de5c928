//! A stage without its types: what the worker runs.

use std::borrow::Cow;

use bytes::Bytes;
use tradewind_schemas::Timestamp;
use tradewind_state::{StateError, TaskState};
use tradewind_topics::{Headers, Record};

/// One kind of task: what it reads, and what it does with a record.
pub trait Stage: Send + Sync {
    /// Such as `order` or `order.by-customer`.
    fn name(&self) -> &str;
    /// The topic it reads, without the namespace.
    fn source(&self) -> &'static str;
    /// Stages the record's changes in the task and its outputs in `out`. On a failure the worker drops both.
    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure>;
    /// These records come next, all of this task: a stage that knows what they will read may have it fetched at once.
    fn look_ahead(&self, _records: &[Record], _task: &TaskState) {}
    /// The command that a due timer's stored value stands for, given now. For stages that set timers.
    fn fire(&self, _stored: &[u8], _now: Timestamp) -> Result<Output, Failure> {
        Err(Failure::Record(format!("{} sets no timers", self.name())))
    }
    /// Whose fault an output is that the log does not take: the record's in hand, unless that has nothing to do with it.
    fn misfit(&self, why: String) -> Failure {
        Failure::Record(why)
    }
    /// What to tell those who wait for a record that is being put aside. For stages that somebody waits for.
    fn abandon(&self, _record: &Record, _reason: &str, _out: &mut Vec<Output>) {}
}

/// A record to be written, by the name of its topic without the namespace.
#[derive(Debug)]
pub struct Output {
    pub topic: Cow<'static, str>,
    pub place: Place,
    pub value: Option<Bytes>,
    pub timestamp: Timestamp,
    pub headers: Headers,
}

/// Which partition an output goes to.
#[derive(Debug)]
pub enum Place {
    /// Where murmur2 puts this key.
    Key(Bytes),
    /// This one, unkeyed.
    Partition(u32),
    /// That of the record in hand, under its own key.
    Same(Option<Bytes>),
}

/// Why a record was not processed.
#[derive(Debug)]
pub enum Failure {
    /// For a reason of its own: it goes to the dead letters.
    Record(String),
    /// The environment's fault: it waits.
    Environment(String),
}

impl From<StateError> for Failure {
    fn from(fault: StateError) -> Self {
        Self::Environment(fault.to_string())
    }
}

impl From<tradewind_schemas::CodecError> for Failure {
    fn from(fault: tradewind_schemas::CodecError) -> Self {
        if fault.is_environment() { Self::Environment(fault.to_string()) } else { Self::Record(fault.to_string()) }
    }
}
