//! What became of clients' commands, kept under the key they were given to: retries meet it here.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tradewind_schemas::{MessageId, ReplyTo, Request, Timestamp, edge::Settled};
use tradewind_state::{Range, StateError, TaskState};

use crate::{
    entity::{OUTCOMES, row_key},
    stored,
};

/// How long a retry is recognised, in record time.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How many edges may wait for one undecided command: one that is retried more often is still decided once, and its
/// outcome can be asked for.
const WAITERS: usize = 64;

/// How many of a key's are looked at with each new one.
const FORGOTTEN_AT_ONCE: usize = 4;

/// By command id.
const ALL: u8 = 1;
/// Those not settled, by command id.
const OPEN: u8 = 2;

/// A remembered command.
#[derive(Serialize, Deserialize)]
pub struct Remembered {
    pub digest: String,
    pub settled: Option<Settled>,
    waiters: Vec<ReplyTo>,
    at: Timestamp,
}

pub enum Known {
    Nothing,
    /// It is not decided; whoever gave it again waits too, from now on.
    Waiting,
    Settled(Settled),
}

/// Whether this command was given before.
pub fn recall(
    task: &mut TaskState,
    key: &str,
    id: MessageId,
    request: &Request,
    at: Timestamp,
) -> Result<Known, StateError> {
    let Some(mut known) = find(task, key, id)? else { return Ok(Known::Nothing) };
    if known.at + KEPT < at {
        return Ok(Known::Nothing);
    }
    if known.digest != request.digest {
        return Ok(Known::Settled(Settled::KeyReused {}));
    }
    if let Some(settled) = known.settled {
        return Ok(Known::Settled(settled));
    }
    if let Some(reply_to) = &request.reply_to
        && !known.waiters.contains(reply_to)
        && known.waiters.len() < WAITERS
    {
        known.waiters.push(reply_to.clone());
        task.put(OUTCOMES, &row_key(ALL, key, &id), stored::write(&known, 1));
    }
    Ok(Known::Waiting)
}

/// Where a command is remembered.
pub fn row(key: &str, id: MessageId) -> Bytes {
    row_key(ALL, key, &id)
}

pub fn find(task: &TaskState, key: &str, id: MessageId) -> Result<Option<Remembered>, StateError> {
    task.get(OUTCOMES, &row_key(ALL, key, &id))?.map(|bytes| stored::read(&bytes, 1)).transpose()
}

/// Remembers a command, and forgets some of the key's that are too old to matter, so that a key keeps about as many as
/// it was given in a day.
pub fn remember(
    task: &mut TaskState,
    key: &str,
    id: MessageId,
    request: &Request,
    at: Timestamp,
    settled: Option<Settled>,
) -> Result<(), StateError> {
    for (row, bytes) in task.scan(OUTCOMES, Range::prefix(&row_key(ALL, key, &())), FORGOTTEN_AT_ONCE)? {
        let known: Remembered = stored::read(&bytes, 1)?;
        // One that is not settled is somebody's order still.
        if known.settled.is_some() && known.at + KEPT < at {
            task.delete(OUTCOMES, &row);
        }
    }
    if settled.is_none() {
        task.put(OUTCOMES, &row_key(OPEN, key, &id), stored::write(&id, 1));
    }
    let waiters = request.reply_to.iter().cloned().collect();
    let remembered = Remembered { digest: request.digest.clone(), settled, waiters, at };
    task.put(OUTCOMES, &row_key(ALL, key, &id), stored::write(&remembered, 1));
    Ok(())
}

/// Settles every command to this key that is open, and says who waited for it.
pub fn settle_open(
    task: &mut TaskState,
    key: &str,
    settled: &Settled,
) -> Result<Vec<(MessageId, Vec<ReplyTo>)>, StateError> {
    let prefix = row_key(OPEN, key, &());
    let open = task.scan(OUTCOMES, Range::prefix(&prefix), usize::MAX)?;
    let mut answered = Vec::with_capacity(open.len());
    for (row, bytes) in open {
        let id: MessageId = stored::read(&bytes, 1)?;
        task.delete(OUTCOMES, &row);
        if let Some(mut known) = find(task, key, id)? {
            known.settled = Some(settled.clone());
            let waiters = std::mem::take(&mut known.waiters);
            task.put(OUTCOMES, &row_key(ALL, key, &id), stored::write(&known, 1));
            answered.push((id, waiters));
        }
    }
    Ok(answered)
}
