//! What is true of a SKU.

use serde::{Deserialize, Serialize};
use tradewind_runtime::{Entity, Rows};
use tradewind_schemas::{
    OrderId, Timestamp,
    inventory::{InventoryEvent, StockLevel},
};

/// The head: how much there is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Stock {
    pub level: StockLevel,
}

/// What is held for an order, until when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reservation {
    pub quantity: i64,
    pub until: Timestamp,
}

/// What was sold to an order and has not been shipped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Allocation {
    pub quantity: i64,
}

pub const RESERVATIONS: Rows<OrderId, Reservation> = Rows::new(1);
pub const ALLOCATIONS: Rows<OrderId, Allocation> = Rows::new(2);

pub fn evolve(stock: &mut Entity<'_, Stock>, event: &InventoryEvent) {
    match event {
        InventoryEvent::StockReserved { order_id, quantity, until, .. } => {
            stock.put(RESERVATIONS, order_id, &Reservation { quantity: *quantity, until: *until });
        }
        InventoryEvent::ReservationCommitted { order_id, quantity, .. } => {
            stock.remove(RESERVATIONS, order_id);
            stock.put(ALLOCATIONS, order_id, &Allocation { quantity: *quantity });
        }
        InventoryEvent::ReservationReleased { order_id, .. } | InventoryEvent::ReservationExpired { order_id, .. } => {
            stock.remove(RESERVATIONS, order_id);
        }
        InventoryEvent::StockReturned { order_id, .. } => stock.remove(ALLOCATIONS, order_id),
        InventoryEvent::StockReceived { .. }
        | InventoryEvent::StockAdjusted { .. }
        | InventoryEvent::StockRefused { .. }
        | InventoryEvent::CommitRefused { .. }
        | InventoryEvent::ReservationRepeated { .. } => {}
    }
    stock.level = event.level().clone();
}
