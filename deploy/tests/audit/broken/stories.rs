//! Orders and payments whose own events go wrong.

use std::time::Duration;

use tradewind::audit::Invariant;
use tradewind_schemas::{order::OrderEvent, payment::PaymentEvent};

use super::{Broken, broken, order, payment};
use crate::history::*;

pub fn orders() -> Vec<Broken> {
    use Invariant::*;
    let stocked = History::stocked;
    let (wrong_line, wrong_sum) = (usd(TOTAL + 1), usd(TOTAL - 1));
    let mut overcharged = two_cups_and_a_pot();
    overcharged[1].total = usd(4_411);
    vec![
        broken("an order is placed twice", PlacedOnce, order(1), "order.events-0-1", stocked().placed(1).placed(1)),
        broken(
            "an order begins in its middle",
            PlacedOnce,
            order(1),
            "order.events-0-0",
            stocked().order(1, OrderEvent::PaymentSecured {}),
        ),
        broken(
            "a payment is secured before the stock",
            OrderStory,
            order(1),
            "order.events-0-1",
            stocked().placed(1).order(1, OrderEvent::PaymentSecured {}),
        ),
        broken(
            "a cancelled order is confirmed",
            OrderStory,
            order(1),
            "order.events-0-9",
            stocked()
                .capturing(1)
                .order(1, OrderEvent::OrderCancelled { reason: None })
                .payment(1, captured(1, TOTAL))
                .order(1, OrderEvent::OrderConfirmed { captured: usd(TOTAL) }),
        ),
        broken(
            "a line is not what it comes to",
            LineTotals,
            order(1),
            "order.events-0-0",
            stocked().placed_with(1, overcharged, wrong_line),
        ),
        broken(
            "an order is not the sum of its lines",
            GrandTotal,
            order(1),
            "order.events-0-0",
            stocked().placed_with(1, two_cups_and_a_pot(), wrong_sum),
        ),
        broken(
            "an order does not go on, though others do",
            EndsInTime,
            order(1),
            "order.events-0-3",
            stocked().secured(1).later(Duration::from_secs(86_400)).confirmed(2),
        ),
    ]
}

pub fn payments() -> Vec<Broken> {
    use Invariant::*;
    let stocked = History::stocked;
    vec![
        broken(
            "a payment is captured twice",
            PaymentStory,
            payment(1),
            "payment.events-0-4",
            stocked().confirmed(1).payment(1, captured(1, TOTAL)),
        ),
        broken(
            "a payment begins in its middle",
            PaymentStory,
            payment(1),
            "payment.events-0-0",
            stocked().secured(1).payment(1, authorised(1, TOTAL)),
        ),
        broken(
            "more is authorised than was asked for",
            PaymentAmount,
            payment(1),
            "payment.events-0-1",
            stocked().asked(1).payment(1, authorised(1, TOTAL + 1)),
        ),
        broken(
            "another amount is asked for than the order comes to",
            PaymentAmount,
            order(1),
            "payment.events-0-0",
            stocked().secured(1).requested(1, usd(TOTAL + 1)),
        ),
        broken(
            "more is refunded than was captured",
            RefundWithinCapture,
            payment(1),
            "payment.events-0-6",
            stocked().cancelled(1).payment(1, refund_requested(1, 1)),
        ),
        broken(
            "an order has two payments",
            OnePayment,
            payment(2),
            "payment.events-0-1",
            stocked().asked(1).payment(
                2,
                PaymentEvent::PaymentRequested {
                    order_id: order_id(1),
                    amount: usd(TOTAL),
                    method: method(),
                    intent_id: intent_id("authorise"),
                },
            ),
        ),
        broken(
            "a payment changes its order",
            OnePayment,
            payment(1),
            "payment.events-0-1",
            stocked().asked(1).payment(1, authorised(2, TOTAL)),
        ),
    ]
}
