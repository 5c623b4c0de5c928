//! The workload `ledger`: one hop of a commerce system. Commands to SKUs move quantities; each leads to one event; a
//! hash chain under each SKU covers every command that it has seen, in order.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tradewind_runtime::{Failure, Output, Place, STATE as STORE, Stage};
use tradewind_schemas::Timestamp;
use tradewind_state::TaskState;
use tradewind_topics::Record;

use super::{
    progress::Progress,
    wire::{COMMAND, EVENT, STATE, i64_at, set, u32_at, u64_at},
};

pub const COMMANDS: &str = "commands";
pub const EVENTS: &str = "events";
pub const STAGE: &str = "ledger";

const RESTOCK: u32 = 0;
const RESERVE: u32 = 1;
const RELEASE: u32 = 2;
const SHIP: u32 = 3;

/// Where the hash chain lies in a state and in an event.
pub const CHAIN: usize = 64;
/// Where an event says how many commands its SKU has seen, and whether this one was accepted.
pub const COUNT: usize = 16;
pub const OUTCOME: usize = 52;

pub struct Ledger {
    progress: Arc<Progress>,
}

impl Ledger {
    pub fn new(progress: Arc<Progress>) -> Self {
        Self { progress }
    }
}

impl Stage for Ledger {
    fn name(&self) -> &str {
        STAGE
    }

    fn source(&self) -> &'static str {
        COMMANDS
    }

    fn look_ahead(&self, records: &[Record], task: &TaskState) {
        task.look_ahead(STORE, records.iter().filter_map(|record| record.key.as_deref()));
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        self.progress.begun();
        let (Some(key), Some(command)) = (&record.key, &record.value) else {
            return Err(Failure::Record("a command has a key and a value".to_owned()));
        };
        let command: &[u8; COMMAND] = command
            .as_ref()
            .try_into()
            .map_err(|_| Failure::Record(format!("a command has {COMMAND} bytes, not {}", command.len())))?;
        let (after, event) = task.read(STORE, key, |before| {
            let before = before.and_then(|state| state.try_into().ok()).unwrap_or(&[0; STATE]);
            step(before, command, record.offset.cast_unsigned(), record.source.partition)
        })?;
        task.put(STORE, key, Bytes::copy_from_slice(&after));
        out.push(Output {
            topic: EVENTS.into(),
            place: Place::Same(Some(key.clone())),
            value: Some(Bytes::copy_from_slice(&event)),
            timestamp: Timestamp::from_millis(record.timestamp),
            headers: Vec::new(),
        });
        self.progress.processed();
        Ok(())
    }
}

/// The transition: a SKU's state and a command, which was read there, give the new state and the event.
pub fn step(before: &[u8; STATE], command: &[u8; COMMAND], offset: u64, partition: u32) -> ([u8; STATE], [u8; EVENT]) {
    let (op, qty) = (u32_at(command, 16), i64::from(u32_at(command, 20)));
    let (mut available, mut reserved) = (i64_at(before, 0), i64_at(before, 8));
    let accepted = match op {
        RESTOCK => true,
        RESERVE => available >= qty,
        RELEASE | SHIP => reserved >= qty,
        _ => false,
    };
    let moved = if accepted { qty } else { 0 };
    match op {
        RESTOCK => available += moved,
        RESERVE => (available, reserved) = (available - moved, reserved + moved),
        RELEASE => (available, reserved) = (available + moved, reserved - moved),
        _ => reserved -= moved,
    }
    let version = u64_at(before, 16) + 1;

    let mut preimage = [0; 52];
    preimage[..32].copy_from_slice(&before[CHAIN..CHAIN + 32]);
    set(&mut preimage, 32, version.to_le_bytes());
    set(&mut preimage, 40, offset.to_le_bytes());
    set(&mut preimage, 48, partition.to_le_bytes());
    let chain: [u8; 32] = Sha256::digest(preimage).into();

    let mut state = [0; STATE];
    set(&mut state, 0, available.to_le_bytes());
    set(&mut state, 8, reserved.to_le_bytes());
    set(&mut state, 16, version.to_le_bytes());
    set(&mut state, 24, (u64_at(before, 24) + u64::from(accepted)).to_le_bytes());
    state[32..48].copy_from_slice(&command[..16]);
    set(&mut state, 48, offset.to_le_bytes());
    set(&mut state, 56, partition.to_le_bytes());
    set(&mut state, 60, u32::from(accepted).to_le_bytes());
    set(&mut state, CHAIN, chain);
    state[96..].copy_from_slice(&command[96..]);

    let mut event = [0; EVENT];
    event[..16].copy_from_slice(&command[..16]);
    set(&mut event, COUNT, version.to_le_bytes());
    set(&mut event, 24, available.to_le_bytes());
    set(&mut event, 32, reserved.to_le_bytes());
    set(&mut event, 40, offset.to_le_bytes());
    set(&mut event, 48, partition.to_le_bytes());
    event[OUTCOME] = u8::from(accepted);
    event[53] = op as u8;
    event[56..60].copy_from_slice(&command[20..24]);
    set(&mut event, CHAIN, chain);
    (state, event)
}
