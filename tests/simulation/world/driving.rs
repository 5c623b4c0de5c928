//! The driver: carries a worker's effects out, in small steps between which anything may happen.

use std::sync::Arc;

use bytes::Bytes;
use rand::Rng;
use tradewind_runtime::{Effect, Input, Opened, is_beyond};
use tradewind_state::{Backend, Batch, Checkpoint, Room, StateError, TaskState};
use tradewind_topics::{CommitError, Offset, Record};

use super::{World, committing::POSITION};
use crate::{
    bugs::Bug,
    disk::is_disk_fault,
    log::Isolation,
    member::{MemberId, Todo},
};

/// Which creation of source and changelog a world's topics are.
pub(super) const ORIGIN: &str = "simulated";

impl World {
    pub(super) fn carry_out(&mut self, id: MemberId, effect: Effect) -> Result<(), String> {
        match effect {
            Effect::Open(partition) => return self.open(id, partition),
            Effect::OpenStandby(partition) => return self.open_standby(id, partition),
            Effect::Follow { partition, from } => {
                self.members[id].following.insert(partition, from);
                self.members[id].followed = self.now;
            }
            Effect::Discard(partition) => return self.discard(id, partition),
            Effect::Reopen(partition) => self.reopen(id, partition),
            Effect::Rebuild { partition, .. } => {
                self.counts.one("damaged under way");
                let member = &mut self.members[id];
                member.restoring.remove(&partition);
                member.stores.remove(&partition);
                let medium = self.medium.clone();
                let wiped = self.members[id].disk(partition, &medium).wipe();
                wiped.map_err(|fault| format!("{partition} cannot be wiped: {fault}"))?;
                return self.open(id, partition);
            }
            Effect::Restore { partition, from, .. } => {
                self.counts.one("restores");
                self.members[id].restoring.insert(partition, from);
            }
            Effect::Serve { partition, .. } => {
                self.members[id].restoring.remove(&partition);
                self.members[id].served.insert(partition);
            }
            Effect::Start { partition, at } => {
                self.members[id].restoring.remove(&partition);
                self.members[id].fetching.insert(partition, at);
            }
            Effect::Append(records) => self.append_of_worker(id, records),
            Effect::AppendChangelogs(at) => {
                let records = self.members[id].worker.as_ref().map(|worker| worker.changelogs(at).collect());
                self.append_of_worker(id, records.unwrap_or_default());
            }
            Effect::Commit(positions) => self.commit_worker(id, &positions),
            Effect::Recover => {
                self.recover(id);
                self.tell(id, Input::Recovered);
            }
            Effect::Rejoin => {
                let group = self.members[id].group;
                self.groups[group].drop_member(id);
                self.members[id].forget_session();
                self.members[id].epoch = self.log.take_epoch(id);
            }
            Effect::Flush { partition, batch } => self.flush(id, partition, batch),
            Effect::Close(partition) => self.close(id, partition),
            Effect::Release => self.release(id),
            Effect::Leave => {}
            // A process that cannot use its disk ends with a clear error, and is started again.
            Effect::Halt(why) if is_disk_fault(&why) => {
                self.counts.one("halts for a disk");
                let name = self.members[id].name.clone();
                self.say(|| format!("{name} halts: {why}"));
                self.crash(id);
            }
            Effect::Halt(why) => return Err(format!("{} halts: {why}", self.members[id].name)),
        }
        Ok(())
    }

    /// Opens a task's store; one that is damaged, or beyond its changelog, is wiped and rebuilt.
    fn open(&mut self, id: MemberId, partition: u32) -> Result<(), String> {
        let group = self.members[id].group;
        let (source, changelog) = {
            let names = &self.groups[group].names;
            (names.source(partition), names.changelog(partition))
        };
        if self.log.stable_offset(&source).is_none() {
            self.members[id].todo.push_front(Todo::Carry(Effect::Open(partition)));
            return Ok(());
        }
        let grant = self.groups[group].grants.get(&partition).copied().unwrap_or_default();
        self.members[id].granted.insert(partition, grant);
        let mut state = self.open_state(id, partition)?;
        if self.is(Bug::RestoreSkipsChangelog) {
            let (checkpoint, end) = (state.checkpoint(), self.log.stable_end(&changelog));
            if checkpoint.changelog < end {
                let source = self.log.stable_offset(&source);
                state.restore(Vec::new(), Checkpoint { changelog: end, source, ..checkpoint });
            }
        }
        self.look_up_group(id, partition, Some(state), Effect::Open(partition));
        Ok(())
    }

    pub(super) fn open_state(&mut self, id: MemberId, partition: u32) -> Result<TaskState, String> {
        let changelog = self.groups[self.members[id].group].names.changelog(partition);
        let (end, now) = (self.log.written_end(&changelog), self.clock(id));
        let usable = |checkpoint: &Checkpoint| is_beyond(checkpoint, end).is_none();
        let medium = self.medium.clone();
        let disk = self.members[id].disk(partition, &medium);
        let mut rebuilt = false;
        let opened = disk.open().and_then(|store| Ok((store.checkpoint()?, store)));
        let store = match opened {
            Ok((checkpoint, store)) if usable(&checkpoint) => Ok(store),
            Ok((_, store)) => {
                drop(store);
                rebuilt = true;
                disk.wipe().and_then(|()| disk.open())
            }
            Err(StateError::Corrupt { .. }) => {
                rebuilt = true;
                disk.wipe().and_then(|()| disk.open())
            }
            Err(other) => Err(other),
        };
        let name = self.members[id].name.clone();
        let store = Arc::new(store.map_err(|e| format!("{name} cannot open {partition}: {e}"))?);
        if rebuilt {
            self.counts.one("states rebuilt");
            self.say(|| format!("{name} rebuilds {partition} from its changelog"));
        }
        self.members[id].stores.insert(partition, store.clone());
        let mut state = TaskState::within(&Room::new(self.plan.room), store).map_err(|e| e.to_string())?;
        let checkpoint = state.checkpoint();
        if checkpoint.rows > checkpoint.changelog {
            self.counts.one("flushes cut off");
        }
        if self.is(Bug::OldStateNotRebuilt) {
            state.restore(Vec::new(), Checkpoint { at: now.millis(), ..checkpoint });
        }
        Ok(state)
    }

