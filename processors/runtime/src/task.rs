//! One task: a stage's partition, its state, and where it stands.

use bytes::Bytes;
use tradewind_schemas::Timestamp;
use tradewind_state::{StateError, StoreId, TaskReader, TaskState};
use tradewind_topics::{Append, Copies, Headers, Offset, Record};

use crate::{effects::Effect, names::Names, outdated::outdated, replay::Replay, timers::Schedule, worker::Limits};

/// The key of a changelog's record that ends a transaction: what the task has consumed of its source, in 8 bytes, and
/// after them the origin of the state that it belongs to. No store has this id.
pub const POSITION: StoreId = 255;

/// A task's state and the positions it must agree with.
pub struct Opened {
    /// A state just opened; `None` to go on with the one at hand.
    pub state: Option<TaskState>,
    /// The group's stable offset of the source.
    pub group: Option<Offset>,
    /// The changelog's written end, looked up **after** the group's offset.
    pub changelog_end: Offset,
    /// Which creations of source and changelog these are, and which partition.
    pub origin: String,
}

/// Why a task must not run.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("its group has no offset for the source: `tradewind topics apply` writes the first one")]
    NoFirstOffset,
    #[error("its group has lost its offset for the source: give the group that of the state, {state}")]
    NoOffset { state: Offset },
    #[error(
        "its state has consumed the source up to {state} but its group says {group}: one of them was lost, or restored from elsewhere; where the state is right give the group {state}, else restore both from one backup, or replay into another namespace"
    )]
    Disagreement { state: Offset, group: Offset },
    #[error(
        "its local state is not this task's: it belongs to another task or another shop, or the topics were deleted and made anew (topic ids of source and changelog, partition: {state} there, {now} here); put the right directory in its place, or, if these topics are meant, remove it to have it rebuilt from the changelog"
    )]
    OtherTopics { state: String, now: String },
    #[error(
        "its changelog is that of other topics: it or the source was deleted and made anew under a running worker, and what was written before is missing (topic ids of source and changelog, partition: {written} there, {now} here); restore the topics from a backup, or replay into another namespace"
    )]
    OtherChangelog { written: String, now: String },
    #[error(
        "its changelog begins at {beginning}, and it needs it from {from}: records were deleted, and a state without them would lack what they said; start it where a local state has them, restore the changelog from a backup, or replay into another namespace"
    )]
    Truncated { from: Offset, beginning: Offset },
    #[error(
        "it needs {of} from offset {from}, which is not there: records that it had not taken were deleted, or the topic lost its end; restore the topics and the group's offsets from one backup, or replay into another namespace"
    )]
    Deleted { from: Offset, of: String },
    #[error(
        "its changelog ends in the middle of a transaction: the topic lost its end, or somebody else has written to it; restore the topics and the group's offsets from one backup, or replay into another namespace"
    )]
    HalfTransaction,
    #[error("its changelog holds a record that this release cannot read: {0}")]
    Unreadable(String),
    #[error(transparent)]
    State(#[from] StateError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Opening,
    Restoring,
    Running,
    /// The environment failed; the record at `position` is tried again then.
    Waiting(Timestamp),
}

pub struct Task {
    pub partition: u32,
    status: Status,
    state: Option<TaskState>,
    group: Option<Offset>,
    changelog_end: Offset,
    replay: Replay,
    /// Why nothing that its changelog has beyond the state may be added to it, if so.
    outdated: Option<String>,
    /// Whether others have read the state, and so must never see a part of a commit.
    served: bool,
    /// The group's offset and the changelog's end that it last could not run with.
    refused: Option<(Option<Offset>, Offset)>,
    /// The next offset of the source that it has not taken.
    position: Offset,
    /// What of that is committed.
    settled: Offset,
    pub timers: Schedule,
    /// Since when something waits for a flush.
    unflushed_since: Option<Timestamp>,
}

impl Task {
    pub fn opening(partition: u32) -> Self {
        Self {
            partition,
            status: Status::Opening,
            state: None,
            group: None,
            changelog_end: 0,
            replay: Replay::default(),
            outdated: None,
            served: false,
            refused: None,
            position: 0,
            settled: 0,
            timers: Schedule::default(),
            unflushed_since: None,
        }
    }

    pub fn status(&self) -> Status {
        self.status
    }

    pub fn position(&self) -> Offset {
        self.position
    }

    pub fn state(&self) -> Option<&TaskState> {
        self.state.as_ref()
    }

