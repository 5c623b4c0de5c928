//! When there is nothing left to do.

use tradewind_runtime::{TIMERS, Worker};
use tradewind_state::Range;

use super::World;

/// After so many steps of every member in which nothing was done, time passes by itself.
const STILL: u64 = 12;

impl World {
    /// Everything is read, decided and committed, and no timer is left.
    pub(super) fn at_rest(&self) -> bool {
        let settled = self.members.iter().all(|member| member.is_awake(self.step) && member.is_idle());
        settled && self.delayed.is_empty() && self.groups.iter().all(|group| self.is_done(group))
    }

    fn is_done(&self, group: &crate::group::Group) -> bool {
        (0..group.partitions).all(|partition| {
            let source = group.names.source(partition);
            let Some(owner) = group.owners.get(&partition) else { return false };
            let read = match &self.members[*owner].worker {
                Some(worker) => {
                    let Some(state) = worker.state(partition) else { return false };
                    let timers = state.scan(TIMERS, Range::prefix(&[]), 1).map_or(true, |rows| rows.is_empty());
                    if !timers || worker.is_dirty() {
                        return false;
                    }
                    state.checkpoint().source.unwrap_or(0)
                }
                None => self.log.stable_offset(&source).unwrap_or(0),
            };
            let (left, _) = self.log.read(&source, read, 1, crate::log::Isolation::Committed);
            left.is_empty() && self.log.stable_end(&source) == self.log.written_end(&source)
        })
    }

    /// When all are waiting, nothing happens until the next timer is due.
    pub(super) fn pass_the_time(&mut self) {
        if self.step < self.busy + STILL * self.members.len() as u64 {
            return;
        }
        let due = self.members.iter().filter_map(|member| member.worker.as_ref().and_then(Worker::next_due)).min();
        if let Some(due) = due.map(|due| due.millis()).filter(|due| *due > self.now) {
            self.now = due;
            self.busy = self.step;
            self.say(|| "nothing happens until the next timer is due".to_owned());
        }
    }

    /// Who has what, for a reader of a failure.
    pub(super) fn picture(&self) -> String {
        let members = self.members.iter().map(|member| {
            format!(
                "{}: up {}, assigned {:?}, revoking {:?}, effects {}, inputs {}, restoring {:?}, fetching {:?}, dirty {:?}, due {:?}, committed {:?}",
                member.name,
                member.up,
                member.assigned,
                member.revoking,
                member.todo.len(),
                member.inputs.len(),
                member.restoring,
                member.fetching,
                member.worker.as_ref().map(Worker::is_dirty),
                member.worker.as_ref().and_then(Worker::next_due).map(|due| due.to_string()),
                self.groups[member.group].owners,
            )
        });
        members.collect::<Vec<_>>().join("\n")
    }
}
