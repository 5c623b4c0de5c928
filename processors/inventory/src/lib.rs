//! Inventory: stock, by SKU.
//!
//! ```text
//! inventory.commands ─► [inventory] ─┬─► inventory.events
//!   by SKU                           └─► order.commands   answers, by order
//! ```
//! Keeps the level of a SKU in the head of its state, and each order's reservation and allocation as rows. Every event
//! that changes or refuses something is an entry of the SKU's hash-chained ledger.

mod commands;
mod events;
mod ledger;
mod reactions;
mod views;

use tradewind_runtime::{Capability, Context, Entity, Reactions, Views};
use tradewind_schemas::{
    Rejection, Sku, Timestamp,
    inventory::{InventoryCommand, InventoryEvent},
};
use tradewind_topics::{Topic, list};

pub use events::Stock;

#[derive(Default)]
pub struct Inventory;

impl Capability for Inventory {
    type Key = Sku;
    type State = Stock;
    type Command = InventoryCommand;
    type Event = InventoryEvent;

    const NAME: &'static str = "inventory";
    const COMMANDS: Topic<Sku, InventoryCommand> = list::INVENTORY_COMMANDS;
    const EVENTS: Topic<Sku, InventoryEvent> = list::INVENTORY_EVENTS;

    fn decide(
        &self,
        stock: &Entity<'_, Stock>,
        command: &InventoryCommand,
        context: &Context<'_>,
    ) -> Result<Vec<InventoryEvent>, Rejection> {
        commands::decide(stock, command, context)
    }

    fn evolve(stock: &mut Entity<'_, Stock>, event: &InventoryEvent, _: Timestamp) {
        events::evolve(stock, event);
    }

    fn react(_: &Entity<'_, Stock>, event: &InventoryEvent, to: &mut Reactions<InventoryCommand>) {
        reactions::react(event, to);
    }

    fn view(_: &Entity<'_, Stock>, event: &InventoryEvent, at: Timestamp, views: &mut Views<'_>) {
        views::view(event, at, views);
    }
}
