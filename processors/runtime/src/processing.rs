//! One record through a stage: done, put aside, or to wait. Nothing that fails leaves a trace.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use tradewind_schemas::Timestamp;
use tradewind_state::TaskState;
use tradewind_topics::{Append, Headers, Record, TopicPartition, partition_of};

use crate::{
    entity::{LONGEST_KEY, PARKED},
    names::{Layout, dead_letters},
    stage::{Failure, Output, Place, Stage},
    task::{Status, Task},
};

/// At most so many timers of a task are fired in one transaction.
const TIMERS_AT_ONCE: usize = 1_000;

/// Of a reason in the dead letters, in characters.
const LONGEST_REASON: usize = 1_000;

/// A stage, and what its outputs must fit.
pub struct Processing {
    stage: Arc<dyn Stage>,
    layout: Layout,
    /// The largest record that the log takes, in bytes of key, value and headers; an output or a change of state above
    /// it is its record's fault.
    largest: usize,
    /// Whether a record put aside holds back the later ones of its key: folds would overtake it.
    parks: bool,
    /// What the record in hand puts out; empty between records, its room kept.
    outputs: Vec<Output>,
}

pub enum Taken {
    Done,
    Wait(String),
}

impl Processing {
    pub fn new(stage: Arc<dyn Stage>, layout: Layout, largest: usize, parks: bool) -> Self {
        Self { stage, layout, largest, parks, outputs: Vec::new() }
    }

    pub fn stage(&self) -> &str {
        self.stage.name()
    }

    /// These records come next. A panic over one of them changes nothing: it shows when that record is processed.
    pub fn look_ahead(&self, task: &Task, records: &[Record]) {
        if let Some(state) = task.state().filter(|_| records.len() > 1) {
            let _ = catch_unwind(AssertUnwindSafe(|| self.stage.look_ahead(records, state)));
        }
    }

    pub fn take(&mut self, task: &mut Task, record: &Record, outbox: &mut Vec<Append>) -> Taken {
        let mut outcome = self.attempt(task, record, outbox);
        if matches!(outcome, Err(Attempt::Panicked(_))) {
            outcome = self.attempt(task, record, outbox);
        }
        match outcome {
            Ok(()) => {}
            Err(Attempt::Failed(Failure::Environment(why))) => return Taken::Wait(why),
            Err(Attempt::Failed(Failure::Record(reason)) | Attempt::Panicked(reason)) => {
                if let Err(why) = self.put_aside(task, record, &reason, outbox) {
                    return Taken::Wait(why);
                }
            }
        }
        task.took(record);
        Taken::Done
    }

    /// Where it fails, the outbox and the task are as they were.
    fn attempt(&mut self, task: &mut Task, record: &Record, outbox: &mut Vec<Append>) -> Result<(), Attempt> {
        let Some((state, timers)) = task.working() else {
            return Err(Attempt::environment("the task has no state"));
        };
        let mut outputs = std::mem::take(&mut self.outputs);
        let processed = if self.parks && self.is_parked(state, record)? {
            Err(Failure::Record("an earlier record of its key is in the dead letters".to_owned()))
        } else {
            catch_unwind(AssertUnwindSafe(|| self.stage.process(record, state, &mut outputs)))
                .unwrap_or_else(|panic| Err(Failure::Record(format!("{PANIC}{}", said(panic.as_ref())))))
        };
        let before = outbox.len();
        let placed = processed.and_then(|()| self.place(&mut outputs, record, outbox));
        outputs.clear();
        self.outputs = outputs;
        // The last thing that can fail comes before the record is accepted: after that it must not be tried again.
        let settled = placed.and_then(|()| {
            fits_changelog(state, self.largest)?;
            Ok(timers.take_in(state)?)
        });
        match settled {
            Ok(()) => {
                state.accept();
                Ok(())
            }
            Err(failure) => {
                state.discard();
                outbox.truncate(before);
                Err(match failure {
                    Failure::Record(reason) if reason.starts_with(PANIC) => Attempt::Panicked(reason),
                    other => Attempt::Failed(other),
                })
            }
        }
    }

    fn is_parked(&self, state: &TaskState, record: &Record) -> Result<bool, Failure> {
        let Some(key) = &record.key else { return Ok(false) };
        Ok(state.get(PARKED, key)?.is_some())
    }

    /// To the dead letters, in this very transaction, with the reason, the place and the original headers.
    fn put_aside(
        &self,
        task: &mut Task,
        record: &Record,
        reason: &str,
        outbox: &mut Vec<Append>,
    ) -> Result<(), String> {
        tracing::error!(source = %record.source, offset = record.offset, reason, "a record goes to the dead letters");
        let reason: String = reason.chars().take(LONGEST_REASON).collect();
        let mut outputs = vec![self.dead_letter(record, &reason)];
        let told = catch_unwind(AssertUnwindSafe(|| self.stage.abandon(record, &reason, &mut outputs)));
        if told.is_err() {
            tracing::error!("nobody is told of it: that panicked");
            outputs.truncate(1);
        }
        let before = outbox.len();
        if let Err(failure) = self.place(&mut outputs, record, outbox) {
            outbox.truncate(before);
            return Err(format!("the dead letters cannot be written: {failure:?}"));
        }
        // A longer one is no key of anything: every record with it is put aside.
        let key = record.key.as_ref().filter(|key| key.len() <= LONGEST_KEY);
        if let (true, Some(key), Some((state, _))) = (self.parks, key, task.working()) {
            state.put(PARKED, key, Bytes::from_static(b"1"));
            state.accept();
        }
        Ok(())
    }

