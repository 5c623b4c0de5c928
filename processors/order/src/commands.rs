//! What happens to an order. An answer that no longer changes anything is heard without an event.

use std::time::Duration;

use tradewind_runtime::Context;
use tradewind_schemas::{
    Actor, Money, Rejection, Sku, Timestamp,
    order::{OrderCommand, OrderEvent},
    payment::Operation,
};

use crate::{
    Deadlines,
    events::{Held, Order, Placed, STOCK_TIMEOUT, Stage},
    place,
};

/// In characters.
const LONGEST_REASON: usize = 500;
/// A timer that fires this much after it was due says that the platform was away.
const AWAY: Duration = Duration::from_secs(5);

type Decision = Result<Vec<OrderEvent>, Rejection>;

pub fn decide(order: &Order, command: &OrderCommand, deadlines: &Deadlines, context: &Context<'_>) -> Decision {
    match (command, &order.placed) {
        (OrderCommand::PlaceOrder { .. }, None) => place::place(command, deadlines, context),
        (OrderCommand::PlaceOrder { customer_id, .. }, Some(_)) => {
            if !context.actor.is_staff() && context.actor.user_id != Some(*customer_id) {
                return Err(Rejection::new("forbidden", "only staff place orders for others"));
            }
            Err(Rejection::new("order_exists", "this order was placed before"))
        }
        (OrderCommand::CancelOrder { reason }, Some(placed)) => cancel(placed, reason.as_deref(), context.actor),
        (OrderCommand::CancelOrder { .. }, None) => Err(not_found()),
        _ if !context.actor.is_service() => Err(Rejection::new("forbidden", "only the platform itself answers")),
        (_, None) => Ok(Vec::new()),
        (_, Some(placed)) => Ok(answered(placed, command, deadlines, context.at)),
    }
}

fn not_found() -> Rejection {
    Rejection::new("not_found", "there is no such order")
}

fn cancel(order: &Placed, reason: Option<&str>, actor: &Actor) -> Decision {
    if !(actor.is_staff() || actor.is_service() || actor.user_id == Some(order.customer_id)) {
        return Err(not_found());
    }
    if reason.is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        return Err(Rejection::new("invalid_reason", format!("a reason has at most {LONGEST_REASON} characters")));
    }
    match order.stage {
        Stage::Cancelled => Ok(Vec::new()),
        Stage::Rejected => Err(Rejection::new("order_not_cancellable", "the order was rejected")),
        Stage::Reserving | Stage::Authorising | Stage::Committing | Stage::Capturing | Stage::Confirmed => {
            Ok(vec![OrderEvent::OrderCancelled { reason: reason.map(str::to_owned) }])
        }
    }
}

/// Answers of inventory and payment, and fired timers.
fn answered(order: &Placed, command: &OrderCommand, deadlines: &Deadlines, at: Timestamp) -> Vec<OrderEvent> {
    match command {
        OrderCommand::PlaceOrder { .. } | OrderCommand::CancelOrder { .. } => Vec::new(),
        OrderCommand::StockReserved { sku } => reserved(order, sku, deadlines, at),
        OrderCommand::StockRefused { sku, available } => match (order.stage, order.line(sku)) {
            (Stage::Reserving, Some(line)) => {
                let detail = format!("{} of {sku} were asked for, {available} are available", line.quantity);
                vec![rejected("out_of_stock", detail, vec![sku.clone()])]
            }
            _ => Vec::new(),
        },
        OrderCommand::ReservationCommitted { sku } => committed(order, sku),
        OrderCommand::CommitRefused { sku } => match (order.stage, order.line(sku).map(|line| line.held)) {
            (Stage::Committing, Some(Held::CommitAsked)) => {
                let detail = format!("the reservation of {sku} had expired when the payment came");
                vec![rejected("stock_expired", detail, vec![sku.clone()])]
            }
            _ => Vec::new(),
        },
        OrderCommand::StockDeadlinePassed {} => stock_deadline(order, deadlines, at),
        OrderCommand::PaymentDeadlinePassed {} => match (order.stage, order.payment_deadline) {
            (Stage::Authorising, Some(deadline)) if at >= deadline => {
                vec![rejected("payment_timeout", "the payment was not authorised in time", Vec::new())]
            }
            // It was authorised, and inventory's answer is long overdue: it is asked once more.
            (Stage::Committing, Some(deadline)) if at >= deadline => vec![extended(at + deadlines.stock)],
            _ => Vec::new(),
        },
        of_payment => paid(order, of_payment),
    }
}

/// Once the order has ended, the event's reaction gives the stock up again.
fn reserved(order: &Placed, sku: &Sku, deadlines: &Deadlines, at: Timestamp) -> Vec<OrderEvent> {
    if order.line(sku).is_none_or(|line| line.held != Held::Asked) {
        return Vec::new();
    }
    let mut events = vec![OrderEvent::LineReserved { sku: sku.clone() }];
    if order.stage == Stage::Reserving && order.others_are(sku, Held::Reserved) {
        events.push(OrderEvent::StockSecured { payment_deadline: at + deadlines.payment });
    }
    events
}

