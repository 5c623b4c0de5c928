//! What follows: calls to the gateway, the timer of the next attempt, and answers to the order.

use tradewind_runtime::{Entity, Reactions};
use tradewind_schemas::{
    IntentId, PaymentId,
    order::OrderCommand,
    payment::{Operation, PaymentCommand, PaymentEvent, PaymentIntent},
};
use tradewind_topics::list::{ORDER_COMMANDS, PAYMENT_INTENTS};

use crate::events::{Charge, PENDING, Payment};

type To = Reactions<PaymentCommand>;

pub fn react(payment: &Entity<'_, Payment>, event: &PaymentEvent, to: &mut To) {
    let Some(charge) = &payment.charge else { return };
    let mut answer = |answer: OrderCommand| to.send(ORDER_COMMANDS, charge.order_id, answer);
    match event {
        PaymentEvent::PaymentRequested { intent_id, .. }
        | PaymentEvent::CaptureRequested { intent_id, .. }
        | PaymentEvent::VoidRequested { intent_id: Some(intent_id), .. }
        | PaymentEvent::RefundRequested { intent_id, .. }
        | PaymentEvent::IntentRetried { intent_id, .. } => call(payment, charge, *intent_id, to),
        PaymentEvent::VoidRequested { intent_id: None, .. } => {}
        PaymentEvent::PaymentAuthorised { .. } => answer(OrderCommand::PaymentAuthorised {}),
        PaymentEvent::PaymentDeclined { code, message, .. } => {
            answer(OrderCommand::PaymentDeclined { code: code.clone(), message: message.clone() });
        }
        PaymentEvent::PaymentCaptured { amount, .. } => answer(OrderCommand::PaymentCaptured { amount: *amount }),
        PaymentEvent::CaptureFailed { code, message, .. } => {
            answer(OrderCommand::CaptureFailed { code: code.clone(), message: message.clone() });
        }
        PaymentEvent::PaymentVoided { .. } => answer(OrderCommand::PaymentVoided {}),
        PaymentEvent::VoidFailed { code, message, .. } => {
            answer(OrderCommand::VoidFailed { code: code.clone(), message: message.clone() });
        }
        PaymentEvent::PaymentRefunded { amount, .. } => answer(OrderCommand::PaymentRefunded { amount: *amount }),
        PaymentEvent::RefundFailed { amount, code, message, .. } => {
            let (code, message) = (code.clone(), message.clone());
            answer(OrderCommand::RefundFailed { amount: *amount, code, message });
        }
        PaymentEvent::AttemptUnsettled { intent_id, retry_at: Some(retry_at), .. } => {
            to.remind(*retry_at, PaymentCommand::RetryIntent { intent_id: *intent_id });
        }
        PaymentEvent::AttemptUnsettled { intent_id, why, .. } => {
            if let Some(pending) = payment.row(PENDING, intent_id) {
                answer(OrderCommand::PaymentParked { operation: pending.operation, why: why.clone() });
            }
        }
    }
}

/// Has a connector make the call that is under way with this id.
fn call(payment: &Entity<'_, Payment>, charge: &Charge, intent_id: IntentId, to: &mut To) {
    let (Ok(payment_id), Some(pending)) = (to.key().parse::<PaymentId>(), payment.row(PENDING, &intent_id)) else {
        return;
    };
    let method = (pending.operation == Operation::Authorise).then(|| charge.method.clone());
    let execute = PaymentIntent::Execute {
        intent_id,
        operation: pending.operation,
        order_id: charge.order_id,
        amount: pending.amount,
        method,
        reference: charge.reference.clone(),
        attempt: pending.attempt,
    };
    to.send(PAYMENT_INTENTS, payment_id, execute);
}
