//! What happens to a payment.

use tradewind_runtime::{Context, Entity};
use tradewind_schemas::{
    IntentId, Money, PaymentId, Rejection,
    payment::{Operation, PaymentCommand, PaymentEvent},
};

use crate::{
    events::{Charge, PENDING, Payment, Stage, intent},
    gateway,
};

pub(crate) type Decision = Result<Vec<PaymentEvent>, Rejection>;

pub fn decide(payment: &Entity<'_, Payment>, command: &PaymentCommand, context: &Context<'_>) -> Decision {
    let by_staff = context.actor.is_staff() && matches!(command, PaymentCommand::RetryIntent { .. });
    if !context.actor.is_service() && !by_staff {
        return Err(Rejection::new("forbidden", "only the platform itself moves money"));
    }
    let id: PaymentId =
        context.key.parse().map_err(|_| Rejection::new("invalid_payment_id", "a payment's key is its id"))?;
    let Some(charge) = &payment.charge else { return begin(id, command) };
    match command {
        PaymentCommand::Authorise { .. } => Ok(Vec::new()),
        PaymentCommand::Capture {} => Ok(capture(id, charge)),
        PaymentCommand::Void {} => Ok(void(id, charge)),
        PaymentCommand::Refund { amount } => refund(id, charge, *amount),
        PaymentCommand::RecordGatewayResult { intent_id, result } => match payment.row(PENDING, intent_id) {
            Some(pending) => Ok(gateway::said(id, charge, *intent_id, &pending, result, context.at)),
            None => Ok(Vec::new()),
        },
        PaymentCommand::RetryIntent { intent_id } => retry(payment, charge, *intent_id, context),
    }
}

/// Nothing can be done with a payment but ask for it, first.
fn begin(id: PaymentId, command: &PaymentCommand) -> Decision {
    match command {
        PaymentCommand::Authorise { order_id, amount, method } => {
            if amount.amount <= 0 {
                return Err(Rejection::new("invalid_amount", "an amount is more than 0"));
            }
            let intent_id = intent(id, Operation::Authorise, 1);
            let (order_id, amount, method) = (*order_id, *amount, method.clone());
            Ok(vec![PaymentEvent::PaymentRequested { order_id, amount, method, intent_id }])
        }
        PaymentCommand::Refund { .. } => Err(exceeds(0)),
        _ => Ok(Vec::new()),
    }
}

fn capture(id: PaymentId, charge: &Charge) -> Vec<PaymentEvent> {
    if charge.stage != Stage::Authorised {
        return Vec::new();
    }
    let (order_id, amount, intent_id) = (charge.order_id, charge.amount, charge.next_intent(id, Operation::Capture));
    vec![PaymentEvent::CaptureRequested { order_id, intent_id, amount }]
}

/// Whatever the payment has come to, nothing of it shall stay with the shop.
fn void(id: PaymentId, charge: &Charge) -> Vec<PaymentEvent> {
    let order_id = charge.order_id;
    match charge.stage {
        Stage::Requested | Stage::Capturing if !charge.void_wanted => {
            vec![PaymentEvent::VoidRequested { order_id, intent_id: None }]
        }
        Stage::Authorised | Stage::CaptureFailed => vec![void_call(id, charge)],
        Stage::Captured => refund_rest(id, charge),
        Stage::Declined => vec![PaymentEvent::PaymentVoided { order_id, intent_id: None }],
        Stage::Requested | Stage::Capturing | Stage::Voiding | Stage::VoidFailed | Stage::Voided => Vec::new(),
    }
}

pub(crate) fn void_call(id: PaymentId, charge: &Charge) -> PaymentEvent {
    let intent_id = Some(charge.next_intent(id, Operation::Void));
    PaymentEvent::VoidRequested { order_id: charge.order_id, intent_id }
}

fn refund_rest(id: PaymentId, charge: &Charge) -> Vec<PaymentEvent> {
    match charge.refundable() {
        ..=0 => Vec::new(),
        rest => vec![refund_call(id, charge, Money { amount: rest, ..charge.amount })],
    }
}

pub(crate) fn refund_call(id: PaymentId, charge: &Charge, amount: Money) -> PaymentEvent {
    let intent_id = charge.next_intent(id, Operation::Refund);
    PaymentEvent::RefundRequested { order_id: charge.order_id, intent_id, amount }
}

/// What is under way and what was given back never come to more than was captured.
fn refund(id: PaymentId, charge: &Charge, amount: Money) -> Decision {
    if amount.amount <= 0 || amount.currency != charge.amount.currency {
        let detail = format!("a refund is more than 0, in {}", charge.amount.currency);
        return Err(Rejection::new("invalid_amount", detail));
    }
    if amount.amount > charge.refundable() {
        return Err(exceeds(charge.refundable()));
    }
    Ok(vec![refund_call(id, charge, amount)])
}

fn exceeds(left: i64) -> Rejection {
    Rejection::new("refund_exceeds_captured", format!("{left} can be refunded"))
}

/// The timer of a call tries it when it is due; staff, when it is parked.
fn retry(payment: &Entity<'_, Payment>, charge: &Charge, intent_id: IntentId, context: &Context<'_>) -> Decision {
    let Some(pending) = payment.row(PENDING, &intent_id) else {
        let unknown = || Err(Rejection::new("not_found", "no such call is under way"));
        return if context.actor.is_service() { Ok(Vec::new()) } else { unknown() };
    };
    let due = pending.retry_at.is_some_and(|retry_at| context.at >= retry_at);
    if !(due && context.actor.is_service() || pending.parked && context.actor.is_staff()) {
        return Ok(Vec::new());
    }
    let attempt = pending.attempt.saturating_add(1);
    Ok(vec![PaymentEvent::IntentRetried { order_id: charge.order_id, intent_id, attempt }])
}
