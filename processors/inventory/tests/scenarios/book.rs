//! What a SKU's ledger should say, kept beside the capability: each event with the level after it.

use tradewind_runtime::scenario::command_id;
use tradewind_schemas::{
    OrderId, Timestamp,
    inventory::{Entry, EntryKind, InventoryEvent, StockLevel},
};

pub struct Book {
    at: Timestamp,
    level: StockLevel,
}

impl Book {
    pub fn new(at: Timestamp) -> Self {
        Self { at, level: StockLevel::default() }
    }

    pub fn with(mut self, level: StockLevel) -> Self {
        self.level = level;
        self
    }

    pub fn at(&mut self, at: Timestamp) {
        self.at = at;
    }

    fn next(&mut self, kind: EntryKind, order_id: Option<OrderId>, quantity: i64) -> StockLevel {
        let entry = Entry { kind, order_id, quantity, at: self.at };
        self.level = self.level.after(&entry).expect("the numbers fit");
        self.level.clone()
    }

    /// By the scenario's command of this number.
    pub fn received(&mut self, quantity: i64, command: u64) -> InventoryEvent {
        let level = self.next(EntryKind::StockReceived, None, quantity);
        InventoryEvent::StockReceived { quantity, level, command_id: Some(command_id(command)) }
    }

    pub fn reserved(&mut self, order_id: OrderId, quantity: i64, until: Timestamp) -> InventoryEvent {
        let level = self.next(EntryKind::StockReserved, Some(order_id), quantity);
        InventoryEvent::StockReserved { order_id, quantity, until, level }
    }

    pub fn refused(&mut self, order_id: OrderId, quantity: i64) -> InventoryEvent {
        let level = self.next(EntryKind::StockRefused, Some(order_id), quantity);
        InventoryEvent::StockRefused { order_id, quantity, level }
    }

    pub fn committed(&mut self, order_id: OrderId, quantity: i64) -> InventoryEvent {
        let level = self.next(EntryKind::ReservationCommitted, Some(order_id), quantity);
        InventoryEvent::ReservationCommitted { order_id, quantity, level }
    }

    pub fn commit_refused(&mut self, order_id: OrderId) -> InventoryEvent {
        let level = self.next(EntryKind::CommitRefused, Some(order_id), 0);
        InventoryEvent::CommitRefused { order_id, level }
    }

    pub fn released(&mut self, order_id: OrderId, quantity: i64) -> InventoryEvent {
        let level = self.next(EntryKind::ReservationReleased, Some(order_id), quantity);
        InventoryEvent::ReservationReleased { order_id, quantity, level }
    }

    pub fn expired(&mut self, order_id: OrderId, quantity: i64) -> InventoryEvent {
        let level = self.next(EntryKind::ReservationExpired, Some(order_id), quantity);
        InventoryEvent::ReservationExpired { order_id, quantity, level }
    }

    pub fn returned(&mut self, order_id: OrderId, quantity: i64) -> InventoryEvent {
        let level = self.next(EntryKind::StockReturned, Some(order_id), quantity);
        InventoryEvent::StockReturned { order_id, quantity, level }
    }
}
