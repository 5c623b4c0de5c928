//! What the workers of the chains compute.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::{BufMut, Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tradewind_runtime::{Failure, Output, Place, STATE, Stage, TIMERS, timer_key};
use tradewind_schemas::{MessageId, Timestamp};
use tradewind_state::TaskState;
use tradewind_topics::Record;
use uuid::Uuid;

use crate::bugs::Bug;

pub const SOURCE: &str = "chain.commands";
pub const OUTPUT: &str = "chain.events";
pub const DEAD_LETTERS: &str = "chain.commands.dlq";
/// A timer is due so long after its record, in milliseconds.
pub const LATER: i64 = 50;

/// A key's chain: how many records, and the hash.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Chain {
    pub count: u64,
    hash: [u8; 32],
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.hash;
        write!(f, "{} records ({a:02x}{b:02x})", self.count)
    }
}

impl Chain {
    pub fn then(&self, partition: u32, offset: i64) -> Self {
        let mut digest = Sha256::new();
        digest.update(self.hash);
        digest.update((self.count + 1).to_be_bytes());
        digest.update(partition.to_be_bytes());
        digest.update(offset.to_be_bytes());
        Self { count: self.count + 1, hash: digest.finalize().into() }
    }

    pub fn sets_a_timer(&self) -> bool {
        self.count.is_multiple_of(3)
    }

    fn bytes(&self) -> Bytes {
        [&self.count.to_be_bytes()[..], &self.hash].concat().into()
    }

    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (count, hash) = bytes.split_first_chunk::<8>()?;
        Some(Self { count: u64::from_be_bytes(*count), hash: hash.try_into().ok()? })
    }
}

/// Values: a number for an ordinary record, `p` for one that poisons, `t` and when it was due for a fired timer.
pub struct ChainStage {
    pub bug: Option<Bug>,
    pub wall_clock: Arc<AtomicI64>,
}

impl ChainStage {
    fn due(&self, record: &Record) -> Timestamp {
        let set_at = match self.bug {
            Some(Bug::TimersByTheWallClock) => self.wall_clock.load(Ordering::Relaxed),
            _ => record.timestamp,
        };
        Timestamp::from_millis(set_at + LATER)
    }

    fn add(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let key = record.key.clone().unwrap_or_default();
        if record.value.as_deref() == Some(b"p") {
            // What was staged before it must leave no trace.
            task.put(STATE, &key, Bytes::from_static(b"poisoned"));
            if self.bug == Some(Bug::DeadLetterLeavesChanges) {
                task.accept();
            }
            return Err(Failure::Record("poison".to_owned()));
        }
        let before = task.get(STATE, &key)?.and_then(|bytes| Chain::read(&bytes)).unwrap_or_default();
        let chain = before.then(record.source.partition, record.offset);
        task.put(STATE, &key, chain.bytes());
        if chain.sets_a_timer() {
            let due = self.due(record);
            let id = MessageId::derived(Uuid::NAMESPACE_OID, &format!("{} {}", record.source, record.offset));
            let mut stored = BytesMut::new();
            stored.put_i64(due.millis());
            stored.put_slice(&key);
            task.put(TIMERS, &timer_key(due, id), stored.freeze());
        }
        out.push(Output {
            topic: OUTPUT.into(),
            place: Place::Same(Some(key)),
            value: Some(chain.bytes()),
            timestamp: Timestamp::from_millis(record.timestamp),
            headers: Vec::new(),
        });
        Ok(())
    }
}

impl Stage for ChainStage {
    fn name(&self) -> &str {
        "chain"
    }

    fn source(&self) -> &'static str {
        SOURCE
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        match self.add(record, task, out) {
            Err(Failure::Environment(why)) if self.bug == Some(Bug::EnvironmentTakenForRecord) => {
                Err(Failure::Record(why))
            }
            done => done,
        }
    }

    fn fire(&self, stored: &[u8], now: Timestamp) -> Result<Output, Failure> {
        let not_ours = || Failure::Record("a timer of another shape".to_owned());
        let (due, key) = stored.split_first_chunk::<8>().ok_or_else(not_ours)?;
        let value = Some(Bytes::from(format!("t{}", i64::from_be_bytes(*due))));
        Ok(Output {
            topic: SOURCE.into(),
            place: Place::Key(Bytes::copy_from_slice(key)),
            value,
            timestamp: now,
            headers: Vec::new(),
        })
    }
}