    pub fn reader(&self) -> Option<TaskReader> {
        self.state.as_ref().map(TaskState::reader)
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        match self.status {
            Status::Running => self.timers.next_due(),
            Status::Waiting(until) => Some(until),
            Status::Opening | Status::Restoring => None,
        }
    }

    /// The state is at hand. Says from where to where the changelog must be read, or that it need not be.
    pub fn opened(&mut self, now: Timestamp, opened: Opened) -> Result<Option<(Offset, Offset)>, Refusal> {
        let Opened { state, group, changelog_end, origin } = opened;
        let state = match (state, &mut self.state) {
            (Some(fresh), slot) => {
                self.replay = Replay::default();
                self.outdated = outdated(&fresh.checkpoint(), now);
                slot.insert(fresh)
            }
            (None, Some(at_hand)) => at_hand,
            (None, None) => return Ok(None),
        };
        let checkpoint = state.checkpoint();
        if checkpoint.origin.is_empty() {
            state.set_origin(origin);
        } else if checkpoint.origin != origin {
            return Err(Refusal::OtherTopics { state: checkpoint.origin, now: origin });
        }
        self.group = group;
        self.changelog_end = changelog_end;
        self.status = Status::Restoring;
        self.replay.forget();
        Ok((checkpoint.changelog < changelog_end).then_some((checkpoint.changelog, changelog_end)))
    }

    /// The state of a standby is at hand. Says from where the changelog is to be followed.
    pub fn follow(&mut self, now: Timestamp, state: TaskState, origin: String) -> Result<Offset, Refusal> {
        let opened = Opened { state: Some(state), group: None, changelog_end: Offset::MAX, origin };
        Ok(self.opened(now, opened)?.map_or(Offset::MAX, |(from, _)| from))
    }

    /// Its state has all that the changelog had a moment ago.
    pub fn is_level(&mut self) {
        self.outdated = None;
    }

    /// Takes committed records of the changelog; `true` when its end has been reached. Of a commit that is larger, so
    /// many bytes are held back at most.
    pub fn restore(
        &mut self,
        now: Timestamp,
        records: Vec<Record>,
        position: Offset,
        most: usize,
    ) -> Result<bool, Refusal> {
        let (Some(state), Status::Restoring) = (&mut self.state, self.status) else { return Ok(false) };
        for record in records {
            // What lies behind the end that was looked up is a successor's: this task was lost, and will hear so.
            if record.offset >= self.changelog_end {
                break;
            }
            if let Some(why) = &self.outdated {
                return Err(Refusal::State(StateError::Corrupt { path: String::new(), why: why.clone() }));
            }
            self.replay.take(record, state, (!self.served).then_some(most))?;
        }
        if state.unflushed_bytes() > 0 {
            self.unflushed_since.get_or_insert(now);
        }
        Ok(position >= self.changelog_end)
    }

    /// The changelog has been read to its end: agrees with the group, or refuses. Says where to go on in the source.
    pub fn run(&mut self) -> Result<Offset, Refusal> {
        let Some(state) = &mut self.state else { return Err(Refusal::NoFirstOffset) };
        if self.replay.is_within_a_commit() {
            return Err(Refusal::HalfTransaction);
        }
        let group = match (self.group, state.checkpoint().source) {
            (Some(group), source) if source.unwrap_or(0) == group => group,
            (Some(group), source) => return Err(Refusal::Disagreement { state: source.unwrap_or(0), group }),
            (None, Some(state)) => return Err(Refusal::NoOffset { state }),
            (None, None) => return Err(Refusal::NoFirstOffset),
        };
        self.outdated = None;
        self.position = group;
        self.settled = group;
        self.status = Status::Running;
        self.served = true;
        self.timers.look_anew(state)?;
        Ok(group)
    }

    /// Everything that is not committed is dropped.
    pub fn rollback(&mut self) {
        if let Some(state) = &mut self.state {
            state.rollback();
        }
        self.timers.forget();
        self.position = self.settled;
    }

    /// A refusal may be for what a successor has committed between two looks, as this task was lost and has not heard of
    /// it: the positions are to be looked up once more, until they are the same as the last time.
    pub fn looks_again(&mut self, refusal: &Refusal) -> bool {
        let looked_up = Some((self.group, self.changelog_end));
        let again = matches!(refusal, Refusal::Disagreement { .. } | Refusal::HalfTransaction);
        let again = again && self.refused != looked_up;
        self.refused = looked_up;
        if again {
            tracing::warn!(partition = self.partition, %refusal, "looking the positions up once more");
            self.reopen();
        }
        again
    }

