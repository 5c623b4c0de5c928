//! How far a task of a windowed stage has come in time.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tradewind_schemas::Timestamp;
use tradewind_state::{StateError, TaskState};

use super::shape::{BEGINNING, Shape, Windows};
use crate::{entity::STATE, stage::Failure, stored};

/// The row of a task's progress.
const ROW: &[u8] = &[0];

/// Where a task stands in time: part of its state, and so of every commit.
///
/// **Stream time** is the greatest time of the task's records so far, whatever their keys; no clock has a say. But one
/// record alone moves it by no more than the [leap](Windows::leap): what is further ahead is counted in its windows,
/// and believed when the next record that is not late is that far ahead, too. Then stream time is the lesser of the two.
/// So a record from the far future closes nothing, and after a long silence the second record brings time forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub(super) shape: Shape,
    stream_time: i64,
    /// The time of the last record that was not late, where it was ahead by more than a leap.
    ahead: Option<i64>,
    /// Every window that ends then or before has closed, for good: a longer grace opens none of them again.
    pub(super) closed: i64,
    pub(super) late: u64,
    /// Not before these are windows to be closed, closed ones to be forgotten, and records of sliding windows.
    pub(super) next_close: i64,
    pub(super) next_forget: i64,
    pub(super) next_drop: i64,
}

impl Progress {
    /// That of a task of a windowed stage; `None` before its first record.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn of(task: &TaskState) -> Result<Option<Self>, StateError> {
        task.get(STATE, ROW)?.map(|bytes| stored::read(&bytes, 1)).transpose()
    }

    /// `None` while no record, or a single one, has come.
    pub fn stream_time(&self) -> Option<Timestamp> {
        (self.stream_time > BEGINNING).then(|| Timestamp::from_millis(self.stream_time))
    }

    /// How many of the task's records came too late for all of their windows.
    pub fn late(&self) -> u64 {
        self.late
    }

    pub(super) fn load(task: &TaskState, windows: &Windows) -> Result<Self, Failure> {
        let begun = Self::of(task)?;
        match begun {
            Some(progress) if progress.shape == windows.shape => Ok(progress),
            Some(progress) => Err(Failure::Environment(format!(
                "the state is one of windows {:?}, and the stage has {:?} now: give it another name",
                progress.shape, windows.shape
            ))),
            None => Ok(Self {
                shape: windows.shape,
                stream_time: BEGINNING,
                ahead: None,
                closed: windows.closed(BEGINNING),
                late: 0,
                next_close: i64::MAX,
                next_forget: i64::MAX,
                next_drop: i64::MAX,
            }),
        }
    }

    pub(super) fn save(&self, task: &mut TaskState) {
        task.put(STATE, &Bytes::from_static(ROW), stored::write(self, 1));
    }

    /// A record of this time has come; it is not late.
    pub(super) fn advance(&mut self, time: i64, windows: &Windows) {
        let mut reached = time;
        if windows.leaps(self.stream_time, time) {
            let Some(before) = self.ahead.replace(time) else { return };
            reached = time.min(before);
            self.ahead = Some(time.max(before)).filter(|ahead| windows.leaps(reached, *ahead));
        } else {
            self.ahead = None;
        }
        self.stream_time = self.stream_time.max(reached);
        self.closed = self.closed.max(windows.closed(self.stream_time));
    }
}
