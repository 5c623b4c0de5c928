//! An order, as its own events tell it.

use std::time::Duration;

use tradewind_schemas::{
    Money, PaymentId, Timestamp, discounted,
    order::{OrderEvent, OrderLine},
};

use super::violation::{Breach, Invariant, Place, ensure};

/// Money under way is tried for most of an hour before it is left to staff; and where nothing has a deadline of its
/// own, this is one. Measured on the events' own clock, so that a platform at rest does not make its orders late.
pub const PATIENCE: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Reserving,
    Authorising,
    Committing,
    Capturing,
    Confirmed,
    Rejected,
    Cancelled,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Self::Reserving => "reserving",
            Self::Authorising => "authorising",
            Self::Committing => "committing",
            Self::Capturing => "capturing",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Asked,
    Reserved,
    CommitAsked,
    Committed,
}

/// What is sold of one SKU.
pub struct Line {
    /// The SKU's number in the books.
    pub sku: usize,
    pub quantity: i64,
    said: Said,
}

pub struct Story {
    pub stage: Stage,
    pub lines: Vec<Line>,
    pub grand_total: Money,
    pub payment_id: PaymentId,
    pub confirmed: bool,
    pub captured: Option<i64>,
    pub refunded: i64,
    /// Staff were told to look after the payment.
    pub stuck: bool,
    payment_asked: bool,
    /// By when it must have gone on.
    pub deadline: Timestamp,
    /// The last event's.
    pub last: Place,
}