    /// The record as it was, but for what the log would not take, and why it is there.
    fn dead_letter(&self, record: &Record, reason: &str) -> Output {
        let Record { source, offset, timestamp, key, value, headers } = record.clone();
        let (mut key, mut value, mut theirs) = (key, value, headers);
        let mut ours: Headers = [
            ("dlq-reason", reason.to_owned()),
            ("dlq-topic", source.topic.to_string()),
            ("dlq-partition", source.partition.to_string()),
            ("dlq-offset", offset.to_string()),
            ("dlq-stage", self.stage.name().to_owned()),
        ]
        .map(|(name, value)| (name.into(), Bytes::from(value)))
        .into();
        let left_out = Bytes::from_static(b"too large to be put aside: it is at its place only");
        for part in ["dlq-value", "dlq-headers", "dlq-key"] {
            if size(key.as_ref(), value.as_ref(), &ours) + size(None, None, &theirs) <= self.largest {
                break;
            }
            match part {
                "dlq-value" => value = None,
                "dlq-headers" => theirs.clear(),
                _ => key = None,
            }
            ours.push((part.into(), left_out.clone()));
        }
        theirs.extend(ours);
        Output {
            topic: dead_letters(self.stage.source()).into(),
            place: Place::Same(key),
            value,
            timestamp: Timestamp::from_millis(timestamp),
            headers: theirs,
        }
    }

    /// Fires what is due: each becomes a command on the capability's own topic, and its row goes, in one transaction.
    pub fn fire(&self, task: &mut Task, now: Timestamp, outbox: &mut Vec<Append>) -> Result<(), String> {
        if task.status() != Status::Running || task.next_due().is_none_or(|due| due > now) {
            return Ok(());
        }
        let source = TopicPartition::new(self.layout.physical(self.stage.source()), task.partition);
        let Some((state, timers)) = task.working() else { return Ok(()) };
        for (due, row, stored) in timers.first(state, TIMERS_AT_ONCE).map_err(|e| e.to_string())? {
            if due > now {
                break;
            }
            let fired = catch_unwind(AssertUnwindSafe(|| self.stage.fire(&stored, now)))
                .unwrap_or_else(|panic| Err(Failure::Record(format!("{PANIC}{}", said(panic.as_ref())))));
            match fired {
                Ok(Output { place: Place::Key(key), value, timestamp, headers, .. }) => outbox.push(Append {
                    to: source.clone(),
                    timestamp: timestamp.millis(),
                    key: Some(key),
                    value,
                    headers,
                }),
                Ok(_) => return Err("a timer's command has a key".to_owned()),
                Err(Failure::Environment(reason)) => return Err(reason),
                Err(Failure::Record(reason)) => {
                    tracing::error!(%source, reason, "a timer goes to the dead letters");
                    outbox.push(self.timer_put_aside(&source, (due, stored), &reason).map_err(|e| format!("{e:?}"))?);
                }
            }
            state.delete(crate::entity::TIMERS, &row);
            state.accept();
            timers.fired(row);
        }
        timers.look_on(state).map_err(|e| e.to_string())
    }

    /// A timer that is no command any more: nobody waits for it, and it must not keep the records of its task waiting.
    fn timer_put_aside(
        &self,
        source: &TopicPartition,
        (due, stored): (Timestamp, Bytes),
        reason: &str,
    ) -> Result<Append, Failure> {
        let timestamp = due.millis();
        let (key, value, headers) = (None, Some(stored), vec![("dlq-timer".into(), Bytes::from_static(b"1"))]);
        // It was never on the topic: it has no offset there.
        let record = Record { source: source.clone(), offset: -1, timestamp, key, value, headers };
        let reason: String = reason.chars().take(LONGEST_REASON).collect();
        self.place_one(self.dead_letter(&record, &reason), &record)
    }

    /// Finds the partition of each output, and that the log will take it. Some may be in the outbox where it fails.
    fn place(&self, outputs: &mut Vec<Output>, record: &Record, outbox: &mut Vec<Append>) -> Result<(), Failure> {
        for output in outputs.drain(..) {
            outbox.push(self.place_one(output, record)?);
        }
        Ok(())
    }

    fn place_one(&self, output: Output, record: &Record) -> Result<Append, Failure> {
        let Output { topic, place, value, timestamp, headers } = output;
        let (name, partitions) = self
            .layout
            .topic(&topic)
            .ok_or_else(|| Failure::Environment(format!("there is no topic {topic}: run `tradewind topics apply`")))?;
        let (partition, key) = match place {
            Place::Key(key) => (partition_of(&key, partitions), Some(key)),
            Place::Partition(partition) => (partition % partitions, None),
            Place::Same(key) => (record.source.partition, key),
        };
        let (size, limit) = (size(key.as_ref(), value.as_ref(), &headers), self.largest);
        if size > limit {
            return Err(self
                .stage
                .misfit(format!("its output to {topic} has {size} bytes, and the log takes {limit}")));
        }
        let to = TopicPartition::new(name, partition);
        Ok(Append { to, timestamp: timestamp.millis(), key, value, headers })
    }
}

/// Bytes that the log counts.
pub fn size(key: Option<&Bytes>, value: Option<&Bytes>, headers: &Headers) -> usize {
    let headers: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    key.map_or(0, Bytes::len) + value.map_or(0, Bytes::len) + headers
}

/// What the record has staged goes to the changelog: with a change that is too large nothing could be committed.
fn fits_changelog(state: &TaskState, largest: usize) -> Result<(), Failure> {
    let size = state.largest_staged();
    if size < largest {
        return Ok(());
    }
    Err(Failure::Record(format!("its change of state has {size} bytes, and the log takes {largest}")))
}

const PANIC: &str = "it panicked: ";

enum Attempt {
    Failed(Failure),
    Panicked(String),
}

impl Attempt {
    fn environment(why: &str) -> Self {
        Self::Failed(Failure::Environment(why.to_owned()))
    }
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it did not say why")
}
