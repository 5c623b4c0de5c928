//! Each invariant, broken: the auditor names it, and whose it is.

use std::time::Duration;

use tradewind::audit::{Invariant, Subject, Verdict, Violation};
use tradewind_schemas::{
    inventory::{InventoryEvent, StockLevel},
    order::OrderEvent,
    payment::PaymentEvent,
};

use crate::history::*;

/// A history that breaks an invariant, and where it is found.
struct Broken {
    how: &'static str,
    invariant: Invariant,
    subject: Subject,
    place: &'static str,
    history: History,
}

fn broken(how: &'static str, invariant: Invariant, subject: Subject, place: &'static str, history: History) -> Broken {
    Broken { how, invariant, subject, place, history }
}

fn order(number: u128) -> Subject {
    Subject::Order(order_id(number))
}

fn payment(number: u128) -> Subject {
    Subject::Payment(payment_id(number))
}

fn of(name: &str) -> Subject {
    Subject::Sku(sku(name))
}

fn level(event: &mut InventoryEvent) -> &mut StockLevel {
    match event {
        InventoryEvent::StockReceived { level, .. }
        | InventoryEvent::StockReserved { level, .. }
        | InventoryEvent::ReservationRepeated { level, .. } => level,
        other => panic!("not expected here: {other:?}"),
    }
}

fn ledgers() -> Vec<Broken> {
    use Invariant::*;
    let stocked = History::stocked;
    vec![
        broken("an entry is lost", LedgerConsecutive, of(CUP), "inventory.events-0-1", {
            let mut history = History::default().received(CUP, 1).received(CUP, 1).received(CUP, 1);
            history.events.remove(1);
            history
        }),
        broken("an entry is doubled", LedgerConsecutive, of(CUP), "inventory.events-0-2", {
            let mut history = stocked();
            history.events.push(history.events[0].clone());
            history
        }),
        broken(
            "a receipt counts one too many",
            LedgerNumbers,
            of(POT),
            "inventory.events-0-1",
            stocked().spoil_inventory(1, |event| level(event).on_hand += 1),
        ),
        broken(
            "a repeated answer moves stock",
            LedgerNumbers,
            of(CUP),
            "inventory.events-0-3",
            stocked().placed(1).reserved(CUP, 1, 2).repeated(CUP, 1, 2, false).spoil_inventory(3, |event| {
                level(event).reserved = 4;
            }),
        ),
        broken(
            "a hash is another",
            LedgerChain,
            of(CUP),
            "inventory.events-0-0",
            stocked().spoil_inventory(0, |event| level(event).chain.replace_range(..2, "zz")),
        ),
        broken(
            "more is adjusted away than is there",
            NothingNegative,
            of(CUP),
            "inventory.events-0-2",
            stocked().inventory(
                CUP,
                InventoryEvent::StockAdjusted {
                    delta: -11,
                    reason: "counted".to_owned(),
                    level: StockLevel { on_hand: -1, entries: 2, ..StockLevel::default() },
                },
            ),
        ),
        broken(
            "the last cup is sold twice",
            NothingOversold,
            of(CUP),
            "inventory.events-0-2",
            History::default().received(CUP, 1).reserved(CUP, 1, 1).reserved(CUP, 2, 1),
        ),
        broken(
            "more is committed than was reserved",
            ReservationsMatch,
            order(1),
            "inventory.events-0-4",
            stocked().asked(1).committed(CUP, 1, 1),
        ),
        broken(
            "a reservation is committed after its end",
            ReservationsMatch,
            order(1),
            "inventory.events-0-4",
            stocked().asked(1).later(Duration::from_secs(900)).committed(CUP, 1, 2),
        ),
        broken(
            "a reservation expires before its end",
            ReservationsMatch,
            order(1),
            "inventory.events-0-4",
            stocked().asked(1).expired(CUP, 1, 2),
        ),
        broken(
            "stock is returned twice",
            ReservationsMatch,
            order(1),
            "inventory.events-0-12",
            stocked().confirmed(2).cancelled(1).returned(CUP, 1, 2),
        ),
        broken(
            "a release takes less than was reserved",
            ReservationsMatch,
            order(1),
            "inventory.events-0-4",
            stocked().secured(1).released(CUP, 1, 1),
        ),
    ]
}

