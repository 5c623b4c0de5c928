//! What is true of a payment.

use serde::{Deserialize, Serialize};
use tradewind_runtime::{Entity, Rows};
use tradewind_schemas::{
    IntentId, Money, OrderId, PaymentId, Timestamp,
    payment::{Operation, PaymentEvent, PaymentMethod},
};

/// The head: nothing, until it is asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Payment {
    pub charge: Option<Charge>,
}

/// A payment that was asked for. Amounts without a currency are in that of `amount`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Charge {
    pub order_id: OrderId,
    pub amount: Money,
    pub method: PaymentMethod,
    /// The gateway's id, once it is authorised.
    pub reference: Option<String>,
    pub stage: Stage,
    /// It is not wanted any more: what is under way is taken back as soon as its end is known.
    pub void_wanted: bool,
    pub captured: i64,
    pub refunded: i64,
    /// Under way.
    pub refunding: i64,
    /// How many intents there were.
    pub intents: i64,
    /// Staff must look.
    pub trouble: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    Requested,
    Authorised,
    Declined,
    Capturing,
    CaptureFailed,
    Captured,
    Voiding,
    VoidFailed,
    Voided,
}

/// A call to the gateway whose end is not known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    pub operation: Operation,
    pub amount: Money,
    /// Counts from 1.
    pub attempt: i32,
    /// When it is tried again; `None` while it is being tried.
    pub retry_at: Option<Timestamp>,
    /// It was tried often enough: it is tried again when staff say so.
    pub parked: bool,
}

/// Any number of refunds can be under way at once; of everything else, one call.
pub const PENDING: Rows<IntentId, Pending> = Rows::new(1);

impl Charge {
    /// What was captured and is neither given back nor about to be.
    pub fn refundable(&self) -> i64 {
        self.captured - self.refunded - self.refunding
    }

    /// The id of the call that is made next. The same command leads to the same id in every replay.
    pub fn next_intent(&self, payment_id: PaymentId, operation: Operation) -> IntentId {
        intent(payment_id, operation, self.intents + 1)
    }
}

pub fn intent(payment_id: PaymentId, operation: Operation, ordinal: i64) -> IntentId {
    let name = match operation {
        Operation::Authorise => "authorise",
        Operation::Capture => "capture",
        Operation::Void => "void",
        Operation::Refund => "refund",
    };
    IntentId::derived(payment_id.uuid(), &format!("{name} {ordinal}"))
}

pub fn evolve(payment: &mut Entity<'_, Payment>, event: &PaymentEvent) {
    keep_pending(payment, event);
    if let PaymentEvent::PaymentRequested { order_id, amount, method, .. } = event {
        payment.charge = Some(Charge {
            order_id: *order_id,
            amount: *amount,
            method: method.clone(),
            reference: None,
            stage: Stage::Requested,
            void_wanted: false,
            captured: 0,
            refunded: 0,
            refunding: 0,
            intents: 1,
            trouble: false,
        });
    } else if let Some(charge) = &mut payment.charge {
        go_on(charge, event);
    }
}