    /// Its positions are to be looked up again.
    pub fn reopen(&mut self) {
        self.status = Status::Opening;
    }

    /// Whether this record is the next one to take.
    pub fn expects(&self, record: &Record) -> bool {
        self.status == Status::Running && record.offset >= self.position
    }

    pub fn wait_until(&mut self, moment: Timestamp) {
        self.status = Status::Waiting(moment);
    }

    /// When the wait of at most so many milliseconds is over, by a clock that may have been put back: where to go on in
    /// the source.
    pub fn retry(&mut self, now: Timestamp, longest: i64) -> Option<Offset> {
        match self.status {
            Status::Waiting(until) if until <= now || until.millis() - now.millis() > longest => {
                self.status = Status::Running;
                Some(self.position)
            }
            _ => None,
        }
    }

    /// The record in hand is being worked on with this.
    pub fn working(&mut self) -> Option<(&mut TaskState, &mut Schedule)> {
        Some((self.state.as_mut()?, &mut self.timers))
    }

    /// The record in hand is done, or put aside.
    pub fn took(&mut self, record: &Record) {
        self.position = record.after();
    }

    pub fn is_dirty(&self) -> bool {
        self.position != self.settled || self.state.as_ref().is_some_and(TaskState::is_dirty)
    }

    /// Each key changed since the last commit, once, and the position that this leads to, last.
    pub fn changelog(&self, names: &Names, now: Timestamp) -> impl Iterator<Item = Append> {
        let to = names.changelog(self.partition);
        let mut copies = Copies::default();
        let changed = self.state.iter().flat_map(TaskState::changes);
        let mut append = move |store: StoreId, key: &[u8], value: Option<&[u8]>| Append {
            to: to.clone(),
            timestamp: now.millis(),
            // Copied, as they are at hand: a value that is shared would be counted, and that costs more later.
            key: Some(copies.joined([&[store], key])),
            value: value.map(|value| copies.of(value)),
            headers: Headers::new(),
        };
        let position = self.state.as_ref().map(|state| {
            let origin = state.checkpoint().origin;
            append(POSITION, &[], Some(&[&self.position.to_be_bytes(), origin.as_bytes()].concat()))
        });
        changed.map(move |(store, key, value)| append(store, key, value.map(Bytes::as_ref))).chain(position)
    }

    /// The transaction succeeded, and wrote this task's changelog up to there.
    pub fn committed(&mut self, changelog: Option<Offset>, now: Timestamp) {
        if let Some(state) = &mut self.state {
            state.commit(Some(self.position), changelog, now.millis());
        }
        self.settled = self.position;
        self.unflushed_since.get_or_insert(now);
    }

    /// Whether what was committed has waited for so many milliseconds. A clock that went back counts as well.
    fn has_waited(&self, now: Timestamp, most: i64) -> bool {
        self.unflushed_since.is_some_and(|since| (now.millis() - since.millis()).abs() >= most)
    }

    /// Flushes a piece of what has come to so many bytes while the changelog is read.
    pub fn flush_restored(&mut self, bytes: usize, effects: &mut Vec<Effect>) {
        self.flush_if(|state| state.unflushed_bytes() >= bytes, effects);
    }

    /// Flushes a piece of what there is no more room for, or of what has waited for so many milliseconds.
    pub fn flush_due(&mut self, now: Timestamp, limits: &Limits, effects: &mut Vec<Effect>) {
        let has_waited = self.has_waited(now, limits.flush_ms);
        self.flush_if(|state| has_waited || state.is_full(), effects);
    }

    fn flush_if(&mut self, is_due: impl FnOnce(&TaskState) -> bool, effects: &mut Vec<Effect>) {
        let Some(state) = &mut self.state else { return };
        if !state.is_flushing() {
            if !is_due(state) {
                return state.make_room();
            }
            self.unflushed_since = None;
        }
        let batch = state.batch();
        effects.extend(batch.map(|batch| Effect::Flush { partition: self.partition, batch }));
    }

    /// The task goes. All that its store lacks is written, unless it is so many bytes or more: the changelog has it, and
    /// whoever waits for the task should not wait for that.
    pub fn flush_all_below(&mut self, bytes: usize, effects: &mut Vec<Effect>) {
        let Some(state) = self.state.as_ref().filter(|state| state.unflushed_bytes() < bytes) else { return };
        effects.extend(state.whole_batch().map(|batch| Effect::Flush { partition: self.partition, batch }));
    }

    pub fn flushed(&mut self) {
        if let Some(state) = &mut self.state {
            state.flushed();
        }
    }
}
