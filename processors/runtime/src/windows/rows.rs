//! Where a windowed stage keeps what, beside its views.

use std::ops::RangeInclusive;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tradewind_schemas::{RowKey, View};
use tradewind_state::{Range, StateError, StoreId, TaskState};
use tradewind_topics::Offset;

use crate::{
    entity::{STATE, VIEWS, row_key_raw},
    stage::Failure,
    stored,
};

/// Open windows, by end and key.
pub const OPEN: u8 = 1;
/// Windows that have closed and are kept, by end and key.
pub const CLOSED: u8 = 2;
/// Records of sliding windows, by time, key and offset.
pub const DROPPED: u8 = 3;
/// The same, by key, time and offset: as they lie on the log.
const RECORDS: u8 = 4;

/// Of an aggregate as it is stored, in bytes: with its result it fits a record of the log well.
const LARGEST: usize = 256 << 10;
/// So many are read at once.
const PAGE: usize = 256;

/// A row of one of the tables that are ordered by time.
pub struct Due {
    pub row: Bytes,
    pub at: i64,
    pub key: String,
    /// What follows the key.
    pub rest: Bytes,
}

pub fn due_row(table: u8, at: i64, key: &str, rest: &[u8]) -> Bytes {
    let mut row = vec![table];
    at.write(&mut row);
    row.extend_from_slice(&(key.len() as u16).to_be_bytes());
    row.extend_from_slice(key.as_bytes());
    row.extend_from_slice(rest);
    row.into()
}

/// At most `limit` rows of such a table that are not before `from`, the earliest first.
pub fn due(task: &TaskState, table: u8, from: i64, limit: usize) -> Result<Vec<Due>, StateError> {
    // Rows have more than this, so that none is left out; and what lies before has been deleted, row by row.
    let mut after = vec![table];
    from.write(&mut after);
    let found = task.scan(STATE, Range { after: Some(&after), ..Range::prefix(&[table]) }, limit)?;
    let damaged = || StateError::Corrupt { path: "a window".to_owned(), why: "its row is of another shape".to_owned() };
    let read = |row: Bytes| {
        let at = row.get(1..).and_then(time).ok_or_else(damaged)?;
        let length = row.get(9..11).map(|length| usize::from(u16::from_be_bytes([length[0], length[1]])));
        let length = length.ok_or_else(damaged)?;
        let key = row.get(11..11 + length).and_then(|key| std::str::from_utf8(key).ok()).ok_or_else(damaged)?;
        Ok(Due { at, key: key.to_owned(), rest: row.slice(11 + length..), row })
    };
    found.into_iter().map(|(row, _)| read(row)).collect()
}

/// What a window holds.
pub fn aggregate<A: DeserializeOwned, R>(
    task: &TaskState,
    view: View<R, A>,
    key: &str,
    start: i64,
) -> Result<Option<A>, StateError> {
    let found = task.get(VIEWS, &row_key_raw(view.table, key, &start.bytes()))?;
    found.map(|bytes| stored::read(&bytes, 1)).transpose()
}

pub fn put_aggregate<A: Serialize, R>(
    task: &mut TaskState,
    view: View<R, A>,
    key: &str,
    start: i64,
    aggregate: &A,
) -> Result<(), Failure> {
    let bytes = stored::write(aggregate, 1);
    if bytes.len() > LARGEST {
        let size = bytes.len();
        return Err(Failure::Record(format!("with it, a window has {size} bytes, and at most {LARGEST} are kept")));
    }
    task.put(VIEWS, &row_key_raw(view.table, key, &start.bytes()), bytes);
    Ok(())
}

pub fn remove_aggregate<A, R>(task: &mut TaskState, view: View<R, A>, key: &str, start: i64) {
    task.delete(VIEWS, &row_key_raw(view.table, key, &start.bytes()));
}

/// The starts of a key's windows that begin within the range, and what they hold, in order.
pub fn aggregates<A: DeserializeOwned, R>(
    task: &TaskState,
    view: View<R, A>,
    key: &str,
    starts: RangeInclusive<i64>,
) -> Result<Vec<(i64, A)>, StateError> {
    let found = between(task, VIEWS, &row_key_raw(view.table, key, &[]), starts)?;
    found.into_iter().map(|(start, _, bytes)| Ok((start, stored::read(&bytes, 1)?))).collect()
}

/// The part of a record's row that follows its key or time.
fn place(time: i64, offset: Offset) -> Vec<u8> {
    (time, offset).bytes()
}

pub fn keep_record(task: &mut TaskState, key: &str, time: i64, offset: Offset, value: Bytes) {
    task.put(STATE, &row_key_raw(RECORDS, key, &place(time, offset)), value);
    task.put(STATE, &due_row(DROPPED, time, key, &offset.bytes()), Bytes::new());
}

pub fn drop_record(task: &mut TaskState, due: &Due) {
    let place = [&due.at.bytes()[..], &due.rest].concat();
    task.delete(STATE, &row_key_raw(RECORDS, &due.key, &place));
}

/// The records of a key within the range of time, in the order in which they lie on the log: time and value.
pub fn records(task: &TaskState, key: &str, times: RangeInclusive<i64>) -> Result<Vec<(i64, Bytes)>, StateError> {
    let mut found = between(task, STATE, &row_key_raw(RECORDS, key, &[]), times)?;
    found.sort_by(|(_, one, _), (_, other, _)| one.cmp(other));
    Ok(found.into_iter().map(|(time, _, value)| (time, value)).collect())
}

/// The rows below the prefix that go on with a time within the range: the time, what follows it, and the value.
fn between(
    task: &TaskState,
    store: StoreId,
    prefix: &[u8],
    times: RangeInclusive<i64>,
) -> Result<Vec<(i64, Bytes, Bytes)>, StateError> {
    // After all that is of the millisecond before.
    let mut after = [prefix, &(times.start() - 1).bytes(), &[u8::MAX; 9]].concat();
    let mut rows = Vec::new();
    loop {
        let found = task.scan(store, Range { after: Some(&after), ..Range::prefix(prefix) }, PAGE)?;
        let whole = found.len() == PAGE;
        for (row, value) in found {
            let Some(time) = time(&row[prefix.len()..]).filter(|time| times.contains(time)) else { return Ok(rows) };
            after = row.to_vec();
            rows.push((time, row.slice(prefix.len() + 8..), value));
        }
        if !whole {
            return Ok(rows);
        }
    }
}

/// The time that these bytes begin with.
fn time(bytes: &[u8]) -> Option<i64> {
    bytes.first_chunk::<8>().map(|time| (u64::from_be_bytes(*time) ^ (1 << 63)) as i64)
}
