//! What follows from an order's events: this is the saga.
//!
//! ```text
//! OrderPlaced ─► reserve each SKU ─► StockSecured ─► authorise ─► PaymentSecured ─► commit each
//!   ─► StockCommitted ─► capture ─► OrderConfirmed
//! ```
//! Whatever ends it early (a refusal, a decline, a deadline, a cancellation) gives up what is held at once, and what
//! is still being answered when its answer comes.

use tradewind_runtime::Reactions;
use tradewind_schemas::{
    OrderId, Rejection, Sku,
    edge::Settled,
    inventory::InventoryCommand,
    order::{CustomerOrder, OrderCommand, OrderEvent},
    payment::PaymentCommand,
};
use tradewind_topics::list::{INVENTORY_COMMANDS, ORDER_BY_CUSTOMER, PAYMENT_COMMANDS};

use crate::events::{Held, Order, Payment, Placed, STOCK_TIMEOUT, Stage};

type To = Reactions<OrderCommand>;

pub fn react(order: &Order, event: &OrderEvent, to: &mut To) {
    let (Ok(order_id), Some(order)) = (to.key().parse::<OrderId>(), &order.placed) else { return };
    match event {
        OrderEvent::OrderPlaced { .. } => {
            for line in &order.lines {
                let (quantity, until) = (line.quantity, order.reserve_until);
                let reserve = InventoryCommand::ReserveStock { order_id, quantity, until };
                to.send(INVENTORY_COMMANDS, line.sku.clone(), reserve);
            }
            to.remind(order.stock_deadline, OrderCommand::StockDeadlinePassed {});
            list(order_id, order, to);
        }
        OrderEvent::StockDeadlineExtended { stock_deadline } => {
            to.remind(*stock_deadline, OrderCommand::StockDeadlinePassed {});
            if order.stage == Stage::Committing {
                for line in order.lines.iter().filter(|line| line.held == Held::CommitAsked) {
                    to.send(INVENTORY_COMMANDS, line.sku.clone(), InventoryCommand::CommitReservation { order_id });
                }
            }
        }
        OrderEvent::LineReserved { sku } if order.has_ended() => {
            to.send(INVENTORY_COMMANDS, sku.clone(), InventoryCommand::ReleaseReservation { order_id });
        }
        OrderEvent::StockSecured { payment_deadline } => {
            let (amount, method) = (order.grand_total, order.payment_method.clone());
            to.send(PAYMENT_COMMANDS, order.payment_id, PaymentCommand::Authorise { order_id, amount, method });
            to.remind(*payment_deadline, OrderCommand::PaymentDeadlinePassed {});
        }
        OrderEvent::PaymentSecured {} => {
            for line in &order.lines {
                to.send(INVENTORY_COMMANDS, line.sku.clone(), InventoryCommand::CommitReservation { order_id });
            }
        }
        OrderEvent::LineCommitted { sku } if order.has_ended() => {
            to.send(INVENTORY_COMMANDS, sku.clone(), InventoryCommand::ReturnStock { order_id });
        }
        OrderEvent::StockCommitted {} => to.send(PAYMENT_COMMANDS, order.payment_id, PaymentCommand::Capture {}),
        OrderEvent::OrderConfirmed { .. } => {
            to.settle(Settled::Accepted {});
            list(order_id, order, to);
        }
        OrderEvent::OrderRejected { reason, detail, skus } => {
            give_up(order_id, order, to);
            if reason == STOCK_TIMEOUT {
                // No answer may ever come: what was committed all the same is returned unasked.
                for line in order.lines.iter().filter(|line| line.held == Held::CommitAsked) {
                    to.send(INVENTORY_COMMANDS, line.sku.clone(), InventoryCommand::ReturnStock { order_id });
                }
            }
            to.settle(Settled::Rejected { rejection: rejection(order, reason, detail, skus) });
            list(order_id, order, to);
        }
        OrderEvent::OrderCancelled { .. } => {
            give_up(order_id, order, to);
            // Who placed a confirmed order has had the answer.
            if order.captured.is_none() {
                let rejection = Rejection::new("cancelled", "the order was cancelled before it was confirmed");
                to.settle(Settled::Rejected { rejection });
            }
            list(order_id, order, to);
        }
        OrderEvent::LineReserved { .. }
        | OrderEvent::LineCommitted { .. }
        | OrderEvent::PaymentCapturedLate { .. }
        | OrderEvent::PaymentReversed { .. }
        | OrderEvent::PaymentStuck { .. } => {}
    }
}

/// Lets go what is held. Lines that inventory has not answered are let go when it does; a payment under way sorts
/// itself out once it knows that it is not wanted.
fn give_up(order_id: OrderId, order: &Placed, to: &mut To) {
    for line in &order.lines {
        let command = match line.held {
            Held::Reserved => InventoryCommand::ReleaseReservation { order_id },
            Held::Committed => InventoryCommand::ReturnStock { order_id },
            Held::Asked | Held::CommitAsked => continue,
        };
        to.send(INVENTORY_COMMANDS, line.sku.clone(), command);
    }
    match (order.payment, order.captured) {
        (Payment::Voiding, _) => to.send(PAYMENT_COMMANDS, order.payment_id, PaymentCommand::Void {}),
        (Payment::Refunding, Some(amount)) => {
            to.send(PAYMENT_COMMANDS, order.payment_id, PaymentCommand::Refund { amount });
        }
        _ => {}
    }
}

/// What the one who placed the order is told, with the lines that it failed for.
fn rejection(order: &Placed, reason: &str, detail: &str, skus: &[Sku]) -> Rejection {
    let failed = order.lines.iter().enumerate().filter(|(_, line)| skus.contains(&line.sku));
    failed.fold(Rejection::new(reason, detail), |rejection, (number, line)| {
        rejection.at(format!("/lines/{number}/sku"), reason, line.sku.as_str())
    })
}

/// Keeps the customer's list of orders up to date.
fn list(order_id: OrderId, order: &Placed, to: &mut To) {
    let (placed_at, status) = (order.placed_at, order.status());
    to.send(ORDER_BY_CUSTOMER, order.customer_id, CustomerOrder::Listed { order_id, placed_at, status });
}
