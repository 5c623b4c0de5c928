//! The ledger once more, written from its specification (tests/peers/kafka-streams) and from nothing of the
//! application's code: what must stand in the events, given the commands.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

pub const COMMAND: usize = 200;
pub const EVENT: usize = 96;

/// A command with chance content.
pub fn command(number: u64, time: i64, chance: u64) -> [u8; COMMAND] {
    let mut command = [0; COMMAND];
    let op: u32 = match chance % 8 {
        0 | 1 => 0,
        2..=5 => 1,
        6 => 2,
        _ => 3,
    };
    let quantity = 1 + ((chance >> 8) % 20) as u32;
    command[..8].copy_from_slice(&number.to_le_bytes());
    command[8..16].copy_from_slice(&time.to_le_bytes());
    command[16..20].copy_from_slice(&op.to_le_bytes());
    command[20..24].copy_from_slice(&quantity.to_le_bytes());
    for (word, at) in (24..COMMAND).step_by(8).enumerate() {
        command[at..at + 8].copy_from_slice(&chance.rotate_left(word as u32).to_le_bytes());
    }
    command
}

/// A SKU's account.
#[derive(Clone, Default)]
struct Account {
    available: i64,
    reserved: i64,
    count: u64,
    chain: [u8; 32],
}

/// All accounts.
#[derive(Default)]
pub struct Ledger(HashMap<Vec<u8>, Account>);

impl Ledger {
    /// The event that a command must lead to.
    pub fn apply(&mut self, key: &[u8], command: &[u8; COMMAND], offset: i64, partition: i32) -> [u8; EVENT] {
        let account = self.0.entry(key.to_vec()).or_default();
        let word = |at: usize| u32::from_le_bytes([command[at], command[at + 1], command[at + 2], command[at + 3]]);
        let (op, quantity) = (word(16), i64::from(word(20)));
        let (available, reserved) = (account.available, account.reserved);
        let moved = match op {
            0 => Some((available + quantity, reserved)),
            1 if available >= quantity => Some((available - quantity, reserved + quantity)),
            2 if reserved >= quantity => Some((available + quantity, reserved - quantity)),
            3 if reserved >= quantity => Some((available, reserved - quantity)),
            _ => None,
        };
        (account.available, account.reserved) = moved.unwrap_or((available, reserved));
        account.count += 1;
        let mut hash = Sha256::new();
        hash.update(account.chain);
        hash.update(account.count.to_le_bytes());
        hash.update(offset.to_le_bytes());
        hash.update(partition.to_le_bytes());
        account.chain = hash.finalize().into();

        let parts: [&[u8]; 10] = [
            &command[..16],
            &account.count.to_le_bytes(),
            &account.available.to_le_bytes(),
            &account.reserved.to_le_bytes(),
            &offset.to_le_bytes(),
            &partition.to_le_bytes(),
            &[u8::from(moved.is_some()), op as u8, 0, 0],
            &command[20..24],
            &[0; 4],
            &account.chain,
        ];
        let mut event = [0; EVENT];
        for (to, byte) in event.iter_mut().zip(parts.concat()) {
            *to = byte;
        }
        event
    }
}
