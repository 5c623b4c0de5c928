//! Histories that are right, or on their way there.

use std::time::Duration;

use tradewind::audit::Why;
use tradewind_schemas::{Currency, Timestamp, order::OrderEvent, payment::PaymentEvent};

use crate::history::*;

#[track_caller]
fn clean(history: &History) -> tradewind::audit::Verdict {
    let verdict = history.verdict();
    let violations: Vec<_> = verdict.violations.iter().map(ToString::to_string).collect();
    assert!(verdict.is_clean(), "{violations:#?}");
    verdict
}

#[test]
fn an_empty_shop() {
    let verdict = clean(&History::default());
    assert_eq!(
        verdict.to_string(),
        "audit clean: 0 orders (0 confirmed, 0 rejected, 0 cancelled, 0 in flight), 0 SKUs, 0 lines, 0 ledger entries, captured nothing, refunded nothing"
    );
}

#[test]
fn orders_that_went_each_way() {
    let history = History::stocked()
        .confirmed(1)
        .cancelled(2)
        // Out of stock: the one line that was reserved is released.
        .placed(3)
        .reserved(CUP, 3, 2)
        .order(3, OrderEvent::LineReserved { sku: sku(CUP) })
        .refused(POT, 3, 1)
        .order(3, rejected("out_of_stock"))
        .released(CUP, 3, 2)
        // Declined.
        .asked(4)
        .payment(4, declined(4))
        .order(4, rejected("payment_declined"))
        .released(CUP, 4, 2)
        .released(POT, 4, 1)
        // Cancelled while the authorisation is under way, which then succeeds.
        .asked(5)
        .order(5, OrderEvent::OrderCancelled { reason: Some("changed my mind".to_owned()) })
        .released(CUP, 5, 2)
        .released(POT, 5, 1)
        .payment(5, void_requested(5, false))
        .payment(5, authorised(5, TOTAL))
        .payment(5, void_requested(5, true))
        .payment(5, voided(5))
        .order(5, OrderEvent::PaymentReversed { voided: true, refunded: None })
        .received(POT, 3)
        .adjusted(POT, -1);
    let verdict = clean(&history);
    assert_eq!(verdict.open, []);
    assert_eq!(
        verdict.to_string(),
        "audit clean: 5 orders (1 confirmed, 2 rejected, 2 cancelled, 0 in flight), 2 SKUs, 10 lines, 25 ledger entries, captured 147.80 USD, refunded 73.90 USD"
    );
    assert_eq!(verdict.captured[&Currency::USD], 2 * i128::from(TOTAL));
}

#[test]
fn a_capture_that_comes_after_the_order_was_cancelled_goes_back() {
    let history = History::stocked()
        .capturing(1)
        .order(1, OrderEvent::OrderCancelled { reason: None })
        .returned(CUP, 1, 2)
        .returned(POT, 1, 1)
        .payment(1, void_requested(1, false))
        .payment(1, captured(1, TOTAL))
        .payment(1, refund_requested(1, TOTAL))
        .order(1, OrderEvent::PaymentCapturedLate { captured: usd(TOTAL) })
        .payment(1, refunded(1, TOTAL, TOTAL))
        .order(1, OrderEvent::PaymentReversed { voided: false, refunded: Some(usd(TOTAL)) });
    assert_eq!(clean(&history).open, []);
}

#[test]
fn answers_given_again_change_nothing() {
    let history = History::stocked()
        .placed(1)
        .reserved(CUP, 1, 2)
        .repeated(CUP, 1, 2, false)
        .order(1, OrderEvent::LineReserved { sku: sku(CUP) })
        .order(1, OrderEvent::StockDeadlineExtended { stock_deadline: Timestamp::from_millis(1_700_000_060_000) });
    assert_eq!(clean(&history).ledger_entries, 3);
}

#[test]
fn a_reservation_that_expires_under_a_slow_payment() {
    let history = History::stocked()
        .asked(1)
        .later(Duration::from_secs(1_000))
        .expired(CUP, 1, 2)
        .payment(1, authorised(1, TOTAL))
        .order(1, OrderEvent::PaymentSecured {})
        .expired(POT, 1, 1)
        .order(1, rejected("stock_expired"))
        .payment(1, void_requested(1, true))
        .payment(1, voided(1))
        .order(1, OrderEvent::PaymentReversed { voided: true, refunded: None });
    assert_eq!(clean(&history).open, []);
}

#[test]
fn a_forced_adjustment_may_take_stock_below_what_is_promised() {
    clean(&History::stocked().confirmed(1).adjusted(CUP, -9));
}

#[test]
fn what_is_under_way_is_open_and_not_failed() {
    let history = History::stocked()
        .capturing(1)
        .confirmed(2)
        .order(2, OrderEvent::OrderCancelled { reason: None })
        .returned(CUP, 2, 2);
    let verdict = clean(&history);
    let open: Vec<_> = verdict.open.iter().map(|open| (open.order_id, open.why, open.stage)).collect();
    assert_eq!(open, [(order_id(1), Why::UnderWay, "capturing"), (order_id(2), Why::UnderWay, "cancelled")]);
    let last = verdict.to_string();
    assert!(last.contains("(0 confirmed, 0 rejected, 1 cancelled, 1 in flight)"), "{last}");
    assert!(last.ends_with("; 1 more with stock or money under way"), "{last}");
}

#[test]
fn a_payment_that_staff_must_look_after_has_no_deadline() {
    let parked = PaymentEvent::AttemptUnsettled {
        order_id: order_id(1),
        intent_id: intent_id("refund"),
        why: "no answer".to_owned(),
        attempt: 12,
        retry_at: None,
        parked: true,
    };
    let history = History::stocked()
        .confirmed(1)
        .order(1, OrderEvent::OrderCancelled { reason: None })
        .returned(CUP, 1, 2)
        .returned(POT, 1, 1)
        .payment(1, refund_requested(1, TOTAL))
        .payment(1, parked)
        .later(Duration::from_secs(86_400))
        .confirmed(2);
    let verdict = clean(&history);
    assert_eq!(verdict.open[0].why, Why::LeftToStaff);
    assert!(verdict.to_string().ends_with("; 1 left to staff"), "{verdict}");
}

#[test]
fn effects_of_what_came_after_the_noted_end_are_no_faults() {
    // Order 1 was cancelled, and order 2 placed, behind the end that was read to.
    let cancellation = |event: &Event| match event {
        Event::Order(event) => {
            event.key == order_id(2).to_string()
                || matches!(event.payload, OrderEvent::OrderCancelled { .. } | OrderEvent::PaymentReversed { .. })
        }
        _ => false,
    };
    let history = History::stocked().cancelled(1).secured(2).without(cancellation);
    let mut books = history.books();
    books.moved_on(&order_id(1).to_string());
    books.moved_on(&order_id(2).to_string());
    let verdict = books.verdict();
    assert!(verdict.is_clean(), "{:#?}", verdict.violations);
    assert_eq!(verdict.open.iter().map(|open| open.why).collect::<Vec<_>>(), [Why::MovedOn, Why::MovedOn]);
    assert!(!history.verdict().is_clean(), "without knowing that they went on, both are faults");
}
