//! Receiving and adjusting: staff move what is there.

use tradewind_schemas::{
    Actor, Role,
    inventory::{InventoryCommand, StockLevel},
    order::OrderCommand,
};
use tradewind_topics::list::ORDER_COMMANDS;

use crate::{book::Book, shelf::*};

#[test]
fn what_is_received_is_available() {
    let mut book = Book::new(start());
    let scenario = stocked(10).then([book.received(10, 1)]).sends_kinds([]).by(merchant());
    let scenario = scenario.when(receive(5)).then([book.received(5, 2)]);
    levels(scenario, (15, 0, 0));
}

#[test]
fn only_staff_move_stock_and_only_the_platform_reserves() {
    let customer = || user(&[Role::Customer]);
    for (who, actor, command) in [
        ("a customer", customer(), receive(1)),
        ("a customer", customer(), adjust(1)),
        ("a guest", Actor::guest(), receive(1)),
        ("a service", system(), receive(1)),
        ("a service", system(), force(1)),
        ("a customer", customer(), reserve(1, 1, soon())),
        ("a merchant", merchant(), reserve(1, 1, soon())),
        ("a merchant", merchant(), commit(1)),
        ("a merchant", merchant(), release(1)),
        ("an administrator", user(&[Role::Admin]), expire(1)),
        ("an administrator", user(&[Role::Admin]), give_back(1)),
    ] {
        eprintln!("{who}: {command:?}");
        stocked(10).by(actor).when(command).rejected("forbidden").then([]);
    }
    stocked(1).by(user(&[Role::Admin])).when(receive(1)).then_kinds(["StockReceived"]);
}

#[test]
fn quantities_have_bounds() {
    for (command, code) in [
        (receive(0), "invalid_quantity"),
        (receive(-1), "invalid_quantity"),
        (receive(i64::MAX), "invalid_quantity"),
        (receive(1_000_000_001), "invalid_quantity"),
        (adjust(0), "invalid_quantity"),
        (adjust(i64::MIN), "invalid_quantity"),
        (adjust(i64::MAX), "invalid_quantity"),
        (adjust(-11), "below_zero"),
        (force(-11), "below_zero"),
    ] {
        eprintln!("{command:?}");
        levels(stocked(10).by(merchant()).when(command).rejected(code).then([]), (10, 0, 0));
    }
    for quantity in [0, -1, 1_000_001, i64::MAX, i64::MIN] {
        stocked(10).when(reserve(1, quantity, soon())).rejected("invalid_quantity").then([]);
    }
}

#[test]
fn an_adjustment_says_why() {
    for reason in ["", "  ", &"x".repeat(201)] {
        let command = InventoryCommand::AdjustStock { delta: 1, reason: reason.to_owned(), force: false };
        stocked(1).by(merchant()).when(command).rejected("invalid_reason");
    }
}

#[test]
fn more_than_can_be_counted_is_refused() {
    let full = Book::new(start()).with(StockLevel { on_hand: 999_999_999_999, ..StockLevel::default() }).received(1, 1);
    cups().given([full]).by(merchant()).when(receive(1)).rejected("stock_too_large").then([]);
}

#[test]
fn an_adjustment_below_what_is_promised_is_refused_unless_forced() {
    let promised = || {
        let scenario = stocked(10).when(reserve(1, 4, soon())).when(reserve(2, 3, soon())).when(commit(2));
        levels(scenario, (10, 4, 3)).by(merchant())
    };
    levels(promised().when(adjust(-3)).then_kinds(["StockAdjusted"]), (7, 4, 3));
    levels(promised().when(adjust(-4)).rejected("below_promised").then([]), (10, 4, 3));
    let short = levels(promised().when(force(-4)).then_kinds(["StockAdjusted"]), (6, 4, 3));
    // Nobody gets what is not there, and counting up is no force.
    let short = short.by(system()).when(reserve(3, 1, soon())).then_kinds(["StockRefused"]).sends(
        ORDER_COMMANDS,
        order(3),
        OrderCommand::StockRefused { sku: cup(), available: 0 },
    );
    let short = short.by(merchant()).when(adjust(-1)).rejected("below_promised");
    levels(short.when(adjust(1)).then_kinds(["StockAdjusted"]), (7, 4, 3));
}
