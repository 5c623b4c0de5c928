//! The group protocol: range assignment; who must give a partition back is told, and gives it back first.

use tradewind_runtime::Input;

use super::World;
use crate::{bugs::Bug, member::MemberId};

/// A transaction older than this is aborted, and that of a process that is gone after a quarter of it; a silent member
/// loses its partitions after a session. In steps, for each member of a process.
const TRANSACTION_TIMEOUT: u64 = 120;
const SESSION_TIMEOUT: u64 = 60;
/// A member hears of what it has lost in one step of so many.
const HEARS_LATE: u32 = 15;

impl World {
    /// In steps.
    pub(super) fn session_timeout(&self) -> u64 {
        SESSION_TIMEOUT * self.groups.len() as u64
    }

    pub(super) fn time_out(&mut self) {
        let (session, transaction) = (self.session_timeout(), TRANSACTION_TIMEOUT * self.groups.len() as u64);
        for id in 0..self.members.len() {
            let member = &self.members[id];
            let age = self.step.saturating_sub(member.transaction_since);
            if self.log.is_open(id) && (age > transaction || !member.up && age > transaction / 4) {
                self.log.take_epoch(id);
                self.counts.one("transactions timed out");
                let name = self.members[id].name.clone();
                self.say(|| format!("{name}'s transaction is aborted by time"));
            }
            let member = &self.members[id];
            let silent = member.asleep_until > self.step + session || !member.up;
            if silent && self.holds_any(id) && self.chance(20) {
                let group = self.members[id].group;
                self.groups[group].drop_member(id);
                self.members[id].in_group = false;
                self.counts.one("sessions timed out");
                let name = self.members[id].name.clone();
                self.say(|| format!("{name} has timed out of its group"));
            }
        }
    }

    fn holds_any(&self, id: MemberId) -> bool {
        self.groups[self.members[id].group].owners.values().any(|owner| *owner == id)
    }

    pub(super) fn rebalance(&mut self) {
        for id in 0..self.members.len() {
            if self.members[id].is_awake(self.step) {
                // It hears of a loss when it polls, not when it happens.
                if !self.is_storm() || self.chance(HEARS_LATE) {
                    self.hear_of_losses(id);
                }
                self.members[id].in_group = true;
            }
        }
        for group in 0..self.groups.len() {
            let there = |id: &MemberId| {
                let member = &self.members[*id];
                member.group == group && member.up && member.in_group
            };
            let there: Vec<_> = (0..self.members.len()).filter(there).collect();
            if there.is_empty() {
                continue;
            }
            for partition in 0..self.groups[group].partitions {
                let target = there[partition as usize % there.len()];
                match self.groups[group].owners.get(&partition).copied() {
                    None => self.assign(group, partition, target),
                    Some(owner) if owner != target => self.revoke(partition, owner),
                    Some(_) => {}
                }
            }
        }
    }

    fn hear_of_losses(&mut self, id: MemberId) {
        let owners = &self.groups[self.members[id].group].owners;
        let lost = |partition: &u32| owners.get(partition) != Some(&id);
        let lost: Vec<_> = self.members[id].assigned.iter().copied().filter(lost).collect();
        if !lost.is_empty() {
            self.lose(id, lost);
        }
    }

    fn lose(&mut self, id: MemberId, lost: Vec<u32>) {
        let member = &mut self.members[id];
        member.assigned.retain(|partition| !lost.contains(partition));
        member.revoking.retain(|partition| !lost.contains(partition));
        let name = member.name.clone();
        let (kept, dropped): (Vec<_>, Vec<_>) = lost.iter().copied().partition(|partition| {
            let task = member.worker.as_ref().and_then(|worker| worker.state(*partition));
            self.bug == Some(Bug::RegainedTaskKept) && task.is_some()
        });
        member.fetching.retain(|partition, _| !kept.contains(partition));
        if !dropped.is_empty() {
            member.inputs.push_back(Input::Lost(dropped));
        }
        self.say(|| format!("{name} hears that it lost {lost:?}"));
    }

    fn assign(&mut self, group: usize, partition: u32, id: MemberId) {
        if self.members[id].assigned.contains(&partition) {
            self.lose(id, vec![partition]);
        }
        let grant = self.groups[group].grant(partition, id);
        self.counts.one("assignments");
        let member = &mut self.members[id];
        member.assigned.insert(partition);
        let kept = member.worker.as_ref().and_then(|worker| worker.state(partition));
        if let (Some(Bug::RegainedTaskKept), Some(state)) = (self.bug, kept) {
            member.granted.insert(partition, grant);
            let at = state.checkpoint().source.unwrap_or(0);
            member.fetching.insert(partition, at);
        } else {
            member.inputs.push_back(Input::Assigned(vec![partition]));
        }
        let name = member.name.clone();
        self.say(|| format!("{name} gets {partition}"));
    }

    fn revoke(&mut self, partition: u32, owner: MemberId) {
        let member = &mut self.members[owner];
        if member.up && member.assigned.contains(&partition) && member.revoking.insert(partition) {
            member.inputs.push_back(Input::Revoked(vec![partition]));
            self.counts.one("revocations");
            let name = self.members[owner].name.clone();
            self.say(|| format!("{name} is to give back {partition}"));
        }
    }

    /// It has let go what it was told to.
    pub fn release(&mut self, id: MemberId) {
        let group = self.members[id].group;
        for partition in std::mem::take(&mut self.members[id].revoking) {
            self.members[id].assigned.remove(&partition);
            self.groups[group].owners.remove(&partition);
        }
    }
}