fn orders() -> Vec<Broken> {
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
            "order.events-0-8",
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

fn payments() -> Vec<Broken> {
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

fn across() -> Vec<Broken> {
    use Invariant::*;
    let stocked = History::stocked;
    let cancel = || OrderEvent::OrderCancelled { reason: None };
    let day = Duration::from_secs(86_400);
    let first_of = |event: &Event| matches!(event, Event::Order(event) if event.key == order_id(1).to_string());
    let commits_of_pots = |event: &Event| {
        let commit = |payload: &InventoryEvent| matches!(payload, InventoryEvent::ReservationCommitted { .. });
        matches!(event, Event::Inventory(event) if event.key == POT && commit(&event.payload))
    };
    let captures = |event: &Event| {
        matches!(event, Event::Payment(event) if matches!(event.payload, PaymentEvent::PaymentCaptured { .. }))
    };
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
            "order.events-0-7",
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
            "order.events-0-7",
            stocked().confirmed(1).without(captures),
        ),
        broken(
            "confirmed for another amount",
            ConfirmedWithPayment,
            order(1),
            "order.events-0-7",
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
            "order.events-0-8",
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

fn all() -> Vec<Broken> {
    [ledgers(), orders(), payments(), across()].into_iter().flatten().collect()
}

#[track_caller]
fn first(how: &str, verdict: &Verdict) -> Violation {
    verdict.violations.first().unwrap_or_else(|| panic!("{how}: nothing was found")).clone()
}

#[test]
fn each_is_named_with_its_subject_and_place() {
    let mut missed = Vec::new();
    for Broken { how, invariant, subject, place, history } in all() {
        let verdict = history.verdict();
        let found = verdict.violations.first();
        let at = found.and_then(|found| found.place).map(|place| place.to_string());
        let is_named = found.is_some_and(|found| found.breach.invariant == invariant && found.subject == subject);
        if !is_named || at.as_deref() != Some(place) || !verdict.to_string().starts_with("audit failed with ") {
            let found = found.map_or("nothing".to_owned(), ToString::to_string);
            missed.push(format!("{how}: wanted {} at {place}, found {found}", invariant.name()));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn none_is_without_a_history_that_breaks_it() {
    // These follow from the others, or are about records; they have tests of their own below.
    let elsewhere = [Invariant::Readable, Invariant::StockAddsUp, Invariant::MoneyAddsUp];
    let shown = all();
    for invariant in Invariant::ALL {
        let is_shown = shown.iter().any(|broken| broken.invariant == *invariant);
        assert!(is_shown != elsewhere.contains(invariant), "{}", invariant.name());
    }
}

#[test]
fn stock_that_nobody_holds_does_not_add_up() {
    // The ledger says that something is reserved that no reservation explains.
    let verdict = History::stocked().spoil_inventory(0, |event| level(event).reserved = 1).verdict();
    let sums = verdict.violations.iter().find(|found| found.breach.invariant == Invariant::StockAddsUp);
    let sums = sums.expect("the sums are wrong");
    assert_eq!((&sums.subject, sums.breach.expected.as_str()), (&of(CUP), "on hand 10, reserved 0, allocated 0"));
}

#[test]
fn money_of_a_second_payment_does_not_add_up() {
    let twice = |event: &Event| match event {
        Event::Payment(event) => event.key == payment_id(1).to_string(),
        _ => false,
    };
    let mut history = History::stocked().confirmed(1);
    let again: Vec<_> = history.events.iter().filter(|event| twice(event)).cloned().collect();
    for event in again {
        let Event::Payment(mut event) = event else { continue };
        event.key = payment_id(2).to_string();
        history.events.push(Event::Payment(event));
    }
    let verdict = history.verdict();
    let sum = verdict.violations.iter().find(|found| found.breach.invariant == Invariant::MoneyAddsUp);
    assert_eq!(sum.expect("the sum is wrong").breach.expected, "14780 USD by the payments");
}

#[test]
fn a_record_under_a_strange_key_is_not_read() {
    let mut history = History::stocked().placed(1);
    if let Some(Event::Order(event)) = history.events.last_mut() {
        event.key = "TW-1".to_owned();
    }
    let found = first("a strange key", &history.verdict());
    assert_eq!((found.breach.invariant, found.subject), (Invariant::Readable, Subject::Record));
    assert_eq!(found.breach.actual, "\"TW-1\"");
}

#[test]
fn a_violation_reads_like_a_finding() {
    let verdict = History::stocked().confirmed(1).payment(1, captured(1, TOTAL)).verdict();
    assert_eq!(
        first("captured twice", &verdict).to_string(),
        format!(
            "payment-story (the events of a payment follow each other as the saga says): payment {}, at payment.events-0-4: expected a payment whose capture is under way, found PaymentCaptured while Captured",
            payment_id(1)
        )
    );
}
