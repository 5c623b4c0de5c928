//! A payment, as its own events tell it.

use tradewind_schemas::{Money, OrderId, Timestamp, payment::PaymentEvent};

use super::{
    story::{PATIENCE, money},
    violation::{Breach, Invariant, Place, ensure},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Amounts without a currency are in that of `amount`.
pub struct Charge {
    pub order_id: OrderId,
    pub amount: Money,
    pub stage: Stage,
    void_wanted: bool,
    pub captured: i64,
    pub refunded: i64,
    /// Under way.
    pub refunding: i64,
    /// Staff must look.
    pub stuck: bool,
    /// By when it must have gone on.
    pub deadline: Timestamp,
    /// The last event's.
    pub last: Place,
}

impl Charge {
    /// Begins with a `PaymentRequested`; `None` with anything else.
    pub fn begin(event: &PaymentEvent, at: Timestamp, place: Place) -> Option<Self> {
        let PaymentEvent::PaymentRequested { order_id, amount, .. } = event else { return None };
        Some(Self {
            order_id: *order_id,
            amount: *amount,
            stage: Stage::Requested,
            void_wanted: false,
            captured: 0,
            refunded: 0,
            refunding: 0,
            stuck: false,
            deadline: at + PATIENCE,
            last: place,
        })
    }

    /// Captured and not given back.
    pub fn net(&self) -> i64 {
        self.captured - self.refunded
    }

    /// Whether nothing of it is with the shop, or can come to be.
    pub fn is_undone(&self) -> bool {
        match self.stage {
            Stage::Declined | Stage::Voided => true,
            Stage::Captured => self.net() == 0 && self.refunding == 0,
            _ => false,
        }
    }

    /// What is wrong with the next event.
    pub fn check(&self, event: &PaymentEvent) -> Result<(), Breach> {
        use PaymentEvent as E;
        let order_id = order_of(event);
        ensure(order_id == self.order_id, Invariant::OnePayment, self.order_id, order_id)?;
        let (so, expected) = match event {
            E::PaymentRequested { .. } => (false, "one PaymentRequested"),
            E::PaymentAuthorised { amount, .. } => {
                self.whole(*amount)?;
                (self.stage == Stage::Requested, "a payment that was requested")
            }
            E::PaymentDeclined { .. } => (self.stage == Stage::Requested, "a payment that was requested"),
            E::CaptureRequested { amount, .. } => {
                self.whole(*amount)?;
                (self.stage == Stage::Authorised && !self.void_wanted, "a payment that is authorised and wanted")
            }
            E::PaymentCaptured { amount, .. } => {
                self.whole(*amount)?;
                (self.stage == Stage::Capturing, "a payment whose capture is under way")
            }
            E::CaptureFailed { .. } => (self.stage == Stage::Capturing, "a payment whose capture is under way"),
            E::VoidRequested { intent_id: None, .. } => {
                (matches!(self.stage, Stage::Requested | Stage::Capturing), "a payment with a call under way")
            }
            E::VoidRequested { intent_id: Some(_), .. } => {
                (matches!(self.stage, Stage::Authorised | Stage::CaptureFailed), "a payment that is authorised")
            }
            E::PaymentVoided { intent_id: None, .. } => (self.stage == Stage::Declined, "a payment that was declined"),
            E::PaymentVoided { .. } | E::VoidFailed { .. } => {
                (self.stage == Stage::Voiding, "a payment whose void is under way")
            }
            E::RefundRequested { amount, .. } => {
                let left = self.captured - self.refunded - self.refunding;
                ensure(
                    (1..=left).contains(&amount.amount) && amount.currency == self.amount.currency,
                    Invariant::RefundWithinCapture,
                    format_args!("more than 0 and at most {left} {}", self.amount.currency),
                    money(*amount),
                )?;
                (true, "")
            }
            E::PaymentRefunded { amount, refunded, .. } => {
                let sum = self.refunded + amount.amount;
                let so = sum <= self.captured && amount.amount <= self.refunding && refunded.amount == sum;
                let expected = format!("{sum} in all, of {} captured and {} asked back", self.captured, self.refunding);
                ensure(so, Invariant::RefundWithinCapture, expected, money(*refunded))?;
                (true, "")
            }
            E::RefundFailed { amount, .. } => (amount.amount <= self.refunding, "a refund under way"),
            E::AttemptUnsettled { .. } | E::IntentRetried { .. } => (true, ""),
        };
        let actual = || format!("{} while {:?}", tradewind_schemas::kind(event), self.stage);
        if so { Ok(()) } else { Err(Breach::new(Invariant::PaymentStory, expected, actual())) }
    }

    fn whole(&self, amount: Money) -> Result<(), Breach> {
        ensure(amount == self.amount, Invariant::PaymentAmount, money(self.amount), money(amount))
    }

    /// Believes the event.
    pub fn take(&mut self, event: &PaymentEvent, at: Timestamp, place: Place) {
        use PaymentEvent as E;
        self.deadline = at + PATIENCE;
        self.last = place;
        match event {
            E::PaymentRequested { .. } => {}
            E::PaymentAuthorised { .. } => self.go(Stage::Authorised),
            E::PaymentDeclined { .. } => self.go(Stage::Declined),
            E::CaptureRequested { .. } => self.go(Stage::Capturing),
            E::PaymentCaptured { amount, .. } => {
                self.captured = self.captured.saturating_add(amount.amount);
                self.go(Stage::Captured);
            }
            E::CaptureFailed { .. } => self.go(Stage::CaptureFailed),
            E::VoidRequested { intent_id, .. } => {
                self.void_wanted = true;
                if intent_id.is_some() {
                    self.go(Stage::Voiding);
                }
            }
            E::PaymentVoided { .. } => self.go(Stage::Voided),
            E::VoidFailed { .. } => {
                self.stage = Stage::VoidFailed;
                self.stuck = true;
            }
            E::RefundRequested { amount, .. } => {
                self.refunding = self.refunding.saturating_add(amount.amount);
                self.stuck = false;
            }
            E::PaymentRefunded { amount, .. } => {
                self.refunding = self.refunding.saturating_sub(amount.amount);
                self.refunded = self.refunded.saturating_add(amount.amount);
                self.stuck = false;
            }
            E::RefundFailed { amount, .. } => {
                self.refunding = self.refunding.saturating_sub(amount.amount);
                self.stuck = true;
            }
            E::AttemptUnsettled { parked, .. } => self.stuck |= *parked,
            E::IntentRetried { .. } => self.stuck = false,
        }
    }

    fn go(&mut self, stage: Stage) {
        self.stage = stage;
        self.stuck = false;
    }
}

/// The order that an event of a payment is about.
pub fn order_of(event: &PaymentEvent) -> OrderId {
    match event {
        PaymentEvent::PaymentRequested { order_id, .. }
        | PaymentEvent::PaymentAuthorised { order_id, .. }
        | PaymentEvent::PaymentDeclined { order_id, .. }
        | PaymentEvent::CaptureRequested { order_id, .. }
        | PaymentEvent::PaymentCaptured { order_id, .. }
        | PaymentEvent::CaptureFailed { order_id, .. }
        | PaymentEvent::VoidRequested { order_id, .. }
        | PaymentEvent::PaymentVoided { order_id, .. }
        | PaymentEvent::VoidFailed { order_id, .. }
        | PaymentEvent::RefundRequested { order_id, .. }
        | PaymentEvent::PaymentRefunded { order_id, .. }
        | PaymentEvent::RefundFailed { order_id, .. }
        | PaymentEvent::AttemptUnsettled { order_id, .. }
        | PaymentEvent::IntentRetried { order_id, .. } => *order_id,
    }
}
