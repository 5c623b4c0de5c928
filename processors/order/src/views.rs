//! What can be asked: an order with its history.

use tradewind_runtime::Views;
use tradewind_schemas::{
    Money, OrderId, Timestamp,
    order::{HistoryEntry, ORDER, OrderEvent, OrderStatus, OrderView},
};

use crate::events::{Order, Payment, Placed};

pub fn view(order: &Order, event: &OrderEvent, at: Timestamp, views: &mut Views<'_>) {
    let (Ok(id), Some(placed)) = (views.key().parse::<OrderId>(), &order.placed) else { return };
    let Some(mut view) = new(id, event, at).or_else(|| views.get(ORDER, &())) else { return };
    view.status = placed.status();
    view.payment_status = payment_status(placed).to_owned();
    view.refunded = placed.refunded;
    view.net = net(placed);
    match event {
        OrderEvent::OrderRejected { reason, .. } => view.reason = Some(reason.clone()),
        OrderEvent::OrderCancelled { reason } => view.reason.clone_from(reason),
        _ => {}
    }
    let (kind, detail) = story(event);
    view.history.push(HistoryEntry { kind: kind.to_owned(), at, detail });
    view.version += 1;
    views.put(ORDER, &(), &view);
}

fn new(id: OrderId, event: &OrderEvent, at: Timestamp) -> Option<OrderView> {
    let OrderEvent::OrderPlaced {
        customer_id,
        lines,
        grand_total,
        ship_country,
        shipping_address,
        payment_id,
        placed_at,
        ..
    } = event
    else {
        return None;
    };
    let letters = id.uuid().simple().to_string()[..8].to_uppercase();
    Some(OrderView {
        id,
        number: format!("TW-{letters}"),
        customer_id: *customer_id,
        status: OrderStatus::Placed,
        reason: None,
        lines: lines.clone(),
        grand_total: *grand_total,
        refunded: Money::zero(grand_total.currency),
        net: Money::zero(grand_total.currency),
        ship_country: ship_country.clone(),
        shipping_address: shipping_address.clone(),
        payment_id: *payment_id,
        payment_status: String::new(),
        history: Vec::new(),
        placed_at: *placed_at,
        created_at: at,
        version: 0,
    })
}

fn net(order: &Placed) -> Money {
    let captured = order.captured.map_or(0, |captured| captured.amount);
    Money::new(captured - order.refunded.amount, order.grand_total.currency)
}

fn payment_status(order: &Placed) -> &'static str {
    match order.payment {
        _ if order.stuck => "parked",
        Payment::NotAsked => "none",
        Payment::Requested => "requested",
        Payment::Authorised => "authorised",
        Payment::Declined => "declined",
        Payment::Capturing => "capturing",
        Payment::Captured => "captured",
        Payment::Voiding => "voiding",
        Payment::Refunding => "refunding",
        Payment::Voided => "voided",
        Payment::Refunded => "refunded",
    }
}

/// An event as a line of the history.
fn story(event: &OrderEvent) -> (&'static str, Option<String>) {
    match event {
        OrderEvent::OrderPlaced { .. } => ("OrderPlaced", None),
        OrderEvent::LineReserved { sku } => ("LineReserved", Some(sku.to_string())),
        OrderEvent::StockDeadlineExtended { .. } => ("StockDeadlineExtended", None),
        OrderEvent::StockSecured { .. } => ("StockSecured", None),
        OrderEvent::PaymentSecured {} => ("PaymentSecured", None),
        OrderEvent::LineCommitted { sku } => ("LineCommitted", Some(sku.to_string())),
        OrderEvent::StockCommitted {} => ("StockCommitted", None),
        OrderEvent::OrderConfirmed { .. } => ("OrderConfirmed", None),
        OrderEvent::OrderRejected { detail, .. } => ("OrderRejected", Some(detail.clone())),
        OrderEvent::OrderCancelled { reason } => ("OrderCancelled", reason.clone()),
        OrderEvent::PaymentCapturedLate { .. } => ("PaymentCapturedLate", None),
        OrderEvent::PaymentReversed { voided, .. } => {
            ("PaymentReversed", Some(if *voided { "voided" } else { "refunded" }.to_owned()))
        }
        OrderEvent::PaymentStuck { what, code, message } => {
            ("PaymentStuck", Some(format!("{what}: {message} ({code})")))
        }
    }
}
