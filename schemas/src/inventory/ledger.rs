//! The ledger of a SKU: what every kind of entry does to the numbers, and the hash chain over them. Whoever reads the
//! events alone can recompute both.

use sha2::{Digest, Sha256};

use super::{InventoryEvent, StockLevel};
use crate::{OrderId, Timestamp};

/// What an entry of a ledger says happened; its numbers and its place in the chain are the [`StockLevel`] after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub kind: EntryKind,
    pub order_id: Option<OrderId>,
    /// In an adjustment the delta; 0 in a refused commit.
    pub quantity: i64,
    pub at: Timestamp,
}

/// Named as the events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    StockReceived,
    StockAdjusted,
    StockReserved,
    StockRefused,
    ReservationCommitted,
    CommitRefused,
    ReservationReleased,
    ReservationExpired,
    StockReturned,
}

impl EntryKind {
    /// The event's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::StockReceived => "StockReceived",
            Self::StockAdjusted => "StockAdjusted",
            Self::StockReserved => "StockReserved",
            Self::StockRefused => "StockRefused",
            Self::ReservationCommitted => "ReservationCommitted",
            Self::CommitRefused => "CommitRefused",
            Self::ReservationReleased => "ReservationReleased",
            Self::ReservationExpired => "ReservationExpired",
            Self::StockReturned => "StockReturned",
        }
    }

    /// How often its quantity is added to (or taken from) on_hand, reserved and allocated.
    fn signs(self) -> [i64; 3] {
        match self {
            Self::StockReceived | Self::StockAdjusted => [1, 0, 0],
            Self::StockReserved => [0, 1, 0],
            Self::ReservationCommitted => [0, -1, 1],
            Self::ReservationReleased | Self::ReservationExpired => [0, -1, 0],
            Self::StockReturned => [0, 0, -1],
            Self::StockRefused | Self::CommitRefused => [0, 0, 0],
        }
    }
}

impl StockLevel {
    /// The level after an entry; `None` where a number no longer fits, or falls below zero.
    ///
    /// `chain` is the hex of SHA-256 over these bytes, integers big-endian: the chain before (32 bytes, zeros before the
    /// first entry), the entry's number from 1 (8), the length of its kind's name (1) and the name, 1 and the order id
    /// (16) or 0 where there is none, the quantity (8), when it happened in milliseconds (8), and on_hand, reserved and
    /// allocated after it (8 each).
    pub fn after(&self, entry: &Entry) -> Option<Self> {
        let [on_hand, reserved, allocated] = entry.kind.signs();
        let moved = |number: i64, sign: i64| {
            let moved = number.checked_add(entry.quantity.checked_mul(sign)?)?;
            (moved >= 0).then_some(moved)
        };
        let mut level = Self {
            on_hand: moved(self.on_hand, on_hand)?,
            reserved: moved(self.reserved, reserved)?,
            allocated: moved(self.allocated, allocated)?,
            entries: self.entries.checked_add(1)?,
            chain: String::new(),
        };
        level.chain = link(&self.chain, &level, entry);
        Some(level)
    }
}

fn link(before: &str, level: &StockLevel, entry: &Entry) -> String {
    let name = entry.kind.name();
    let mut hash = Sha256::new();
    hash.update(unhex(before));
    hash.update(level.entries.to_be_bytes());
    hash.update([name.len() as u8]);
    hash.update(name);
    match entry.order_id {
        Some(order_id) => {
            hash.update([1]);
            hash.update(order_id.uuid().as_bytes());
        }
        None => hash.update([0]),
    }
    for number in [entry.quantity, entry.at.millis(), level.on_hand, level.reserved, level.allocated] {
        hash.update(number.to_be_bytes());
    }
    let digits = |byte: u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default());
    hash.finalize().into_iter().flat_map(digits).collect()
}

/// The 32 bytes that a chain's hex stands for; zeros for the empty chain.
fn unhex(chain: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(chain.as_bytes().chunks_exact(2)) {
        let digit = |of: u8| char::from(of).to_digit(16).unwrap_or_default() as u8;
        *byte = digit(digits[0]) << 4 | digit(digits[1]);
    }
    bytes
}

impl InventoryEvent {
    /// The ledger's entry that this event is, given the time in its envelope; `None` where it is none.
    pub fn entry(&self, at: Timestamp) -> Option<Entry> {
        let (kind, order_id, quantity) = match self {
            Self::StockReceived { quantity, .. } => (EntryKind::StockReceived, None, *quantity),
            Self::StockAdjusted { delta, .. } => (EntryKind::StockAdjusted, None, *delta),
            Self::StockReserved { order_id, quantity, .. } => (EntryKind::StockReserved, Some(*order_id), *quantity),
            Self::StockRefused { order_id, quantity, .. } => (EntryKind::StockRefused, Some(*order_id), *quantity),
            Self::ReservationCommitted { order_id, quantity, .. } => {
                (EntryKind::ReservationCommitted, Some(*order_id), *quantity)
            }
            Self::CommitRefused { order_id, .. } => (EntryKind::CommitRefused, Some(*order_id), 0),
            Self::ReservationReleased { order_id, quantity, .. } => {
                (EntryKind::ReservationReleased, Some(*order_id), *quantity)
            }
            Self::ReservationExpired { order_id, quantity, .. } => {
                (EntryKind::ReservationExpired, Some(*order_id), *quantity)
            }
            Self::StockReturned { order_id, quantity, .. } => (EntryKind::StockReturned, Some(*order_id), *quantity),
            Self::ReservationRepeated { .. } => return None,
        };
        Some(Entry { kind, order_id, quantity, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind, quantity: i64) -> Entry {
        Entry { kind, order_id: None, quantity, at: Timestamp::from_millis(1_000) }
    }

    #[test]
    fn entries_move_the_numbers_and_the_chain() {
        let mut level = StockLevel::default();
        let mut chains = vec![level.chain.clone()];
        for (kind, quantity, numbers) in [
            (EntryKind::StockReceived, 10, (10, 0, 0)),
            (EntryKind::StockReserved, 4, (10, 4, 0)),
            (EntryKind::StockRefused, 7, (10, 4, 0)),
            (EntryKind::ReservationCommitted, 3, (10, 1, 3)),
            (EntryKind::ReservationReleased, 1, (10, 0, 3)),
            (EntryKind::StockReturned, 2, (10, 0, 1)),
            (EntryKind::StockAdjusted, -9, (1, 0, 1)),
        ] {
            level = level.after(&entry(kind, quantity)).unwrap();
            assert_eq!((level.on_hand, level.reserved, level.allocated), numbers, "after {}", kind.name());
            assert!(!chains.contains(&level.chain), "{} leaves the chain as it was", kind.name());
            chains.push(level.chain.clone());
        }
        assert_eq!(level.entries, 7);
        assert_eq!(level.after(&entry(EntryKind::StockAdjusted, -2)), None, "below zero");
        assert_eq!(level.after(&entry(EntryKind::StockReceived, i64::MAX)), None, "too much");
    }

    /// The layout is a contract: this value was computed from its description with another implementation.
    #[test]
    fn the_first_link_is_as_described() {
        let level = StockLevel::default().after(&entry(EntryKind::StockReceived, 10)).unwrap();
        assert_eq!(level.chain, "d92d9d17a67003aca9e42c618613276f2c3dea47f64a277bbadfc428832a8e3f");
    }
}
