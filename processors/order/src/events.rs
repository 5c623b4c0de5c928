//! What is true of an order.

use serde::{Deserialize, Serialize};
use tradewind_schemas::{
    CustomerId, Money, PaymentId, Sku, Timestamp,
    order::{OrderEvent, OrderStatus},
    payment::PaymentMethod,
};

/// The head: nothing, until the order is placed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Order {
    pub placed: Option<Placed>,
}

/// An order that was placed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Placed {
    pub customer_id: CustomerId,
    pub lines: Vec<Line>,
    pub grand_total: Money,
    pub placed_at: Timestamp,
    pub reserve_until: Timestamp,
    pub stock_deadline: Timestamp,
    /// Known when the payment is asked for.
    pub payment_deadline: Option<Timestamp>,
    pub payment_id: PaymentId,
    pub payment_method: PaymentMethod,
    pub stage: Stage,
    pub payment: Payment,
    /// Staff were told to look after the payment.
    pub stuck: bool,
    /// What was taken, and given back since.
    pub captured: Option<Money>,
    pub refunded: Money,
}

/// What is sold of one SKU: every line has its own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    pub sku: Sku,
    pub quantity: i64,
    pub held: Held,
}

/// What inventory has said of a line. It stays as it was when the order ends: an answer that comes after that moves it
/// on, and what it holds is given up then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    Asked,
    Reserved,
    CommitAsked,
    Committed,
}

/// Where the saga is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    Reserving,
    Authorising,
    Committing,
    Capturing,
    Confirmed,
    Rejected,
    Cancelled,
}

/// The reason of orders that inventory did not answer in time.
pub const STOCK_TIMEOUT: &str = "stock_timeout";

/// What is known of the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payment {
    NotAsked,
    Requested,
    Authorised,
    Declined,
    Capturing,
    Captured,
    /// The money is to stay with, or go back to, the customer.
    Voiding,
    Refunding,
    Voided,
    Refunded,
}

impl Placed {
    pub fn line(&self, sku: &Sku) -> Option<&Line> {
        self.lines.iter().find(|line| line.sku == *sku)
    }

    /// Whether all lines but this one are held so.
    pub fn others_are(&self, sku: &Sku, held: Held) -> bool {
        self.lines.iter().all(|line| line.sku == *sku || line.held == held)
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Rejected | Stage::Cancelled)
    }

    pub fn status(&self) -> OrderStatus {
        match self.stage {
            Stage::Confirmed => OrderStatus::Confirmed,
            Stage::Rejected => OrderStatus::Rejected,
            Stage::Cancelled => OrderStatus::Cancelled,
            _ => OrderStatus::Placed,
        }
    }

    /// Whether the payment is being taken back.
    pub fn is_reversing(&self) -> bool {
        matches!(self.payment, Payment::Voiding | Payment::Refunding)
    }

    fn hold(&mut self, sku: &Sku, held: Held) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.sku == *sku) {
            line.held = held;
        }
    }

    fn end(&mut self, stage: Stage) {
        self.stage = stage;
        self.payment = match self.payment {
            Payment::NotAsked | Payment::Declined => self.payment,
            _ if self.captured.is_some() => Payment::Refunding,
            _ => Payment::Voiding,
        };
    }
}

pub fn evolve(order: &mut Order, event: &OrderEvent) {
    if let OrderEvent::OrderPlaced { .. } = event {
        order.placed = placed(event);
    } else if let Some(placed) = &mut order.placed {
        go_on(placed, event);
    }
}

fn placed(event: &OrderEvent) -> Option<Placed> {
    let OrderEvent::OrderPlaced {
        customer_id,
        lines,
        grand_total,
        payment_id,
        payment_method,
        placed_at,
        reserve_until,
        stock_deadline,
        ..
    } = event
    else {
        return None;
    };
    let asked = |sku: &Sku, quantity| Line { sku: sku.clone(), quantity, held: Held::Asked };
    Some(Placed {
        customer_id: *customer_id,
        lines: lines.iter().map(|line| asked(&line.sku, line.quantity)).collect(),
        grand_total: *grand_total,
        placed_at: *placed_at,
        reserve_until: *reserve_until,
        stock_deadline: *stock_deadline,
        payment_deadline: None,
        payment_id: *payment_id,
        payment_method: payment_method.clone(),
        stage: Stage::Reserving,
        payment: Payment::NotAsked,
        stuck: false,
        captured: None,
        refunded: Money::zero(grand_total.currency),
    })
}

fn go_on(order: &mut Placed, event: &OrderEvent) {
    match event {
        OrderEvent::OrderPlaced { .. } => {}
        OrderEvent::LineReserved { sku } => order.hold(sku, Held::Reserved),
        OrderEvent::StockDeadlineExtended { stock_deadline } => order.stock_deadline = *stock_deadline,
        OrderEvent::StockSecured { payment_deadline } => {
            order.stage = Stage::Authorising;
            order.payment = Payment::Requested;
            order.payment_deadline = Some(*payment_deadline);
        }
        OrderEvent::PaymentSecured {} => {
            order.stage = Stage::Committing;
            order.payment = Payment::Authorised;
            order.stuck = false;
            order.lines.iter_mut().for_each(|line| line.held = Held::CommitAsked);
        }
        OrderEvent::LineCommitted { sku } => order.hold(sku, Held::Committed),
        OrderEvent::StockCommitted {} => {
            order.stage = Stage::Capturing;
            order.payment = Payment::Capturing;
        }
        OrderEvent::OrderConfirmed { captured } => {
            order.stage = Stage::Confirmed;
            order.payment = Payment::Captured;
            order.captured = Some(*captured);
            order.stuck = false;
        }
        OrderEvent::OrderRejected { reason, .. } => {
            if reason == "payment_declined" {
                order.payment = Payment::Declined;
            }
            order.end(Stage::Rejected);
        }
        OrderEvent::OrderCancelled { .. } => order.end(Stage::Cancelled),
        OrderEvent::PaymentCapturedLate { captured } => {
            order.captured = Some(*captured);
            order.payment = Payment::Refunding;
        }
        OrderEvent::PaymentReversed { voided, refunded } => {
            order.payment = if *voided { Payment::Voided } else { Payment::Refunded };
            order.refunded.amount += refunded.map_or(0, |refunded| refunded.amount);
            order.stuck = false;
        }
        OrderEvent::PaymentStuck { .. } => order.stuck = true,
    }
}
