//! What goes wrong.

use rand::Rng;
use tradewind_runtime::{Effect, TOMBSTONES_FOR};

use super::World;
use crate::member::{Member, MemberId, Todo};

/// In milliseconds.
const HOUR: i64 = 3_600_000;
/// A clock that is set wrong is wrong by so much.
const JUMP: i64 = HOUR;

impl World {
    pub(super) fn start(&mut self, id: MemberId) {
        if self.is_storm() {
            self.spoil_a_disk(id);
        }
        let member = &mut self.members[id];
        // Its identity is static: the session of the run before ends with this one's beginning.
        self.groups[member.group].drop_member(id);
        let epoch = self.log.take_epoch(id);
        member.start(&self.groups[member.group], &self.layout, self.plan.limits, epoch);
        self.busy = self.step;
        let name = member.name.clone();
        self.say(|| format!("{name} starts with epoch {epoch}"));
    }

    pub(super) fn crash(&mut self, id: MemberId) {
        self.counts.one("crashes");
        let rng = &mut self.rng;
        self.members[id].crash(|| rng.random());
        let name = self.members[id].name.clone();
        self.say(|| format!("{name} crashes"));
        // Its session ends at once or after its time-out; it holds its partitions until then.
        if self.chance(2) {
            let group = self.members[id].group;
            self.groups[group].drop_member(id);
        }
    }

    /// What befalls the world as a whole.
    pub(super) fn strike(&mut self) {
        if self.strikes(700) {
            let process = self.rng.random_range(0..self.skews.len());
            let skew = [-JUMP, 0, JUMP][self.rng.random_range(0..3)];
            if skew != self.skews[process] {
                self.counts.one("clock jumps");
                self.say(|| format!("the clocks of process {process} jump to {} s off", skew / 1_000));
            }
            self.skews[process] = skew;
        }
        if self.strikes(60) {
            self.place_standbys();
        }
        if self.strikes(30) {
            let group = self.rng.random_range(0..self.groups.len());
            let partition = self.rng.random_range(0..self.groups[group].partitions);
            self.compact(group, partition);
        }
        if self.strikes(1_500) {
            self.impersonate();
        }
        if self.strikes(2_000) {
            let hours = self.rng.random_range(4..40);
            self.now += hours * HOUR;
            self.counts.one("long nights");
            self.say(|| format!("nothing happens for {hours} h"));
            // But to the log, which goes on compacting.
            for group in 0..self.groups.len() {
                for partition in 0..self.groups[group].partitions {
                    self.compact(group, partition);
                }
            }
        }
        if self.strikes(1_500) {
            let process = self.rng.random_range(0..self.plan.processes);
            self.say(|| format!("process {process} dies"));
            let up = |id: &MemberId| self.members[*id].process == process && self.members[*id].up;
            for id in (0..self.members.len()).filter(up).collect::<Vec<_>>() {
                self.crash(id);
            }
        }
    }

    /// Another process has the identity of one of the members, and goes away again.
    fn impersonate(&mut self) {
        let id = self.rng.random_range(0..self.members.len());
        if !self.members[id].up {
            return;
        }
        self.log.take_epoch(id);
        self.counts.one("identities taken");
        let name = self.members[id].name.clone();
        self.say(|| format!("somebody else takes the identity of {name}"));
    }

    /// A changelog forgets what was overwritten and deleted. Tombstones are kept for longer than any restore takes, so
    /// not while one is under way, or while a standby has not got to the end and reads on.
    fn compact(&mut self, group: usize, partition: u32) {
        let settled =
            |member: &Member| member.todo.is_empty() && member.inputs.is_empty() && member.restoring.is_empty();
        let changelog = self.groups[group].names.changelog(partition);
        let end = self.log.stable_end(&changelog);
        let reads_on = |member: &Member| {
            let lags = member.following.get(&partition).is_some_and(|position| *position < end);
            lags && self.now - member.followed < HOUR
        };
        let settled = |member: &Member| settled(member) && !reads_on(member);
        let mut members = self.members.iter().filter(|member| member.group == group && member.up);
        if !members.all(settled) {
            return;
        }
        self.log.compact(&changelog, self.now - TOMBSTONES_FOR.as_millis() as i64);
        self.counts.one("changelogs compacted");
        self.say(|| format!("{changelog} is compacted"));
    }