impl Story {
    /// Begins with an `OrderPlaced`; `None` with anything else. `number` gives a SKU its number in the books.
    pub fn begin(event: &OrderEvent, place: Place, mut number: impl FnMut(&OrderLine) -> usize) -> Option<Self> {
        let OrderEvent::OrderPlaced { lines: ordered, grand_total, payment_id, stock_deadline, .. } = event else {
            return None;
        };
        let mut lines: Vec<Line> = Vec::with_capacity(ordered.len());
        for line in ordered {
            let sku = number(line);
            match lines.iter_mut().find(|known| known.sku == sku) {
                Some(known) => known.quantity = known.quantity.saturating_add(line.quantity),
                None => lines.push(Line { sku, quantity: line.quantity, said: Said::Asked }),
            }
        }
        Some(Self {
            stage: Stage::Reserving,
            lines,
            grand_total: *grand_total,
            payment_id: *payment_id,
            confirmed: false,
            captured: None,
            refunded: 0,
            stuck: false,
            payment_asked: false,
            deadline: *stock_deadline + PATIENCE,
            last: place,
        })
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Rejected | Stage::Cancelled)
    }

    /// Captured less refunded, as the order says.
    pub fn net(&self) -> i64 {
        self.captured.unwrap_or_default() - self.refunded
    }

    /// What is wrong with the next event. `sku` is the number of the SKU that it names.
    pub fn check(&self, event: &OrderEvent, sku: Option<usize>) -> Result<(), Breach> {
        let line = || self.lines.iter().find(|line| Some(line.sku) == sku);
        let said = |what| line().is_some_and(|line| line.said == what);
        let all = |what| self.lines.iter().all(|line| line.said == what);
        let (so, expected) = match event {
            OrderEvent::OrderPlaced { .. } => {
                return Err(Breach::new(Invariant::PlacedOnce, "one OrderPlaced", "another"));
            }
            OrderEvent::LineReserved { .. } => (said(Said::Asked), "a line whose stock is asked for"),
            OrderEvent::StockDeadlineExtended { .. } => {
                (matches!(self.stage, Stage::Reserving | Stage::Committing), "an order that is reserving or committing")
            }
            OrderEvent::StockSecured { .. } => (
                self.stage == Stage::Reserving && all(Said::Reserved),
                "an order that is reserving, each line reserved",
            ),
            OrderEvent::PaymentSecured {} => (self.stage == Stage::Authorising, "an order that is authorising"),
            OrderEvent::LineCommitted { .. } => (said(Said::CommitAsked), "a line whose commit is asked for"),
            OrderEvent::StockCommitted {} => {
                let so = self.stage == Stage::Committing && all(Said::Committed);
                (so, "an order that is committing, each line committed")
            }
            OrderEvent::OrderConfirmed { captured } => {
                ensure(
                    *captured == self.grand_total,
                    Invariant::ConfirmedWithPayment,
                    money(self.grand_total),
                    money(*captured),
                )?;
                (self.stage == Stage::Capturing, "an order that is capturing")
            }
            OrderEvent::OrderRejected { .. } => {
                (!self.has_ended() && self.stage != Stage::Confirmed, "an order that is neither confirmed nor ended")
            }
            OrderEvent::OrderCancelled { .. } => (!self.has_ended(), "an order that has not ended"),
            OrderEvent::PaymentCapturedLate { .. } => {
                (self.has_ended() && self.captured.is_none(), "an order that has ended, with nothing captured")
            }
            OrderEvent::PaymentReversed { refunded, .. } => {
                let back = self.refunded.saturating_add(refunded.map_or(0, |refunded| refunded.amount));
                let taken = self.captured.unwrap_or_default();
                ensure(back <= taken, Invariant::RefundWithinCapture, format_args!("at most {taken}"), back)?;
                (self.has_ended() && self.payment_asked, "an order that has ended, with a payment")
            }
            OrderEvent::PaymentStuck { .. } => (self.payment_asked, "an order with a payment"),
        };
        let actual = || format!("{} while {}", tradewind_schemas::kind(event), self.stage.name());
        if so { Ok(()) } else { Err(Breach::new(Invariant::OrderStory, expected, actual())) }
    }

    /// Believes the event.
    pub fn take(&mut self, event: &OrderEvent, sku: Option<usize>, at: Timestamp, place: Place) {
        let mut deadline = at + PATIENCE;
        match event {
            OrderEvent::OrderPlaced { .. } => {}
            OrderEvent::LineReserved { .. } => {
                self.say(sku, Said::Reserved);
                deadline = self.deadline;
            }
            OrderEvent::StockDeadlineExtended { stock_deadline } => deadline = *stock_deadline + PATIENCE,
            OrderEvent::StockSecured { payment_deadline } => {
                self.stage = Stage::Authorising;
                self.payment_asked = true;
                deadline = *payment_deadline + PATIENCE;
            }
            OrderEvent::PaymentSecured {} => {
                self.stage = Stage::Committing;
                self.stuck = false;
                self.lines.iter_mut().for_each(|line| line.said = Said::CommitAsked);
            }
            OrderEvent::LineCommitted { .. } => self.say(sku, Said::Committed),
            OrderEvent::StockCommitted {} => self.stage = Stage::Capturing,
            OrderEvent::OrderConfirmed { captured } => {
                self.stage = Stage::Confirmed;
                self.confirmed = true;
                self.captured = Some(captured.amount);
                self.stuck = false;
            }
            OrderEvent::OrderRejected { .. } => self.stage = Stage::Rejected,
            OrderEvent::OrderCancelled { .. } => self.stage = Stage::Cancelled,
            OrderEvent::PaymentCapturedLate { captured } => self.captured = Some(captured.amount),
            OrderEvent::PaymentReversed { refunded, .. } => {
                self.refunded = self.refunded.saturating_add(refunded.map_or(0, |refunded| refunded.amount));
                self.stuck = false;
            }
            OrderEvent::PaymentStuck { .. } => self.stuck = true,
        }
        self.deadline = deadline;
        self.last = place;
    }

    fn say(&mut self, sku: Option<usize>, said: Said) {
        if let Some(line) = self.lines.iter_mut().find(|line| Some(line.sku) == sku) {
            line.said = said;
        }
    }
}

/// What is wrong with the sums of an order that is placed.
pub fn sums(lines: &[OrderLine], grand_total: Money) -> Result<(), Breach> {
    for line in lines {
        let at = |total| format!("{total} in line {}", line.id);
        match discounted(line.unit_price, line.quantity, line.discount_bp) {
            Ok(total) => {
                ensure(total == line.total, Invariant::LineTotals, at(money(total)), at(money(line.total)))?;
            }
            Err(error) => return Err(Breach::new(Invariant::LineTotals, at("a total".to_owned()), error)),
        }
    }
    match Money::sum(grand_total.currency, lines.iter().map(|line| line.total)) {
        Ok(sum) => ensure(sum == grand_total, Invariant::GrandTotal, money(sum), money(grand_total)),
        Err(error) => Err(Breach::new(Invariant::GrandTotal, "a sum", error)),
    }
}

/// In minor units, as it is on the log.
pub fn money(money: Money) -> String {
    format!("{} {}", money.amount, money.currency)
}
