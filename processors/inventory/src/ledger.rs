//! Writes the next entries of a SKU's ledger. What an entry does to the numbers, and to the hash chain, is
//! [`StockLevel::after`], which an auditor has too.

use tradewind_schemas::{
    OrderId, Rejection, Timestamp,
    inventory::{Entry, EntryKind, InventoryEvent, StockLevel},
};

/// More than this of one thing is a typing error, and keeps every sum far from overflowing.
const MOST_ON_HAND: i64 = 1_000_000_000_000;

/// The level after an entry.
///
/// # Errors
/// `stock_too_large` where more would be on hand than can be counted.
pub fn next(before: &StockLevel, entry: Entry) -> Result<StockLevel, Rejection> {
    let after = before.after(&entry).filter(|level| level.on_hand <= MOST_ON_HAND);
    after.ok_or_else(|| Rejection::new("stock_too_large", format!("at most {MOST_ON_HAND} can be on hand")))
}

/// The events that one decision adds: each carries the level after it.
pub struct Entries {
    level: StockLevel,
    at: Timestamp,
    events: Vec<InventoryEvent>,
}

impl Entries {
    pub fn from(level: &StockLevel, at: Timestamp) -> Self {
        Self { level: level.clone(), at, events: Vec::new() }
    }

    pub fn level(&self) -> &StockLevel {
        &self.level
    }

    /// Adds the entry of this kind; `event` makes its event of the level after it.
    pub fn add(
        &mut self,
        kind: EntryKind,
        order_id: Option<OrderId>,
        quantity: i64,
        event: impl FnOnce(StockLevel) -> InventoryEvent,
    ) -> Result<(), Rejection> {
        self.level = next(&self.level, Entry { kind, order_id, quantity, at: self.at })?;
        self.events.push(event(self.level.clone()));
        Ok(())
    }

    /// Says again what was said: no entry.
    pub fn repeat(&mut self, order_id: OrderId, quantity: i64, committed: bool) {
        let level = self.level.clone();
        self.events.push(InventoryEvent::ReservationRepeated { order_id, quantity, committed, level });
    }

    pub fn done(self) -> Vec<InventoryEvent> {
        self.events
    }
}