    /// What befalls one member when it is its turn; `true` if that was it.
    pub(super) fn is_struck(&mut self, id: MemberId) -> bool {
        if !self.is_storm() {
            return false;
        }
        if self.strikes(150) {
            self.crash(id);
            return true;
        }
        if self.strikes(200) {
            let until = self.step + self.rng.random_range(10..3 * self.session_timeout());
            self.members[id].asleep_until = until;
            self.counts.one("pauses");
            let name = self.members[id].name.clone();
            self.say(|| format!("{name} stands still until {until}"));
        }
        if self.strikes(250) {
            self.members[id].slow_until = self.step + self.rng.random_range(10..2 * self.session_timeout());
            self.counts.one("slow restores");
        }
        if self.strikes(60) {
            self.spoil_the_weather(id);
        }
        if self.strikes(200) {
            self.redeliver(id);
        }
        false
    }

    /// Something about one of the disks that it uses.
    fn spoil_the_weather(&mut self, id: MemberId) {
        let choice = self.rng.random_range(0..6);
        let member = &mut self.members[id];
        let Some((partition, store)) = member.stores.iter().next() else { return };
        let Some(disk) = member.disks.get_mut(partition) else { return };
        let what = match choice {
            0 | 1 => {
                disk.fail_a_read();
                "reads that fail"
            }
            2 => {
                disk.fill(true);
                "disks full"
            }
            3 if disk.tear() => "torn writes",
            4 if disk.is_fair() && disk.back_up(store).is_ok() => "backups",
            _ => return,
        };
        let (name, partition) = (member.name.clone(), *partition);
        self.counts.one(what);
        self.say(|| format!("{name}, disk {partition}: {what}"));
    }

    /// Something about one of its disks while it is down; and space returns.
    fn spoil_a_disk(&mut self, id: MemberId) {
        let choice = self.rng.random_range(0..8);
        let which = self.rng.random_range(0..4);
        let member = &mut self.members[id];
        // Somebody has made room before it was started again, most of the time.
        let mend = choice != 7;
        member.disks.values().filter(|_| mend).for_each(|disk| disk.fill(false));
        let Some((partition, disk)) = member.disks.iter_mut().nth(which) else { return };
        let what = match choice {
            0 if disk.wipe().is_ok() => "states wiped",
            1 | 2 if disk.restore_backup().unwrap_or(false) => "backups restored",
            3 if disk.damage() => "disks damaged",
            _ => return,
        };
        let (name, partition) = (member.name.clone(), *partition);
        self.counts.one(what);
        self.say(|| format!("{name}, disk {partition}: {what}"));
    }

    /// The log hands out records that it has handed out before.
    fn redeliver(&mut self, id: MemberId) {
        let back = self.rng.random_range(1..6);
        let member = &mut self.members[id];
        let starts = member.todo.iter().any(|todo| matches!(todo, Todo::Carry(Effect::Start { .. })));
        if let (Some(position), false) = (member.fetching.values_mut().next(), starts) {
            *position = (*position - back).max(0);
            self.counts.one("redeliveries");
        }
    }

    /// Everybody is well from now on: what is asleep wakes up, what is full is emptied, what is wrong is put right.
    pub(super) fn end_storm(&mut self) {
        self.skews.iter_mut().for_each(|skew| *skew = 0);
        self.busy = self.step;
        for member in &mut self.members {
            member.asleep_until = member.asleep_until.min(self.step);
            member.slow_until = 0;
            member.disks.values().for_each(crate::disk::Disk::mend);
        }
        self.say(|| "the storm is over".to_owned());
    }
}
