//! What can be asked: a payment with its attempts.

use tradewind_runtime::Views;
use tradewind_schemas::{
    IntentId, Money, PaymentId, Timestamp,
    payment::{AttemptView, Operation, PAYMENT, PaymentEvent, PaymentStatus, PaymentView},
};

use crate::events::{Charge, Payment, Stage};

/// How many attempts are shown, the last ones.
const SHOWN: usize = 20;

pub fn view(payment: &Payment, event: &PaymentEvent, at: Timestamp, views: &mut Views<'_>) {
    let (Ok(id), Some(charge)) = (views.key().parse::<PaymentId>(), &payment.charge) else { return };
    let before: Option<PaymentView> = views.get(PAYMENT, &());
    let mut attempts = before.map(|view| view.attempts).unwrap_or_default();
    follow(&mut attempts, event, at);
    let money = |amount| Money { amount, ..charge.amount };
    let view = PaymentView {
        id,
        order_id: charge.order_id,
        status: status(charge),
        amount: charge.amount,
        captured: money(charge.captured),
        refunded: money(charge.refunded),
        attempts,
    };
    views.put(PAYMENT, &(), &view);
}

fn status(charge: &Charge) -> PaymentStatus {
    match charge.stage {
        _ if charge.trouble => PaymentStatus::Parked,
        Stage::Requested => PaymentStatus::Requested,
        Stage::Authorised | Stage::CaptureFailed => PaymentStatus::Authorised,
        Stage::Declined => PaymentStatus::Declined,
        Stage::Capturing => PaymentStatus::Capturing,
        Stage::Captured if charge.refunding > 0 => PaymentStatus::Refunding,
        Stage::Captured if charge.refunded >= charge.captured => PaymentStatus::Refunded,
        Stage::Captured => PaymentStatus::Captured,
        Stage::Voiding => PaymentStatus::Voiding,
        Stage::VoidFailed => PaymentStatus::Parked,
        Stage::Voided => PaymentStatus::Voided,
    }
}

fn follow(attempts: &mut Vec<AttemptView>, event: &PaymentEvent, at: Timestamp) {
    match event {
        PaymentEvent::PaymentRequested { intent_id, .. } => begin(attempts, intent_id, Operation::Authorise, 1, at),
        PaymentEvent::CaptureRequested { intent_id, .. } => begin(attempts, intent_id, Operation::Capture, 1, at),
        PaymentEvent::VoidRequested { intent_id: Some(intent_id), .. } => {
            begin(attempts, intent_id, Operation::Void, 1, at)
        }
        PaymentEvent::RefundRequested { intent_id, .. } => begin(attempts, intent_id, Operation::Refund, 1, at),
        PaymentEvent::IntentRetried { intent_id, attempt, .. } => {
            let before = attempts.iter().rfind(|shown| shown.intent_id == *intent_id);
            if let Some(operation) = before.map(|shown| shown.operation) {
                begin(attempts, intent_id, operation, *attempt, at);
            }
        }
        PaymentEvent::PaymentAuthorised { intent_id, .. }
        | PaymentEvent::PaymentCaptured { intent_id, .. }
        | PaymentEvent::PaymentVoided { intent_id: Some(intent_id), .. }
        | PaymentEvent::PaymentRefunded { intent_id, .. } => end(attempts, intent_id, "succeeded"),
        PaymentEvent::PaymentDeclined { intent_id, .. } => end(attempts, intent_id, "declined"),
        PaymentEvent::CaptureFailed { intent_id, .. }
        | PaymentEvent::VoidFailed { intent_id, .. }
        | PaymentEvent::RefundFailed { intent_id, .. } => end(attempts, intent_id, "refused"),
        PaymentEvent::AttemptUnsettled { intent_id, .. } => end(attempts, intent_id, "unsettled"),
        PaymentEvent::VoidRequested { intent_id: None, .. } | PaymentEvent::PaymentVoided { intent_id: None, .. } => {}
    }
}

fn begin(attempts: &mut Vec<AttemptView>, intent_id: &IntentId, operation: Operation, attempt: i32, at: Timestamp) {
    if attempts.len() >= SHOWN {
        attempts.remove(0);
    }
    attempts.push(AttemptView { intent_id: *intent_id, operation, attempt, outcome: "pending".to_owned(), at });
}

fn end(attempts: &mut [AttemptView], intent_id: &IntentId, outcome: &str) {
    if let Some(shown) = attempts.iter_mut().rfind(|shown| shown.intent_id == *intent_id) {
        outcome.clone_into(&mut shown.outcome);
    }
}
