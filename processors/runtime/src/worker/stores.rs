//! What is done when a task's own store fails.

use tradewind_schemas::Timestamp;
use tradewind_state::StateError;

use super::{Effect, Worker};
use crate::task::Task;

impl Worker {
    pub(super) fn flushed(
        &mut self,
        now: Timestamp,
        partition: u32,
        result: Result<(), StateError>,
        effects: &mut Vec<Effect>,
    ) {
        let standby = self.standbys.get_mut(&partition).map(|standby| &mut standby.task);
        let Some(task) = self.tasks.get_mut(&partition).or(standby) else { return };
        match result {
            Ok(()) => task.flushed(),
            Err(StateError::Corrupt { why, .. }) if self.tasks.contains_key(&partition) => {
                self.rebuild(partition, why, effects);
            }
            Err(StateError::Corrupt { why, .. }) => self.rebuild_standby(now, partition, &why, effects),
            Err(fault) => effects.push(Effect::Halt(self.names.disk_fault(partition, &fault))),
        }
    }

    /// A task whose store has turned out to be damaged, and how.
    pub(super) fn damaged(&self) -> Option<(u32, String)> {
        self.tasks.values().find_map(|task| Some((task.partition, task.state()?.damage()?.to_owned())))
    }

    /// However much of the store can still be read: the task begins anew, with a store rebuilt from the changelog. What
    /// is uncommitted goes, for the outbox is common to all tasks.
    pub(super) fn rebuild(&mut self, partition: u32, why: String, effects: &mut Vec<Effect>) {
        self.drop_outputs();
        for task in self.tasks.values_mut().filter(|task| task.partition != partition) {
            task.rollback();
            task.reopen();
            effects.push(Effect::Reopen(task.partition));
        }
        self.tasks.insert(partition, Task::opening(partition));
        effects.push(Effect::Rebuild { partition, why });
    }
}