fn committed(order: &Placed, sku: &Sku) -> Vec<OrderEvent> {
    if order.line(sku).is_none_or(|line| line.held != Held::CommitAsked) {
        return Vec::new();
    }
    let mut events = vec![OrderEvent::LineCommitted { sku: sku.clone() }];
    if order.stage == Stage::Committing && order.others_are(sku, Held::Committed) {
        events.push(OrderEvent::StockCommitted {});
    }
    events
}

/// A deadline noticed late is no reason to give up: what kept this capability away has kept inventory's answers away
/// too. It gets its time once more, as long as the payment still fits in before the reservations end.
///
/// A commit that is not answered is asked for again until the reservations end.
fn stock_deadline(order: &Placed, deadlines: &Deadlines, at: Timestamp) -> Vec<OrderEvent> {
    if at < order.stock_deadline {
        return Vec::new();
    }
    let next = at + deadlines.stock;
    let silent = |held| order.lines.iter().filter(|line| line.held == held).map(|line| line.sku.clone()).collect();
    match order.stage {
        Stage::Reserving if at >= order.stock_deadline + AWAY && next + deadlines.payment <= order.reserve_until => {
            vec![extended(next)]
        }
        Stage::Reserving => {
            vec![rejected(STOCK_TIMEOUT, "the stock was not reserved in time", silent(Held::Asked))]
        }
        Stage::Committing if at < order.reserve_until => vec![extended(next)],
        Stage::Committing => {
            vec![rejected(STOCK_TIMEOUT, "the stock was not committed in time", silent(Held::CommitAsked))]
        }
        _ => Vec::new(),
    }
}

fn extended(stock_deadline: Timestamp) -> OrderEvent {
    OrderEvent::StockDeadlineExtended { stock_deadline }
}

fn paid(order: &Placed, command: &OrderCommand) -> Vec<OrderEvent> {
    match (command, order.stage) {
        (OrderCommand::PaymentAuthorised {}, Stage::Authorising) => vec![OrderEvent::PaymentSecured {}],
        (OrderCommand::PaymentDeclined { code, message }, Stage::Authorising) => {
            vec![rejected("payment_declined", format!("{message} ({code})"), Vec::new())]
        }
        (OrderCommand::PaymentCaptured { amount }, Stage::Capturing) => {
            vec![OrderEvent::OrderConfirmed { captured: *amount }]
        }
        (OrderCommand::PaymentCaptured { amount }, Stage::Rejected | Stage::Cancelled) if order.captured.is_none() => {
            vec![OrderEvent::PaymentCapturedLate { captured: *amount }]
        }
        (OrderCommand::CaptureFailed { code, message }, Stage::Capturing) => {
            vec![rejected("capture_failed", format!("{message} ({code})"), Vec::new())]
        }
        (OrderCommand::PaymentVoided {}, _) if order.is_reversing() => {
            vec![OrderEvent::PaymentReversed { voided: true, refunded: None }]
        }
        (OrderCommand::PaymentRefunded { amount }, _) if order.is_reversing() && fits(order, *amount) => {
            vec![OrderEvent::PaymentReversed { voided: false, refunded: Some(*amount) }]
        }
        (OrderCommand::VoidFailed { code, message }, _) if order.is_reversing() => {
            stuck(order, Operation::Void, code, message)
        }
        (OrderCommand::RefundFailed { code, message, .. }, _) if order.is_reversing() => {
            stuck(order, Operation::Refund, code, message)
        }
        (OrderCommand::PaymentParked { operation, why }, stage) if stage != Stage::Confirmed => {
            stuck(order, *operation, "unsettled", why)
        }
        _ => Vec::new(),
    }
}

/// Never more goes back than was taken.
fn fits(order: &Placed, refund: Money) -> bool {
    let sum = order.refunded.plus(refund);
    matches!((sum, order.captured), (Ok(sum), Some(captured)) if sum.amount <= captured.amount)
}

fn stuck(order: &Placed, operation: Operation, code: &str, message: &str) -> Vec<OrderEvent> {
    if order.stuck {
        return Vec::new();
    }
    let what = match operation {
        Operation::Authorise => "authorise",
        Operation::Capture => "capture",
        Operation::Void => "void",
        Operation::Refund => "refund",
    };
    vec![OrderEvent::PaymentStuck { what: what.to_owned(), code: code.to_owned(), message: message.to_owned() }]
}

fn rejected(reason: &str, detail: impl Into<String>, skus: Vec<Sku>) -> OrderEvent {
    OrderEvent::OrderRejected { reason: reason.to_owned(), detail: detail.into(), skus }
}
