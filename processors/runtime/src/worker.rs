//! The task loop: what a worker does about each thing that happens. No thread, clock, log or disk in here; a driver
//! carries the effects out and reports back. The simulation drives this very code.
//!
//! ```text
//!            Records, Idle                 commit due
//!   ┌──────► Running ───────────────────────────────────► Committing
//!   │           ▲                                        │   │     │
//!   │           │ Committed: uncommitted → committed     │   │     │ Fenced
//!   │           └────────────────────────────────────────┘   │     ▼
//!   │                                       Aborted, Unknown │   every task dropped, another session begun
//!   │  Opened: replay the changelog to its end               ▼
//!   └──────────────────────────────────────────────────── Recovering: uncommitted of every task dropped
//! ```

mod limits;
mod standby;
mod stores;

use std::collections::{BTreeMap, BTreeSet};

use tradewind_schemas::Timestamp;
use tradewind_state::{StateError, TaskState};
use tradewind_topics::{Append, CommitError, Offset, Receipt, Record};

use crate::{
    effects::{Effect, Input},
    names::Names,
    processing::{Processing, Taken, size},
    task::{Opened, Refusal, Task},
};
pub use limits::Limits;
use standby::Standby;

/// So many records of a task are looked at ahead: enough that the waits for memory overlap, few enough that what was
/// fetched is still at hand when its record comes.
const AHEAD: usize = 32;

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Committing,
    Recovering,
}

/// The tasks of one stage that one session owns, and their common transaction.
pub struct Worker {
    processing: Processing,
    names: Names,
    limits: Limits,
    tasks: BTreeMap<u32, Task>,
    /// Of partitions that are others'.
    standbys: BTreeMap<u32, Standby>,
    /// Which of them are wanted.
    wanted: BTreeSet<u32>,
    phase: Phase,
    outbox: Vec<Append>,
    /// Of the outbox, but for what timers put there.
    outbox_bytes: usize,
    /// When the oldest uncommitted work was done.
    since: Option<Timestamp>,
    /// To be closed and given back once what is uncommitted is settled.
    leaving: Option<Vec<u32>>,
    stopping: bool,
}

impl Worker {
    pub fn new(processing: Processing, names: Names, limits: Limits) -> Self {
        Self {
            processing,
            names,
            limits,
            tasks: BTreeMap::new(),
            standbys: BTreeMap::new(),
            wanted: BTreeSet::new(),
            phase: Phase::Running,
            outbox: Vec::new(),
            outbox_bytes: 0,
            since: None,
            leaving: None,
            stopping: false,
        }
    }

    /// Whether something waits to be committed.
    pub fn is_dirty(&self) -> bool {
        !self.outbox.is_empty() || self.tasks.values().any(Task::is_dirty)
    }

