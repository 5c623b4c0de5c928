//! Reservations and their time.

use std::time::Duration;

use tradewind_schemas::{Timestamp, order::OrderCommand};
use tradewind_topics::list::ORDER_COMMANDS;

use crate::{book::Book, shelf::*};

#[test]
fn what_comes_after_its_own_end_is_refused() {
    for until in [start(), Timestamp::from_millis(0)] {
        levels(stocked(10).when(reserve(1, 1, until)).then_kinds(["StockRefused"]), (10, 0, 0));
    }
}

#[test]
fn a_commit_after_the_expiry_is_refused() {
    let scenario = stocked(10).when(reserve(1, 4, soon())).after(15 * MINUTE).then_kinds(["ReservationExpired"]);
    let scenario = scenario.when(commit(1)).then_kinds(["CommitRefused"]).sends(
        ORDER_COMMANDS,
        order(1),
        OrderCommand::CommitRefused { sku: cup() },
    );
    levels(scenario, (10, 0, 0));
}

#[test]
fn either_the_commit_or_the_expiry_happens() {
    let just_before = 15 * MINUTE - Duration::from_millis(1);
    let scenario = stocked(10).when(reserve(1, 4, soon())).after(just_before).nothing();
    let scenario = scenario.when(commit(1)).then_kinds(["ReservationCommitted"]);
    levels(scenario.after(MINUTE).nothing(), (10, 0, 4));

    // The timer has not come through yet, but the time is over.
    let mut book = Book::new(start());
    let held = [book.received(10, 1), book.reserved(order(1), 4, soon())];
    book.at(soon());
    let scenario = cups().given(held).by(system()).after(15 * MINUTE).when(commit(1));
    let scenario = scenario.then([book.expired(order(1), 4), book.commit_refused(order(1))]);
    levels(scenario.when(expire(1)).nothing(), (10, 0, 0));
}

#[test]
fn a_timer_that_comes_early_changes_nothing() {
    let scenario = stocked(10).when(reserve(1, 4, soon())).when(expire(1)).nothing();
    levels(scenario, (10, 4, 0));
}

#[test]
fn the_timer_of_an_earlier_reservation_leaves_a_later_one_alone() {
    let scenario = stocked(10).when(reserve(1, 4, soon())).when(release(1));
    let scenario = scenario.when(reserve(1, 4, soon() + 5 * MINUTE)).then_kinds(["StockReserved"]);
    let scenario = levels(scenario.after(15 * MINUTE).nothing(), (10, 4, 0));
    levels(scenario.after(5 * MINUTE).then_kinds(["ReservationExpired"]), (10, 0, 0));
}

#[test]
fn what_is_due_makes_room_for_the_same_order() {
    let mut book = Book::new(start());
    let held = [book.received(4, 1), book.reserved(order(1), 4, soon())];
    let scenario = cups().given(held).by(system()).after(15 * MINUTE).when(reserve(1, 4, soon() + MINUTE));
    levels(scenario.then_kinds(["ReservationExpired", "StockReserved"]), (4, 4, 0));
}