fn go_on(charge: &mut Charge, event: &PaymentEvent) {
    charge.trouble = match event {
        PaymentEvent::VoidFailed { .. } | PaymentEvent::RefundFailed { .. } => true,
        PaymentEvent::AttemptUnsettled { parked, .. } => charge.trouble || *parked,
        PaymentEvent::VoidRequested { intent_id: None, .. } => charge.trouble,
        _ => false,
    };
    match event {
        PaymentEvent::PaymentRequested { .. }
        | PaymentEvent::AttemptUnsettled { .. }
        | PaymentEvent::IntentRetried { .. } => {}
        PaymentEvent::PaymentAuthorised { reference, .. } => {
            charge.stage = Stage::Authorised;
            charge.reference = Some(reference.clone());
        }
        PaymentEvent::PaymentDeclined { .. } => charge.stage = Stage::Declined,
        PaymentEvent::CaptureRequested { .. } => {
            charge.stage = Stage::Capturing;
            charge.intents += 1;
        }
        PaymentEvent::PaymentCaptured { amount, .. } => {
            charge.stage = Stage::Captured;
            charge.captured = amount.amount;
        }
        PaymentEvent::CaptureFailed { .. } => charge.stage = Stage::CaptureFailed,
        PaymentEvent::VoidRequested { intent_id, .. } => {
            charge.void_wanted = true;
            if intent_id.is_some() {
                charge.stage = Stage::Voiding;
                charge.intents += 1;
            }
        }
        PaymentEvent::PaymentVoided { .. } => charge.stage = Stage::Voided,
        PaymentEvent::VoidFailed { .. } => charge.stage = Stage::VoidFailed,
        PaymentEvent::RefundRequested { amount, .. } => {
            charge.refunding += amount.amount;
            charge.intents += 1;
        }
        PaymentEvent::PaymentRefunded { amount, .. } => {
            charge.refunding -= amount.amount;
            charge.refunded += amount.amount;
        }
        PaymentEvent::RefundFailed { amount, .. } => charge.refunding -= amount.amount,
    }
}

/// Keeps the rows of calls under way.
fn keep_pending(payment: &mut Entity<'_, Payment>, event: &PaymentEvent) {
    let whole = payment.charge.as_ref().map(|charge| charge.amount);
    let begin = |operation, amount| Pending { operation, amount, attempt: 1, retry_at: None, parked: false };
    match (event, whole) {
        (PaymentEvent::PaymentRequested { intent_id, amount, .. }, _) => {
            payment.put(PENDING, intent_id, &begin(Operation::Authorise, *amount));
        }
        (PaymentEvent::CaptureRequested { intent_id, amount, .. }, _) => {
            payment.put(PENDING, intent_id, &begin(Operation::Capture, *amount));
        }
        (PaymentEvent::VoidRequested { intent_id: Some(intent_id), .. }, Some(amount)) => {
            payment.put(PENDING, intent_id, &begin(Operation::Void, amount));
        }
        (PaymentEvent::RefundRequested { intent_id, amount, .. }, _) => {
            payment.put(PENDING, intent_id, &begin(Operation::Refund, *amount));
        }
        (PaymentEvent::AttemptUnsettled { intent_id, retry_at, parked, .. }, _) => {
            change(payment, intent_id, |pending| {
                pending.retry_at = *retry_at;
                pending.parked = *parked;
            });
        }
        (PaymentEvent::IntentRetried { intent_id, attempt, .. }, _) => {
            change(payment, intent_id, |pending| {
                *pending = Pending { attempt: *attempt, retry_at: None, parked: false, ..pending.clone() };
            });
        }
        (
            PaymentEvent::PaymentAuthorised { intent_id, .. }
            | PaymentEvent::PaymentDeclined { intent_id, .. }
            | PaymentEvent::PaymentCaptured { intent_id, .. }
            | PaymentEvent::CaptureFailed { intent_id, .. }
            | PaymentEvent::PaymentVoided { intent_id: Some(intent_id), .. }
            | PaymentEvent::VoidFailed { intent_id, .. }
            | PaymentEvent::PaymentRefunded { intent_id, .. }
            | PaymentEvent::RefundFailed { intent_id, .. },
            _,
        ) => payment.remove(PENDING, intent_id),
        (PaymentEvent::VoidRequested { .. } | PaymentEvent::PaymentVoided { intent_id: None, .. }, _) => {}
    }
}

fn change(payment: &mut Entity<'_, Payment>, intent_id: &IntentId, how: impl FnOnce(&mut Pending)) {
    if let Some(mut pending) = payment.row(PENDING, intent_id) {
        how(&mut pending);
        payment.put(PENDING, intent_id, &pending);
    }
}
