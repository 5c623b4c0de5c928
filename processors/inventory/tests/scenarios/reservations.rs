//! Reserving, committing, releasing, returning: each once, and answered as often as asked.

use tradewind_schemas::{inventory::STOCK, order::OrderCommand};
use tradewind_topics::list::ORDER_COMMANDS;

use crate::{book::Book, shelf::*};

#[test]
fn the_last_unit_goes_to_the_first_who_asks() {
    let mut book = Book::new(start());
    let scenario = stocked(1).then([book.received(1, 1)]);
    let scenario = scenario.when(reserve(1, 1, soon())).then([book.reserved(order(1), 1, soon())]).sends(
        ORDER_COMMANDS,
        order(1),
        OrderCommand::StockReserved { sku: cup() },
    );
    let scenario = scenario.when(reserve(2, 1, soon())).then([book.refused(order(2), 1)]).sends(
        ORDER_COMMANDS,
        order(2),
        OrderCommand::StockRefused { sku: cup(), available: 0 },
    );
    book.at(soon());
    let scenario = scenario.after(15 * MINUTE).then([book.expired(order(1), 1)]).sends_kinds([]);
    let later = soon() + 15 * MINUTE;
    let scenario = scenario.when(reserve(2, 1, later)).then([book.reserved(order(2), 1, later)]);
    levels(scenario, (1, 1, 0));
}

#[test]
fn a_sku_that_nobody_stocked_has_nothing() {
    let scenario = cups().by(system()).when(reserve(1, 1, soon())).then_kinds(["StockRefused"]).sends(
        ORDER_COMMANDS,
        order(1),
        OrderCommand::StockRefused { sku: cup(), available: 0 },
    );
    levels(scenario, (0, 0, 0));
}

#[test]
fn more_than_there_is_is_refused_as_a_whole() {
    let scenario = stocked(5).when(reserve(1, 6, soon())).then_kinds(["StockRefused"]);
    levels(scenario, (5, 0, 0)).when(reserve(2, 5, soon())).then_kinds(["StockReserved"]);
}

#[test]
fn a_reservation_asked_for_again_is_answered_again_and_held_once() {
    let scenario = stocked(10).when(reserve(1, 4, soon()));
    let scenario = scenario.when(reserve(1, 4, soon())).then_kinds(["ReservationRepeated"]).sends(
        ORDER_COMMANDS,
        order(1),
        OrderCommand::StockReserved { sku: cup() },
    );
    let scenario = levels(scenario, (10, 4, 0)).again().then_kinds(["ReservationRepeated"]);
    let scenario = levels(scenario, (10, 4, 0)).when(commit(1)).when(reserve(1, 4, soon()));
    let scenario = scenario.then_kinds(["ReservationRepeated"]).sends_kinds([("order.commands", "StockReserved")]);
    levels(scenario, (10, 0, 4));
}

#[test]
fn another_quantity_for_the_same_order_is_refused() {
    let scenario = stocked(10).when(reserve(1, 4, soon())).when(reserve(1, 5, soon())).then_kinds(["StockRefused"]);
    let scenario = levels(scenario, (10, 4, 0)).when(commit(1)).when(reserve(1, 3, soon()));
    levels(scenario.then_kinds(["StockRefused"]), (10, 0, 4));
}

#[test]
fn committing_sells_what_was_reserved() {
    let mut book = Book::new(start());
    let scenario = stocked(10).then([book.received(10, 1)]).when(reserve(1, 4, soon()));
    let scenario = scenario.then([book.reserved(order(1), 4, soon())]).when(commit(1));
    let scenario = scenario.then([book.committed(order(1), 4)]).sends(
        ORDER_COMMANDS,
        order(1),
        OrderCommand::ReservationCommitted { sku: cup() },
    );
    // Its timer has nothing left to do.
    levels(levels(scenario, (10, 0, 4)).after(16 * MINUTE).nothing(), (10, 0, 4));
}

#[test]
fn a_commit_asked_for_again_is_answered_again_and_sold_once() {
    let scenario = stocked(10).when(reserve(1, 4, soon())).when(commit(1)).when(commit(1));
    let scenario = scenario.then_kinds(["ReservationRepeated"]).sends(
        ORDER_COMMANDS,
        order(1),
        OrderCommand::ReservationCommitted { sku: cup() },
    );
    levels(levels(scenario, (10, 0, 4)).again().then_kinds(["ReservationRepeated"]), (10, 0, 4));
}

#[test]
fn released_stock_is_available_again_once() {
    let mut book = Book::new(start());
    let scenario = stocked(5).then([book.received(5, 1)]).when(reserve(1, 5, soon()));
    let scenario = scenario.then([book.reserved(order(1), 5, soon())]).when(release(1));
    let scenario = scenario.then([book.released(order(1), 5)]).sends_kinds([]);
    let scenario = levels(scenario, (5, 0, 0)).again().nothing().when(commit(1)).then_kinds(["CommitRefused"]);
    levels(scenario.after(15 * MINUTE).nothing(), (5, 0, 0));
}

#[test]
fn sold_stock_comes_back_once() {
    let mut book = Book::new(start());
    let scenario = stocked(5).then([book.received(5, 1)]).when(reserve(1, 5, soon()));
    let scenario = scenario.then([book.reserved(order(1), 5, soon())]).when(commit(1));
    let scenario = scenario.then([book.committed(order(1), 5)]).when(release(1)).nothing().when(give_back(1));
    let scenario = scenario.then([book.returned(order(1), 5)]).sends_kinds([]);
    levels(scenario.again().nothing().when(commit(1)).then_kinds(["CommitRefused"]), (5, 0, 0));
}

#[test]
fn what_nobody_holds_cannot_be_given_up() {
    for command in [release(1), expire(1), give_back(1)] {
        levels(stocked(5).when(command).nothing(), (5, 0, 0));
    }
    // Held is not sold.
    levels(stocked(5).when(reserve(1, 5, soon())).when(give_back(1)).nothing(), (5, 5, 0));
}

#[test]
fn a_flash_sale_of_a_hundred() {
    let mut scenario = stocked(100);
    for number in 1..=1_000 {
        let kind = if number <= 100 { "StockReserved" } else { "StockRefused" };
        scenario = scenario.when(reserve(number, 1, soon())).then_kinds([kind]);
    }
    for number in 1..=100 {
        scenario = scenario.when(commit(number)).then_kinds(["ReservationCommitted"]);
    }
    let scenario = levels(scenario, (100, 0, 100));
    let stock = scenario.view(STOCK, &()).unwrap();
    assert_eq!((stock.sku, stock.level.available(), stock.level.entries), (cup(), 0, 1_101));
}
