//! Timers: rows in order of when they are due.

use bytes::Bytes;
use tradewind_schemas::{MessageId, RowKey, Timestamp};
use tradewind_state::{Range, StateError, TaskState};

use crate::entity::TIMERS;

/// When it is due, then which it is.
pub fn key(due: Timestamp, id: MessageId) -> Bytes {
    (due, id).bytes().into()
}

/// When a task has to look at its timers, and where: known without asking the store.
#[derive(Default)]
pub struct Schedule {
    next_due: Option<Timestamp>,
    /// Timers up to here have fired and gone. A scan that began before them would go over what is left of them.
    fired: Option<Bytes>,
}

impl Schedule {
    /// Not before this is any timer due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.next_due
    }

    /// Takes in the timers that the record in hand has staged. One too many does no harm: it is looked for in vain.
    pub fn take_in(&mut self, task: &TaskState) -> Result<(), StateError> {
        for (row, _) in task.staged(TIMERS).filter(|(_, stored)| stored.is_some()) {
            let due = due(row)?;
            self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
            if self.fired.as_ref().is_some_and(|fired| row <= fired) {
                self.fired = None;
            }
        }
        Ok(())
    }

    /// At most `limit` timers, the earliest first: when each is due, its row and what it stores.
    pub fn first(&self, task: &TaskState, limit: usize) -> Result<Vec<(Timestamp, Bytes, Bytes)>, StateError> {
        let after = self.fired.as_deref();
        let rows = task.scan(TIMERS, Range { after, ..Range::prefix(&[]) }, limit)?;
        rows.into_iter().map(|(key, stored)| Ok((due(&key)?, key, stored))).collect()
    }

    /// This one has fired, and all that came before it.
    pub fn fired(&mut self, row: Bytes) {
        self.fired = Some(row);
    }

    /// Looks anew after timers have fired.
    pub fn look_on(&mut self, task: &TaskState) -> Result<(), StateError> {
        self.next_due = self.first(task, 1)?.first().map(|(due, ..)| *due);
        Ok(())
    }

    /// Looks anew where nothing is known: after a restore, and when what fired was rolled back.
    pub fn look_anew(&mut self, task: &TaskState) -> Result<(), StateError> {
        self.fired = None;
        self.look_on(task)
    }

    /// What fired may be there again: it is to be looked for at once.
    pub fn forget(&mut self) {
        *self = Self { next_due: Some(Timestamp::from_millis(0)), fired: None };
    }
}

fn due(key: &[u8]) -> Result<Timestamp, StateError> {
    let bytes = key
        .first_chunk::<8>()
        .ok_or_else(|| StateError::Corrupt { path: "a timer".to_owned(), why: "its key is too short".to_owned() })?;
    Ok(Timestamp::from_millis((u64::from_be_bytes(*bytes) ^ (1 << 63)) as i64))
}
