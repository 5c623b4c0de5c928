//! What the gateway said of a call, and what that means to the payment.

use std::time::Duration;

use tradewind_schemas::{
    IntentId, Money, PaymentId, Timestamp,
    payment::{GatewayResult, Operation, PaymentEvent},
};

use crate::{
    commands::{refund_call, void_call},
    events::{Charge, Pending},
};

/// After so many attempts a call is left to staff.
const MOST_ATTEMPTS: i32 = 12;
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// In characters: what a gateway says is of any length.
const LONGEST_TEXT: usize = 500;

/// The events of a result of a call that is under way.
pub fn said(
    id: PaymentId,
    charge: &Charge,
    intent_id: IntentId,
    pending: &Pending,
    result: &GatewayResult,
    at: Timestamp,
) -> Vec<PaymentEvent> {
    match result {
        GatewayResult::Unsettled { why } => unsettled(charge, intent_id, pending, why, at),
        GatewayResult::Succeeded { reference } => succeeded(id, charge, intent_id, pending, reference),
        GatewayResult::Declined { code, message } | GatewayResult::Refused { code, message } => {
            failed(id, charge, intent_id, pending, clipped(code), clipped(message))
        }
    }
}

fn succeeded(
    id: PaymentId,
    charge: &Charge,
    intent_id: IntentId,
    pending: &Pending,
    reference: &str,
) -> Vec<PaymentEvent> {
    let (order_id, amount) = (charge.order_id, pending.amount);
    let mut events = vec![match pending.operation {
        Operation::Authorise => {
            let reference = reference.to_owned();
            PaymentEvent::PaymentAuthorised { order_id, intent_id, amount, reference }
        }
        Operation::Capture => PaymentEvent::PaymentCaptured { order_id, intent_id, amount },
        Operation::Void => PaymentEvent::PaymentVoided { order_id, intent_id: Some(intent_id) },
        Operation::Refund => {
            let refunded = Money { amount: charge.refunded + amount.amount, ..amount };
            PaymentEvent::PaymentRefunded { order_id, intent_id, amount, refunded }
        }
    }];
    match pending.operation {
        Operation::Authorise if charge.void_wanted => events.push(void_call(id, charge)),
        Operation::Capture if charge.void_wanted => events.push(refund_call(id, charge, amount)),
        _ => {}
    }
    events
}

fn failed(
    id: PaymentId,
    charge: &Charge,
    intent_id: IntentId,
    pending: &Pending,
    code: String,
    message: String,
) -> Vec<PaymentEvent> {
    let order_id = charge.order_id;
    match pending.operation {
        Operation::Authorise => {
            let mut events = vec![PaymentEvent::PaymentDeclined { order_id, intent_id, code, message }];
            if charge.void_wanted {
                events.push(PaymentEvent::PaymentVoided { order_id, intent_id: None });
            }
            events
        }
        Operation::Capture => {
            let mut events = vec![PaymentEvent::CaptureFailed { order_id, intent_id, code, message }];
            if charge.void_wanted {
                events.push(void_call(id, charge));
            }
            events
        }
        Operation::Void => vec![PaymentEvent::VoidFailed { order_id, intent_id, code, message }],
        Operation::Refund => {
            let amount = pending.amount;
            vec![PaymentEvent::RefundFailed { order_id, intent_id, amount, code, message }]
        }
    }
}

/// Said again of the same attempt, it is nothing new.
fn unsettled(charge: &Charge, intent_id: IntentId, pending: &Pending, why: &str, at: Timestamp) -> Vec<PaymentEvent> {
    if pending.retry_at.is_some() || pending.parked {
        return Vec::new();
    }
    let attempt = pending.attempt;
    let parked = attempt >= MOST_ATTEMPTS;
    let retry_at = (!parked).then(|| at + wait_after(attempt));
    let why = clipped(why);
    vec![PaymentEvent::AttemptUnsettled { order_id: charge.order_id, intent_id, why, attempt, retry_at, parked }]
}

/// 1 s after the first attempt, then twice as long each time.
fn wait_after(attempt: i32) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or_default().min(16);
    LONGEST_WAIT.min(Duration::from_secs(1 << doublings))
}

fn clipped(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}
