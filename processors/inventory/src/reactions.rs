//! What follows: answers to the order that asked, and the timer of each reservation.

use tradewind_runtime::Reactions;
use tradewind_schemas::{
    Sku,
    inventory::{InventoryCommand, InventoryEvent},
    order::OrderCommand,
};
use tradewind_topics::list::ORDER_COMMANDS;

pub fn react(event: &InventoryEvent, to: &mut Reactions<InventoryCommand>) {
    let Ok(sku) = to.key().parse::<Sku>() else { return };
    match event {
        InventoryEvent::StockReserved { order_id, until, .. } => {
            to.send(ORDER_COMMANDS, *order_id, OrderCommand::StockReserved { sku });
            to.remind(*until, InventoryCommand::ExpireReservation { order_id: *order_id });
        }
        InventoryEvent::StockRefused { order_id, level, .. } => {
            let available = level.available().max(0);
            to.send(ORDER_COMMANDS, *order_id, OrderCommand::StockRefused { sku, available });
        }
        InventoryEvent::ReservationRepeated { order_id, committed: false, .. } => {
            to.send(ORDER_COMMANDS, *order_id, OrderCommand::StockReserved { sku });
        }
        InventoryEvent::ReservationCommitted { order_id, .. }
        | InventoryEvent::ReservationRepeated { order_id, committed: true, .. } => {
            to.send(ORDER_COMMANDS, *order_id, OrderCommand::ReservationCommitted { sku });
        }
        InventoryEvent::CommitRefused { order_id, .. } => {
            to.send(ORDER_COMMANDS, *order_id, OrderCommand::CommitRefused { sku });
        }
        InventoryEvent::StockReceived { .. }
        | InventoryEvent::StockAdjusted { .. }
        | InventoryEvent::ReservationReleased { .. }
        | InventoryEvent::ReservationExpired { .. }
        | InventoryEvent::StockReturned { .. } => {}
    }
}
