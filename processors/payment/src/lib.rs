//! Payment: one per order.
//!
//! ```text
//! payment.commands ─► [payment] ─┬─► payment.events
//!   by payment                   ├─► payment.intents   calls to the gateway, for connectors to carry out
//!                                └─► order.commands    answers, by order
//! ```
//! Results come back as commands, by the intent's id. An intent is called until the gateway's answer is known: again
//! under the same id, ever later, and after twelve attempts when staff say so.

mod commands;
mod events;
mod gateway;
mod reactions;
mod views;

use tradewind_runtime::{Capability, Context, Entity, Reactions, Views};
use tradewind_schemas::{
    PaymentId, Rejection, Timestamp,
    payment::{PaymentCommand, PaymentEvent},
};
use tradewind_topics::{Topic, list};

pub use events::Payment;

#[derive(Default)]
pub struct Payments;

impl Capability for Payments {
    type Key = PaymentId;
    type State = Payment;
    type Command = PaymentCommand;
    type Event = PaymentEvent;

    const NAME: &'static str = "payment";
    const COMMANDS: Topic<PaymentId, PaymentCommand> = list::PAYMENT_COMMANDS;
    const EVENTS: Topic<PaymentId, PaymentEvent> = list::PAYMENT_EVENTS;

    fn decide(
        &self,
        payment: &Entity<'_, Payment>,
        command: &PaymentCommand,
        context: &Context<'_>,
    ) -> Result<Vec<PaymentEvent>, Rejection> {
        commands::decide(payment, command, context)
    }

    fn evolve(payment: &mut Entity<'_, Payment>, event: &PaymentEvent, _: Timestamp) {
        events::evolve(payment, event);
    }

    fn react(payment: &Entity<'_, Payment>, event: &PaymentEvent, to: &mut Reactions<PaymentCommand>) {
        reactions::react(payment, event, to);
    }

    fn view(payment: &Entity<'_, Payment>, event: &PaymentEvent, at: Timestamp, views: &mut Views<'_>) {
        views::view(payment, event, at, views);
    }
}
