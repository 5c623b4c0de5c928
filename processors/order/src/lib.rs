//! Order: what a customer bought, and how it went.
//!
//! ```text
//! order.commands ─► [order] ─┬─► order.events
//!   by order                 ├─► inventory.commands   ReserveStock, CommitReservation, ReleaseReservation, ReturnStock
//!                            ├─► payment.commands     Authorise, Capture, Void, Refund
//!                            └─► order.by-customer ─► [order.by-customer]   the orders of each customer
//! ```
//! The saga of an order is its [reactions]; the state is one head of at most a hundred lines.

mod by_customer;
mod commands;
mod deadlines;
mod events;
mod place;
mod reactions;
mod views;

use tradewind_runtime::{Capability, Context, Entity, Reactions, Settles, Views};
use tradewind_schemas::{
    OrderId, Rejection, Timestamp,
    order::{OrderCommand, OrderEvent},
};
use tradewind_topics::{Topic, list};

pub use by_customer::OrdersByCustomer;
pub use deadlines::Deadlines;
pub use events::Order;

/// The capability, with its deadlines.
#[derive(Default)]
pub struct Orders {
    pub deadlines: Deadlines,
}

impl Capability for Orders {
    type Key = OrderId;
    type State = Order;
    type Command = OrderCommand;
    type Event = OrderEvent;

    const NAME: &'static str = "order";
    const COMMANDS: Topic<OrderId, OrderCommand> = list::ORDER_COMMANDS;
    const EVENTS: Topic<OrderId, OrderEvent> = list::ORDER_EVENTS;

    fn decide(
        &self,
        order: &Entity<'_, Order>,
        command: &OrderCommand,
        context: &Context<'_>,
    ) -> Result<Vec<OrderEvent>, Rejection> {
        commands::decide(order, command, &self.deadlines, context)
    }

    fn evolve(order: &mut Entity<'_, Order>, event: &OrderEvent, _: Timestamp) {
        events::evolve(order, event);
    }

    fn react(order: &Entity<'_, Order>, event: &OrderEvent, to: &mut Reactions<OrderCommand>) {
        reactions::react(order, event, to);
    }

    fn view(order: &Entity<'_, Order>, event: &OrderEvent, at: Timestamp, views: &mut Views<'_>) {
        views::view(order, event, at, views);
    }

    /// Who places an order waits for its end: confirmed, rejected or cancelled.
    fn settles(command: &OrderCommand) -> Settles {
        match command {
            OrderCommand::PlaceOrder { .. } => Settles::Later,
            _ => Settles::Now,
        }
    }
}
