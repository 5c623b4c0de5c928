//! What falls due as stream time moves on: windows close, and are forgotten later. The cost is that of what is due, and
//! bounded for each record; what is left over is for the next one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use tradewind_schemas::{Envelope, MessageId, Timestamp};
use tradewind_state::{StateError, TaskState};
use uuid::Uuid;

use super::{
    WindowedFold, Windows,
    progress::Progress,
    rows::{self, CLOSED, DROPPED, Due, OPEN},
    shape::Shape,
    sliding::drop_at,
};
use crate::{Sends, entity::STATE, sends::Writing, stage::Failure};

/// Of windows that close, windows that are forgotten and records that are dropped: at most so many of each with one
/// record, so that a transaction stays small.
const AT_ONCE: usize = 1_000;

impl Progress {
    /// A window that ends then has its first record.
    pub(super) fn opens(&mut self, task: &mut TaskState, key: &str, end: i64) {
        task.put(STATE, &rows::due_row(OPEN, end, key, &[]), Bytes::new());
        self.next_close = self.next_close.min(end);
    }
}

/// Closes what has ended, in order of the ends, and sends the results.
pub fn close<F: WindowedFold>(
    task: &mut TaskState,
    progress: &mut Progress,
    windows: &Windows,
    writing: &mut Writing<'_>,
) -> Result<(), Failure> {
    let due = take(task, OPEN, &mut progress.next_close, progress.closed, |end| end)?;
    for Due { row, at: end, key, .. } in due {
        let window = windows.window(end);
        let lost = || StateError::Corrupt { path: "a window".to_owned(), why: format!("{key} has none at {window:?}") };
        let aggregate = rows::aggregate(task, F::VIEW, &key, window.start.millis())?.ok_or_else(lost)?;
        let mut sends = Sends::<F::Key>::new(&key);
        // The record in hand has nothing to do with it and must not be put aside: the task waits instead.
        let failed = |why: String| Failure::Environment(format!("{window:?} of {key} cannot be closed: {why}"));
        catch_unwind(AssertUnwindSafe(|| F::closed(window, aggregate, &mut sends)))
            .map_err(|_| failed("it panicked".to_owned()))?;
        let id = MessageId::derived(Uuid::NAMESPACE_OID, &format!("{} {key} {}", F::STAGE, window.start.millis()));
        let at = Timestamp::from_millis(end - 1);
        // Whoever the record in hand is about, and whatever command it goes back to: the window is not about them.
        let like = Envelope { id, at, subject_id: None, cause: None, ..writing.following("") };
        writing.write(sends, &like).map_err(|e| failed(e.to_string()))?;
        task.delete(STATE, &row);
        task.put(STATE, &rows::due_row(CLOSED, end, &key, &[]), Bytes::new());
        progress.next_forget = progress.next_forget.min(end);
    }
    Ok(())
}

/// Forgets the windows that have been closed for long enough, and the records that no window needs.
pub fn forget<F: WindowedFold>(
    task: &mut TaskState,
    progress: &mut Progress,
    windows: &Windows,
) -> Result<(), StateError> {
    let until = windows.forgotten(progress.closed);
    for Due { row, at: end, key, .. } in take(task, CLOSED, &mut progress.next_forget, until, |end| end)? {
        rows::remove_aggregate(task, F::VIEW, &key, windows.window(end).start.millis());
        task.delete(STATE, &row);
    }
    let Shape::Sliding { difference } = windows.shape else { return Ok(()) };
    let drop_at = |time| drop_at(time, difference);
    for due in take(task, DROPPED, &mut progress.next_drop, progress.closed, drop_at)? {
        rows::drop_record(task, &due);
        task.delete(STATE, &due.row);
    }
    Ok(())
}

/// The rows of a table that are due, and when the next one is.
fn take(
    task: &TaskState,
    table: u8,
    next: &mut i64,
    until: i64,
    due_at: impl Fn(i64) -> i64,
) -> Result<Vec<Due>, StateError> {
    if *next > until {
        return Ok(Vec::new());
    }
    let from = *next - due_at(0);
    let mut due = rows::due(task, table, from, AT_ONCE + 1)?;
    let ready = due.iter().take(AT_ONCE).take_while(|row| due_at(row.at) <= until).count();
    *next = due.get(ready).map_or(i64::MAX, |row| due_at(row.at));
    due.truncate(ready);
    Ok(due)
}
