//! The cast of the inventory scenarios: cups on a shelf, and orders that want them.

use std::time::Duration;

use tradewind_inventory::Inventory;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, OrderId, Role, Sku, Timestamp, UserId,
    inventory::{InventoryCommand, STOCK},
};

pub const MINUTE: Duration = Duration::from_secs(60);

pub fn cup() -> Sku {
    "CUP-1".parse().unwrap()
}

pub fn order(number: u32) -> OrderId {
    format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

pub fn user(roles: &[Role]) -> Actor {
    Actor::user(UserId::new(order(77).uuid()), roles.to_vec())
}

pub fn merchant() -> Actor {
    user(&[Role::Customer, Role::Merchant])
}

pub fn system() -> Actor {
    Actor::service("order")
}

pub fn cups() -> Scenario<Inventory> {
    Scenario::of(cup())
}

/// Cups of which so many were received.
pub fn stocked(quantity: i64) -> Scenario<Inventory> {
    cups().by(merchant()).when(receive(quantity)).by(system())
}

pub fn receive(quantity: i64) -> InventoryCommand {
    InventoryCommand::ReceiveStock { quantity }
}

pub fn adjust(delta: i64) -> InventoryCommand {
    InventoryCommand::AdjustStock { delta, reason: "counted".to_owned(), force: false }
}

pub fn force(delta: i64) -> InventoryCommand {
    InventoryCommand::AdjustStock { delta, reason: "a fire".to_owned(), force: true }
}

pub fn reserve(number: u32, quantity: i64, until: Timestamp) -> InventoryCommand {
    InventoryCommand::ReserveStock { order_id: order(number), quantity, until }
}

pub fn commit(number: u32) -> InventoryCommand {
    InventoryCommand::CommitReservation { order_id: order(number) }
}

pub fn release(number: u32) -> InventoryCommand {
    InventoryCommand::ReleaseReservation { order_id: order(number) }
}

pub fn expire(number: u32) -> InventoryCommand {
    InventoryCommand::ExpireReservation { order_id: order(number) }
}

pub fn give_back(number: u32) -> InventoryCommand {
    InventoryCommand::ReturnStock { order_id: order(number) }
}

pub fn start() -> Timestamp {
    cups().now()
}

pub fn soon() -> Timestamp {
    start() + 15 * MINUTE
}

fn level(scenario: &Scenario<Inventory>) -> (i64, i64, i64) {
    let level = scenario.view(STOCK, &()).map(|view| view.level).unwrap_or_default();
    (level.on_hand, level.reserved, level.allocated)
}

/// on_hand, reserved, allocated.
#[track_caller]
pub fn levels(scenario: Scenario<Inventory>, expected: (i64, i64, i64)) -> Scenario<Inventory> {
    assert_eq!(level(&scenario), expected);
    scenario
}
