//! Timers: rows in order of when they are due.

use bytes::Bytes;
use tradewind_schemas::{MessageId, RowKey, Timestamp};
use tradewind_state::{Range, StateError, TaskState};

use crate::entity::TIMERS;

/// When it is due, then which it is.
pub fn key(due: Timestamp, id: MessageId) -> Bytes {
    (due, id).bytes().into()
}

/// At most `limit` timers, the earliest first: when each is due, its row and what it stores.
pub fn first(task: &TaskState, limit: usize) -> Result<Vec<(Timestamp, Bytes, Bytes)>, StateError> {
    let rows = task.scan(TIMERS, Range::prefix(&[]), limit)?;
    rows.into_iter().map(|(key, stored)| Ok((due(&key)?, key, stored))).collect()
}

/// When the earliest is due.
pub fn next_due(task: &TaskState) -> Result<Option<Timestamp>, StateError> {
    Ok(first(task, 1)?.first().map(|(due, ..)| *due))
}

fn due(key: &[u8]) -> Result<Timestamp, StateError> {
    let bytes = key
        .first_chunk::<8>()
        .ok_or_else(|| StateError::Corrupt { path: "a timer".to_owned(), why: "its key is too short".to_owned() })?;
    Ok(Timestamp::from_millis((u64::from_be_bytes(*bytes) ^ (1 << 63)) as i64))
}
