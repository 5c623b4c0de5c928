//! Each invariant, broken: the auditor names it, and whose it is.

mod across;
mod ledgers;
mod stories;

use tradewind::audit::{Invariant, Subject, Verdict, Violation};
use tradewind_schemas::inventory::{InventoryEvent, StockLevel};

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

fn all() -> Vec<Broken> {
    [ledgers::ledgers(), stories::orders(), stories::payments(), across::across()].into_iter().flatten().collect()
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
