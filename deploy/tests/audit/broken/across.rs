//! Orders, stock and payments that do not go together.

use std::time::Duration;

use tradewind::audit::Invariant;
use tradewind_schemas::{inventory::InventoryEvent, order::OrderEvent, payment::PaymentEvent};

use super::{Broken, broken, order};
use crate::history::*;

pub fn across() -> Vec<Broken> {
    use Invariant::*;
    let stocked = History::stocked;
    let cancel = || OrderEvent::OrderCancelled { reason: None };
    let day = Duration::from_secs(86_400);
    let first_of = |event: &Event| matches!(event, Event::Order(event) if event.key == order_id(1).to_string());
    let commits_of_pots = |event: &Event| {
        let commit = |payload: &InventoryEvent| matches!(payload, InventoryEvent::ReservationCommitted { .. });
        matches!(event, Event::Inventory(event) if event.key == POT && commit(&event.payload))
    };
    let captures = |event: &Event| matches!(event, Event::Payment(event) if matches!(event.payload, PaymentEvent::PaymentCaptured { .. }));
    vec![
        broken(
            "stock is reserved for nobody",
            OrderKnown,
            order(1),
            "inventory.events-0-2",
            stocked().secured(1).without(first_of),
        ),
        broken(
            "more is reserved than was ordered",
            ReservedAsOrdered,
            order(1),
            "inventory.events-0-2",
            stocked().placed(1).reserved(CUP, 1, 3),
        ),
        broken(
            "confirmed, and a SKU was never committed",
            ConfirmedWithStock,
            order(1),
            "order.events-0-8",
            stocked().confirmed(1).without(commits_of_pots),
        ),
        broken(
            "confirmed, and the stock was given up",
            ConfirmedWithStock,
            order(1),
            "inventory.events-0-6",
            stocked().confirmed(1).returned(POT, 1, 1),
        ),
        broken(
            "confirmed, and never captured",
            ConfirmedWithPayment,
            order(1),
            "order.events-0-8",
            stocked().confirmed(1).without(captures),
        ),
        broken(
            "confirmed for another amount",
            ConfirmedWithPayment,
            order(1),
            "order.events-0-8",
            stocked()
                .capturing(1)
                .payment(1, captured(1, TOTAL))
                .order(1, OrderEvent::OrderConfirmed { captured: usd(TOTAL - 1) }),
        ),
        broken(
            "confirmed, and the money was given back",
            ConfirmedWithPayment,
            order(1),
            "payment.events-0-5",
            stocked().confirmed(1).payment(1, refund_requested(1, TOTAL)).payment(1, refunded(1, TOTAL, TOTAL)),
        ),
        broken(
            "captured before the stock is committed",
            CaptureNeedsConfirmation,
            order(1),
            "payment.events-0-2",
            stocked().asked(1).payment(1, authorised(1, TOTAL)).payment(1, capture_requested(1, TOTAL)),
        ),
        broken(
            "captured for a rejected order, and kept",
            CaptureNeedsConfirmation,
            order(1),
            "payment.events-0-3",
            stocked()
                .capturing(1)
                .order(1, rejected("capture_failed"))
                .returned(CUP, 1, 2)
                .returned(POT, 1, 1)
                .payment(1, captured(1, TOTAL))
                .later(day)
                .confirmed(2),
        ),
        broken(
            "cancelled, and the stock stays sold",
            EndedWithoutStock,
            order(1),
            "inventory.events-0-5",
            stocked()
                .confirmed(1)
                .order(1, cancel())
                .returned(CUP, 1, 2)
                .payment(1, refund_requested(1, TOTAL))
                .payment(1, refunded(1, TOTAL, TOTAL))
                .order(1, OrderEvent::PaymentReversed { voided: false, refunded: Some(usd(TOTAL)) })
                .later(day)
                .confirmed(2),
        ),
        broken(
            "cancelled, and the authorisation stays",
            EndedWithoutMoney,
            order(1),
            "payment.events-0-1",
            stocked()
                .asked(1)
                .payment(1, authorised(1, TOTAL))
                .order(1, cancel())
                .released(CUP, 1, 2)
                .released(POT, 1, 1)
                .later(day)
                .confirmed(2),
        ),
        broken(
            "cancelled and given back, and the order never says so",
            NetTotals,
            order(1),
            "order.events-0-9",
            stocked()
                .confirmed(1)
                .order(1, cancel())
                .returned(CUP, 1, 2)
                .returned(POT, 1, 1)
                .payment(1, refund_requested(1, TOTAL))
                .payment(1, refunded(1, TOTAL, TOTAL))
                .later(day)
                .confirmed(2),
        ),
    ]
}
