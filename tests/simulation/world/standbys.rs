//! Standbys: members keep the states of tasks that others run, and go on with them when the tasks come to them.

use bytes::Bytes;
use rand::Rng;
use tradewind_runtime::{Effect, Input};
use tradewind_topics::Record;

use super::{World, committing::POSITION, driving::ORIGIN};
use crate::{bugs::Bug, log::Isolation, member::MemberId};

impl World {
    /// Somebody is told for which partitions to stand by: any of those that are not its own.
    pub(super) fn place_standbys(&mut self) {
        let id = self.rng.random_range(0..self.members.len());
        let group = &self.groups[self.members[id].group];
        let others = |partition: &u32| group.owners.get(partition) != Some(&id);
        let others: Vec<_> = (0..group.partitions).filter(others).collect();
        let wanted: Vec<_> = others.into_iter().filter(|_| self.rng.random_ratio(2, 3)).collect();
        if self.members[id].worker.is_none() {
            return;
        }
        let name = self.members[id].name.clone();
        self.say(|| format!("{name} is to stand by for {wanted:?}"));
        self.members[id].inputs.push_back(Input::StandBy(wanted));
    }

    pub(super) fn open_standby(&mut self, id: MemberId, partition: u32) -> Result<(), String> {
        let state = self.open_state(id, partition)?;
        self.counts.one("standbys");
        let (name, checkpoint) = (self.members[id].name.clone(), state.checkpoint());
        self.say(|| format!("{name} opens a standby of {partition} at {} of its changelog", checkpoint.changelog));
        self.tell(id, Input::StandbyOpened { partition, state, origin: ORIGIN.to_owned() });
        Ok(())
    }

    pub(super) fn discard(&mut self, id: MemberId, partition: u32) -> Result<(), String> {
        self.counts.one("standbys discarded");
        self.members[id].following.remove(&partition);
        drop(self.members[id].stores.remove(&partition));
        let medium = self.medium.clone();
        self.members[id].disk(partition, &medium).wipe().map_err(|error| error.to_string())
    }

    /// The positions of a state at hand are looked up: of one that a standby had, too.
    pub(super) fn reopen(&mut self, id: MemberId, partition: u32) {
        if self.members[id].following.remove(&partition).is_some() {
            self.counts.one("standbys taken over");
            let (name, worker) = (self.members[id].name.clone(), self.members[id].worker.as_ref());
            let at = worker.and_then(|worker| worker.state(partition)).map(|state| state.checkpoint().changelog);
            self.say(|| format!("{name} takes its standby of {partition} over, at {at:?} of its changelog"));
            self.members[id].taking_over.insert(partition);
            let group = self.members[id].group;
            let grant = self.groups[group].grants.get(&partition).copied().unwrap_or_default();
            self.members[id].granted.insert(partition, grant);
        }
        self.look_up_group(id, partition, None, Effect::Reopen(partition));
    }

    /// Reads on in the changelog of one of its standbys.
    pub(super) fn follow(&mut self, id: MemberId) {
        let following = &self.members[id].following;
        let Some((&partition, &from)) = following.iter().nth(self.rng.random_range(0..following.len())) else { return };
        self.members[id].followed = self.now;
        let changelog = self.groups[self.members[id].group].names.changelog(partition);
        let most = self.rng.random_range(1..8);
        let (mut records, position) = self.log.read(&changelog, from, most, Isolation::Committed);
        if self.is(Bug::StandbyForgetsWhatItHoldsBack) {
            forget_the_rest(&mut records);
        }
        // That there is nothing new does not keep time from passing.
        let busy = self.busy;
        if position > from {
            self.members[id].following.insert(partition, position);
            if self.is(Bug::OldStandbyNotRebuilt) {
                self.tell(id, Input::Level(partition));
            }
            let name = self.members[id].name.clone();
            self.say(|| format!("{name} follows {changelog} from {from} to {position}"));
            self.tell(id, Input::Restored { partition, records, position });
        } else if position >= self.log.stable_end(&changelog) {
            self.tell(id, Input::Level(partition));
            self.busy = busy;
        }
    }
}

/// What comes after the last end of a commit is passed over, and the state told that it has it.
fn forget_the_rest(records: &mut Vec<Record>) {
    let is_end = |record: &Record| record.key.as_deref() == Some(POSITION);
    let Some(end) = records.iter().rposition(is_end) else { return };
    if let Some(last) = records.last().filter(|last| !is_end(last)).cloned() {
        let key = Some(Bytes::from_static(POSITION));
        let told = Record { key, value: records[end].value.clone(), ..last };
        records.truncate(end + 1);
        records.push(told);
    }
}
