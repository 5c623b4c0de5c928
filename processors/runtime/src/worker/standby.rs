//! Standbys: states of tasks that others run, kept close behind their changelogs, so that little is left to be restored
//! when one of the tasks comes here. Nobody is answered from them.

use std::collections::BTreeSet;

use tradewind_schemas::Timestamp;
use tradewind_state::{StateError, TaskState};
use tradewind_topics::{Offset, Record};

use super::Worker;
use crate::{
    effects::Effect,
    outdated::TOMBSTONES_FOR,
    task::{Refusal, Task},
};

/// A standby that has had all there was so long ago may miss deletions in what it reads next. A quarter of what the
/// tombstones have: when it was opened, its state may have been half as old as they are.
const LONGEST_GAP_MS: i64 = (TOMBSTONES_FOR.as_millis() / 4) as i64;

pub(super) struct Standby {
    pub task: Task,
    /// When it last had all there was.
    level: Timestamp,
}

impl Standby {
    fn opening(partition: u32, now: Timestamp) -> Self {
        Self { task: Task::opening(partition), level: now }
    }

    /// By a clock that may have been put back.
    fn is_outdated(&self, now: Timestamp) -> bool {
        (now.millis() - self.level.millis()).abs() > LONGEST_GAP_MS
    }
}

impl Worker {
    pub(super) fn stand_by(&mut self, now: Timestamp, partitions: Vec<u32>, effects: &mut Vec<Effect>) {
        self.wanted = partitions.into_iter().collect();
        let unwanted = self.standbys.keys().copied().filter(|partition| !self.wanted.contains(partition));
        self.close_standbys(unwanted.collect(), effects);
        self.open_standbys(now, effects);
    }

    /// Those that are wanted, and are neither here yet nor tasks of this worker.
    pub(super) fn open_standbys(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.stopping {
            return;
        }
        for &partition in &self.wanted {
            if !self.tasks.contains_key(&partition) && !self.standbys.contains_key(&partition) {
                self.standbys.insert(partition, Standby::opening(partition, now));
                effects.push(Effect::OpenStandby(partition));
            }
        }
    }

    fn close_standbys(&mut self, partitions: BTreeSet<u32>, effects: &mut Vec<Effect>) {
        for partition in partitions {
            if let Some(mut standby) = self.standbys.remove(&partition) {
                standby.task.flush_all_below(self.limits.restore_bytes, effects);
                effects.push(Effect::Close(partition));
            }
        }
    }

    /// The worker goes.
    pub(super) fn close_all_standbys(&mut self, effects: &mut Vec<Effect>) {
        self.wanted.clear();
        self.close_standbys(self.standbys.keys().copied().collect(), effects);
    }

    pub(super) fn standby_opened(
        &mut self,
        now: Timestamp,
        partition: u32,
        state: TaskState,
        origin: String,
        effects: &mut Vec<Effect>,
    ) {
        let Some(standby) = self.standbys.get_mut(&partition) else { return };
        match standby.task.follow(now, state, origin) {
            Ok(from) => effects.push(Effect::Follow { partition, from }),
            Err(refusal) => self.refuse_standby(partition, &refusal, effects),
        }
    }

    /// Records of the changelog of a standby. `false` where there is none.
    pub(super) fn follow(
        &mut self,
        now: Timestamp,
        partition: u32,
        records: &mut Vec<Record>,
        position: Offset,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(standby) = self.standbys.get_mut(&partition) else { return false };
        if standby.is_outdated(now) && !records.is_empty() {
            self.rebuild_standby(now, partition, "it has not read its changelog for too long", effects);
            return true;
        }
        match standby.task.restore(now, std::mem::take(records), position, self.limits.restore_bytes) {
            Ok(_) => standby.task.flush_restored(self.limits.restore_bytes, effects),
            Err(Refusal::State(StateError::Corrupt { why, .. })) => self.rebuild_standby(now, partition, &why, effects),
            Err(refusal) => self.refuse_standby(partition, &refusal, effects),
        }
        true
    }

    pub(super) fn rebuild_standby(&mut self, now: Timestamp, partition: u32, why: &str, effects: &mut Vec<Effect>) {
        tracing::warn!(partition, why, "a standby is built anew");
        self.standbys.insert(partition, Standby::opening(partition, now));
        effects.extend([Effect::Discard(partition), Effect::OpenStandby(partition)]);
    }

    fn refuse_standby(&mut self, partition: u32, refusal: &Refusal, effects: &mut Vec<Effect>) {
        let why = self.names.refusal(partition, refusal);
        self.give_standby_up(partition, &why, effects);
    }

    /// A standby is a convenience: the worker goes on without it. Who gets the task meets the same fault and halts.
    pub(super) fn give_standby_up(&mut self, partition: u32, why: &str, effects: &mut Vec<Effect>) {
        tracing::error!(partition, why, "a standby is given up");
        self.wanted.remove(&partition);
        self.standbys.remove(&partition);
        effects.push(Effect::Close(partition));
    }

    pub(super) fn is_level(&mut self, now: Timestamp, partition: u32) {
        if let Some(standby) = self.standbys.get_mut(&partition) {
            standby.level = now;
            standby.task.is_level();
        }
    }

    /// The task comes here. What its standby has, it goes on with.
    pub(super) fn assigned(&mut self, now: Timestamp, partition: u32, effects: &mut Vec<Effect>) {
        match self.standbys.remove(&partition) {
            Some(mut standby) if !standby.is_outdated(now) && standby.task.state().is_some() => {
                standby.task.reopen();
                self.tasks.insert(partition, standby.task);
                effects.push(Effect::Reopen(partition));
                return;
            }
            // What it lacks is looked at when it is opened, as of any state.
            Some(_) => effects.push(Effect::Close(partition)),
            None => {}
        }
        self.tasks.insert(partition, Task::opening(partition));
        effects.push(Effect::Open(partition));
    }
}