    /// The group's stable offset **first**; `again` is done once it is settled.
    pub(super) fn look_up_group(&mut self, id: MemberId, partition: u32, state: Option<TaskState>, again: Effect) {
        let source = self.groups[self.members[id].group].names.source(partition);
        let todo = match self.log.stable_offset(&source) {
            Some(group) => Todo::LookUpEnd { partition, state, group: Some(group) },
            None => Todo::Carry(again),
        };
        self.members[id].todo.push_front(todo);
    }

    /// Then the changelog's written end.
    pub(super) fn look_up_end(
        &mut self,
        id: MemberId,
        partition: u32,
        state: Option<TaskState>,
        group: Option<Offset>,
    ) -> Result<(), String> {
        let reopens = state.is_none();
        let takes_over = self.members[id].taking_over.remove(&partition);
        let changelog = self.groups[self.members[id].group].names.changelog(partition);
        let changelog_end = match self.bug {
            Some(Bug::RestoresToStaleEnd) => self.log.stable_end(&changelog).saturating_sub(4),
            _ => self.log.written_end(&changelog),
        };
        let mut opened = Opened { state, group, changelog_end, origin: ORIGIN.to_owned() };
        let at_hand = self.members[id].worker.as_ref().and_then(|worker| worker.state(partition));
        if let (Some(Bug::NoReplayAfterUnknown), true, Some(state)) = (self.bug, reopens, at_hand) {
            opened.changelog_end = state.checkpoint().changelog;
            opened.group = Some(state.checkpoint().source.unwrap_or(0));
        }
        if let (Some(Bug::StandbyTakenForUpToDate), true, Some(state)) = (self.bug, takes_over, at_hand) {
            opened.changelog_end = state.checkpoint().changelog;
            opened.group = Some(state.checkpoint().source.unwrap_or(0));
        }
        self.tell(id, Input::Opened(partition, opened));
        Ok(())
    }

    pub(super) fn isolation(&self, broken: Bug) -> Isolation {
        if self.is(broken) { Isolation::Uncommitted } else { Isolation::Committed }
    }

    /// Reads on in a task's changelog.
    pub(super) fn restore(&mut self, id: MemberId, partition: u32, from: Offset) {
        let changelog = self.groups[self.members[id].group].names.changelog(partition);
        let most = self.rng.random_range(1..6);
        let isolation = self.isolation(Bug::RestoreReadsUncommitted);
        let (mut records, position) = self.log.read(&changelog, from, most, isolation);
        let source = self.members[id].worker.as_ref().and_then(|worker| worker.state(partition)?.checkpoint().source);
        if let (Some(Bug::RestoresHalfACommit), Some(last), Some(source)) = (self.bug, records.last(), source) {
            let (key, value) = (Bytes::from_static(POSITION), Bytes::copy_from_slice(&source.to_be_bytes()));
            let end = Record { key: Some(key), value: Some(value), ..last.clone() };
            if last.key.as_deref() != Some(POSITION) {
                records.push(end);
            }
        }
        self.members[id].restoring.insert(partition, position);
        self.tell(id, Input::Restored { partition, records, position });
    }

    fn flush(&mut self, id: MemberId, partition: u32, mut batch: Batch) {
        let Some(store) = self.members[id].stores.get(&partition).cloned() else { return };
        self.counts.one("flushes");
        let result = match self.bug {
            Some(Bug::FlushLosesAChange) => {
                batch.changes.pop();
                store.apply(batch)
            }
            Some(Bug::CheckpointWithoutSource) => {
                batch.checkpoint.source = None;
                store.apply(batch)
            }
            Some(Bug::CheckpointBeforeData) => {
                let first = Batch { changes: Vec::new(), checkpoint: batch.checkpoint.clone() };
                store.apply(first).and_then(|()| store.apply(batch))
            }
            Some(Bug::CheckpointWithTheFirstPiece) => {
                let state = self.members[id].worker.as_ref().and_then(|worker| worker.state(partition));
                batch.checkpoint = state.map_or(batch.checkpoint, TaskState::checkpoint);
                store.apply(batch)
            }
            Some(Bug::CutOffFlushNotSaid) => {
                batch.checkpoint.rows = batch.checkpoint.changelog;
                store.apply(batch)
            }
            _ => store.apply(batch),
        };
        if result.is_err() {
            self.counts.one("flushes failed");
        }
        self.tell(id, Input::Flushed { partition, result });
    }

    fn close(&mut self, id: MemberId, partition: u32) {
        let member = &mut self.members[id];
        member.fetching.remove(&partition);
        member.restoring.remove(&partition);
        member.following.remove(&partition);
        member.served.remove(&partition);
        let Some(store) = member.stores.remove(&partition) else { return };
        // A disk that cannot be synced ends the process.
        if let Err(fault) = store.sync() {
            drop(store);
            self.counts.one("halts for a disk");
            let name = self.members[id].name.clone();
            self.say(|| format!("{name} ends: {fault}"));
            self.crash(id);
        }
    }

    /// The transaction's records did not all get through.
    pub(super) fn not_staged(&mut self, id: MemberId) {
        self.tell(id, Input::NotCommitted(CommitError::Aborted("the log is out of reach".to_owned())));
    }
}