    /// When the next timer is due, or the next retry.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.tasks.values().filter_map(Task::next_due).min()
    }

    pub fn step(&mut self, now: Timestamp, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Assigned(partitions) => {
                for partition in partitions {
                    self.assigned(now, partition, &mut effects);
                }
            }
            Input::Opened(partition, opened) => self.opened(now, partition, opened, &mut effects),
            Input::Restored { partition, records, position } => {
                self.restored(now, partition, records, position, &mut effects);
            }
            Input::Records(records) => self.take(now, &records, &mut effects),
            Input::Idle => self.idle(now, &mut effects),
            Input::Committed(receipt) => self.committed(now, &receipt, &mut effects),
            Input::NotCommitted(error) => self.not_committed(now, &error, &mut effects),
            Input::Recovered => self.recovered(now, &mut effects),
            Input::Flushed { partition, result } => self.flushed(now, partition, result, &mut effects),
            Input::Revoked(partitions) => self.leave(now, partitions, &mut effects),
            Input::Lost(partitions) => self.drop_tasks(now, &partitions, &mut effects),
            Input::StandBy(partitions) => self.stand_by(now, partitions, &mut effects),
            Input::StandbyOpened { partition, state, origin } => {
                self.standby_opened(now, partition, state, origin, &mut effects);
            }
            Input::NoStandby { partition, why } => self.give_standby_up(partition, &why, &mut effects),
            Input::Level(partition) => self.is_level(now, partition),
            Input::Stop => {
                self.stopping = true;
                let all = self.tasks.keys().copied().collect();
                self.leave(now, all, &mut effects);
            }
        }
        effects
    }

    fn opened(&mut self, now: Timestamp, partition: u32, opened: Opened, effects: &mut Vec<Effect>) {
        let Some(task) = self.tasks.get_mut(&partition) else { return };
        match task.opened(now, opened) {
            Ok(Some((from, to))) => effects.push(Effect::Restore { partition, from, to }),
            Ok(None) => self.ready(partition, effects),
            Err(refusal) => effects.push(Effect::Halt(self.names.refusal(partition, &refusal))),
        }
    }

    fn restored(
        &mut self,
        now: Timestamp,
        partition: u32,
        mut records: Vec<Record>,
        position: Offset,
        effects: &mut Vec<Effect>,
    ) {
        if self.follow(now, partition, &mut records, position, effects) {
            return;
        }
        let Some(task) = self.tasks.get_mut(&partition) else { return };
        let restored = task.restore(now, records, position, self.limits.restore_bytes);
        task.flush_restored(self.limits.restore_bytes, effects);
        match restored {
            Ok(true) => self.ready(partition, effects),
            Ok(false) => {}
            Err(refusal) => self.refuse(partition, &refusal, effects),
        }
    }

    /// The state is at the changelog's end: it must agree with the group, and then the task runs.
    fn ready(&mut self, partition: u32, effects: &mut Vec<Effect>) {
        let Some(task) = self.tasks.get_mut(&partition) else { return };
        match task.run() {
            Ok(at) => {
                if let Some(reader) = task.reader() {
                    effects.push(Effect::Serve { partition, reader });
                }
                effects.push(Effect::Start { partition, at });
            }
            Err(refusal) => self.refuse(partition, &refusal, effects),
        }
    }

    fn refuse(&mut self, partition: u32, refusal: &Refusal, effects: &mut Vec<Effect>) {
        // After a recovery all positions are looked up anyway.
        let Some(task) = self.tasks.get_mut(&partition).filter(|_| self.phase != Phase::Recovering) else { return };
        if let Refusal::State(StateError::Corrupt { why, .. }) = refusal {
            return self.rebuild(partition, why.clone(), effects);
        }
        effects.push(match task.looks_again(refusal) {
            true => Effect::Reopen(partition),
            false => Effect::Halt(self.names.refusal(partition, refusal)),
        });
    }

    fn take(&mut self, now: Timestamp, records: &[Record], effects: &mut Vec<Effect>) {
        let before = self.outbox.len();
        for of_one_task in records.chunk_by(|one, next| one.source.partition == next.source.partition) {
            let Some(task) = self.tasks.get_mut(&of_one_task[0].source.partition) else { continue };
            for at_hand in of_one_task.chunks(AHEAD) {
                self.processing.look_ahead(task, at_hand);
                for record in at_hand {
                    if !task.expects(record) {
                        continue;
                    }
                    match self.processing.take(task, record, &mut self.outbox) {
                        Taken::Done => {
                            self.since.get_or_insert(now);
                        }
                        Taken::Wait(why) => {
                            tracing::warn!(source = %record.source, offset = record.offset, why, "waiting: the environment failed");
                            task.wait_until(Timestamp::from_millis(now.millis() + self.limits.retry_ms));
                        }
                    }
                }
            }
        }
        let bytes = |output: &Append| size(output.key.as_ref(), output.value.as_ref(), &output.headers);
        self.outbox_bytes += self.outbox[before..].iter().map(bytes).sum::<usize>();
        let old = self.since.is_some_and(|since| now.millis() - since.millis() >= self.limits.commit_ms);
        if old || self.outbox.len() >= self.limits.outputs || self.outbox_bytes >= self.limits.output_bytes {
            self.commit(now, effects);
        }
    }

    fn idle(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.phase != Phase::Running {
            return;
        }
        if let Some((partition, why)) = self.damaged() {
            return self.rebuild(partition, why, effects);
        }
        for task in self.tasks.values_mut() {
            if let Some(at) = task.retry(now, self.limits.retry_ms) {
                effects.push(Effect::Start { partition: task.partition, at });
            }
            if let Err(why) = self.processing.fire(task, now, &mut self.outbox) {
                tracing::warn!(partition = task.partition, why, "timers wait: the environment failed");
                task.wait_until(Timestamp::from_millis(now.millis() + self.limits.retry_ms));
            }
        }
        if self.is_dirty() {
            self.commit(now, effects);
        } else {
            self.flush_due(now, effects);
        }
    }

    /// One transaction: outputs, the changed keys of every touched task, and its position last.
    fn commit(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.outbox_bytes = 0;
        let as_large_again = Vec::with_capacity(self.outbox.len());
        let outputs = std::mem::replace(&mut self.outbox, as_large_again);
        let positions = self.dirty().map(|task| (self.names.source(task.partition), task.position())).collect();
        self.since = None;
        self.phase = Phase::Committing;
        effects.push(Effect::Append(outputs));
        effects.push(Effect::AppendChangelogs(now));
        effects.push(Effect::Commit(positions));
    }

    /// The transaction in hand comes to nothing.
    fn drop_outputs(&mut self) {
        self.outbox.clear();
        self.outbox_bytes = 0;
        self.since = None;
    }

    fn dirty(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(|task| task.is_dirty())
    }

    /// What the transaction in hand writes to its tasks' changelogs: made as it is asked for, since all of it at once
    /// would be large.
    pub fn changelogs(&self, now: Timestamp) -> impl Iterator<Item = Append> {
        self.dirty().flat_map(move |task| task.changelog(&self.names, now))
    }

    fn committed(&mut self, now: Timestamp, receipt: &Receipt, effects: &mut Vec<Effect>) {
        self.phase = Phase::Running;
        for task in self.tasks.values_mut().filter(|task| task.is_dirty()) {
            let changelog = self.names.changelog(task.partition);
            let end = receipt.ends.iter().find(|(partition, _)| *partition == changelog).map(|(_, end)| *end);
            task.committed(end, now);
        }
        self.flush_due(now, effects);
        self.finish_leaving(now, effects);
    }

    /// Flushes the tasks that have committed much, or long ago.
    fn flush_due(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let standbys = self.standbys.values_mut().map(|standby| &mut standby.task);
        for task in self.tasks.values_mut().chain(standbys) {
            task.flush_due(now, &self.limits, effects);
        }
    }

    fn not_committed(&mut self, now: Timestamp, error: &CommitError, effects: &mut Vec<Effect>) {
        self.drop_outputs();
        for task in self.tasks.values_mut() {
            task.rollback();
        }
        if let CommitError::Fenced(why) = error {
            tracing::warn!(stage = self.processing.stage(), why, "fenced: giving every task up and joining anew");
            effects.extend(std::mem::take(&mut self.tasks).into_keys().map(Effect::Close));
            self.phase = Phase::Running;
            self.leaving = None;
            if self.stopping {
                self.close_all_standbys(effects);
            }
            effects.push(if self.stopping { Effect::Leave } else { Effect::Rejoin });
            self.open_standbys(now, effects);
            return;
        }
        tracing::warn!(stage = self.processing.stage(), %error, "taking a new epoch and reading the positions anew");
        self.phase = Phase::Recovering;
        effects.push(Effect::Recover);
    }

    fn recovered(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.phase = Phase::Running;
        self.finish_leaving(now, effects);
        // The commit may have succeeded: the changelog, read to its end, tells.
        for task in self.tasks.values_mut() {
            task.reopen();
            effects.push(Effect::Reopen(task.partition));
        }
    }

    /// Settles what is uncommitted, then gives these up.
    fn leave(&mut self, now: Timestamp, partitions: Vec<u32>, effects: &mut Vec<Effect>) {
        self.leaving.get_or_insert_default().extend(partitions);
        if self.phase != Phase::Running {
            return;
        }
        if self.is_dirty() {
            self.since.get_or_insert(now);
            self.commit(now, effects);
        } else {
            self.finish_leaving(now, effects);
        }
    }

    fn finish_leaving(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(partitions) = self.leaving.take() else { return };
        for partition in partitions {
            if let Some(mut task) = self.tasks.remove(&partition) {
                task.flush_all_below(self.limits.restore_bytes, effects);
                effects.push(Effect::Close(partition));
            }
        }
        if self.stopping {
            self.close_all_standbys(effects);
        }
        effects.push(if self.stopping { Effect::Leave } else { Effect::Release });
        self.open_standbys(now, effects);
    }

    /// These are somebody else's already.
    fn drop_tasks(&mut self, now: Timestamp, partitions: &[u32], effects: &mut Vec<Effect>) {
        for partition in partitions {
            if let Some(mut task) = self.tasks.remove(partition) {
                task.rollback();
                effects.push(Effect::Close(*partition));
            }
        }
        // What the outbox holds may be theirs: with tasks gone, nothing of this transaction may be committed.
        self.drop_outputs();
        for task in self.tasks.values_mut() {
            task.rollback();
            task.reopen();
            effects.push(Effect::Reopen(task.partition));
        }
        effects.push(Effect::Release);
        self.open_standbys(now, effects);
    }

    /// The state of a task, for whoever examines it.
    pub fn state(&self, partition: u32) -> Option<&TaskState> {
        self.tasks.get(&partition).and_then(Task::state)
    }
}
