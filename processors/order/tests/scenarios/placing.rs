//! What may be placed, by whom.

use tradewind_order::{Deadlines, Orders};
use tradewind_schemas::{
    Actor, Currency, Money, Role, Timestamp,
    inventory::InventoryCommand,
    order::{ORDER, OrderLine},
};
use tradewind_topics::list::INVENTORY_COMMANDS;

use crate::shop::*;

fn with_lines(lines: Vec<OrderLine>) -> Placing {
    Placing { lines, ..usual() }
}

fn one(change: impl FnOnce(&mut OrderLine)) -> Placing {
    let mut lines = two_cups_and_a_pot();
    change(&mut lines[1]);
    with_lines(lines)
}

fn of_so_many(lines: i32) -> Placing {
    with_lines((1..=lines).map(|id| line(id, format!("SKU-{id}").parse().unwrap(), 1, 100)).collect())
}

#[test]
fn an_order_that_cannot_be_is_refused() {
    let huge = || line(2, pot(), 1_000_000, 9_000_000_000_000);
    let token = |length| Placing {
        method: tradewind_schemas::payment::PaymentMethod { token: "t".repeat(length), ..card() },
        ..usual()
    };
    let mut sealed = address();
    sealed.bytes = vec![0; 16 * 1024 + 1];
    for (what, placing, code) in [
        ("no line", with_lines(vec![]), "invalid_lines"),
        ("101 lines", of_so_many(101), "invalid_lines"),
        ("a line's number", one(|line| line.id = 3), "invalid_lines"),
        ("a negative number", one(|line| line.id = -2), "invalid_lines"),
        ("the same SKU twice", one(|line| line.sku = cup()), "duplicate_sku"),
        ("nothing of it", one(|line| line.quantity = 0), "invalid_quantity"),
        ("less than nothing", one(|line| line.quantity = -1), "invalid_quantity"),
        ("too many", one(|line| line.quantity = 1_000_001), "invalid_quantity"),
        ("a negative price", one(|line| line.unit_price = euro(-1)), "invalid_amount"),
        ("another total", one(|line| line.total = euro(2_499)), "invalid_amount"),
        ("another currency", one(|line| line.unit_price = Money::new(2_500, Currency::USD)), "invalid_amount"),
        ("a total in another currency", one(|line| line.total = Money::new(2_500, Currency::USD)), "invalid_amount"),
        ("a line beyond counting", with_lines(vec![line(1, cup(), 2, i64::MAX)]), "amount_too_large"),
        (
            "a sum beyond counting",
            with_lines(vec![line(1, cup(), 1_000_000, 9_000_000_000_000), huge()]),
            "amount_too_large",
        ),
        ("for nothing", with_lines(vec![line(1, cup(), 2, 0)]), "invalid_amount"),
        ("another price than expected", Placing { expected_total: Some(euro(4_499)), ..usual() }, "price_changed"),
        (
            "in another currency",
            Placing { expected_total: Some(Money::new(4_500, Currency::USD)), ..usual() },
            "price_changed",
        ),
        ("no country", Placing { country: "", ..usual() }, "invalid_country"),
        ("a small country", Placing { country: "de", ..usual() }, "invalid_country"),
        ("a long country", Placing { country: "DEU", ..usual() }, "invalid_country"),
        ("a long address", Placing { address: sealed, ..usual() }, "invalid_address"),
        ("no token", token(0), "invalid_payment_method"),
        ("a long token", token(256), "invalid_payment_method"),
    ] {
        eprintln!("{what}");
        let saga = empty().when(place(placing)).rejected(code).then([]);
        assert_eq!(saga.view(ORDER, &()), None);
    }
    let cash = tradewind_schemas::payment::PaymentMethod { kind: "cash".to_owned(), ..card() };
    empty().when(place(Placing { method: cash, ..usual() })).rejected("invalid_payment_method");
}

#[test]
fn what_just_fits_is_placed() {
    for placing in [
        of_so_many(100),
        with_lines(vec![line(1, cup(), 1_000_000, 1)]),
        with_lines(vec![line(1, cup(), 1, 0), line(2, pot(), 1, 1)]),
        Placing { expected_total: Some(euro(4_500)), ..usual() },
    ] {
        empty().when(place(placing)).then_kinds(["OrderPlaced"]);
    }
}

#[test]
fn customers_place_for_themselves_and_at_the_list_price() {
    let discounted = || {
        one(|line| {
            line.discount_bp = 1_000;
            line.total = euro(2_250);
        })
    };
    let past = || Placing { placed_at: Some(Timestamp::parse("1996-07-04T00:00:00Z").unwrap()), ..usual() };
    for (who, actor) in
        [("another customer", another_customer()), ("a guest", Actor::guest()), ("a service", platform())]
    {
        eprintln!("{who}");
        empty().by(actor).when(place(usual())).rejected("forbidden").then([]);
    }
    empty().when(place(discounted())).rejected("forbidden").then([]);
    empty().when(place(past())).rejected("forbidden").then([]);

    let admin = Actor::user(customer_id(), vec![Role::Admin]);
    for actor in [merchant(), admin] {
        for placing in [usual(), discounted(), past()] {
            empty().by(actor.clone()).when(place(placing)).then_kinds(["OrderPlaced"]);
        }
    }
    let wrong = |discount_bp| one(|line| line.discount_bp = discount_bp);
    empty().by(merchant()).when(place(wrong(10_001))).rejected("invalid_discount");
    empty().by(merchant()).when(place(wrong(-1))).rejected("invalid_discount");
    empty().by(merchant()).when(place(wrong(1_000))).rejected("invalid_amount");
}

#[test]
fn an_order_of_the_past_has_deadlines_of_today() {
    let past = Timestamp::parse("1996-07-04T00:00:00Z").unwrap();
    let saga = empty().by(merchant()).when(place(Placing { placed_at: Some(past), ..usual() }));
    let order = shown(&saga);
    assert_eq!((order.placed_at, order.created_at), (past, saga.now()));
    saga.after(29 * SECOND).nothing().after(SECOND).then_kinds(["OrderRejected"]);

    let soon = empty().now() + SECOND;
    for placed_at in [soon, Timestamp::from_millis(-1), Timestamp::from_millis(i64::MIN)] {
        let saga = empty().by(merchant()).when(place(Placing { placed_at: Some(placed_at), ..usual() }));
        saga.rejected("invalid_placed_at").then([]);
    }
}

#[test]
fn deadlines_are_the_operators() {
    let deadlines = Deadlines { stock: 2 * SECOND, payment: 5 * SECOND, reservation: 9 * SECOND };
    let hurried = || Saga::with(Orders { deadlines }, order_id()).by(customer()).when(place(usual())).by(platform());
    hurried().after(SECOND).nothing().after(SECOND).then_kinds(["OrderRejected"]);

    let saga = hurried().when(reserved(cup())).when(reserved(pot())).then_kinds(["LineReserved", "StockSecured"]);
    saga.after(4 * SECOND).nothing().after(SECOND).then_kinds(["OrderRejected"]);

    let saga = hurried();
    let until = saga.now() + 9 * SECOND;
    let reserve = InventoryCommand::ReserveStock { order_id: order_id(), quantity: 2, until };
    saga.sends(INVENTORY_COMMANDS, cup(), reserve);
}

#[test]
fn an_order_is_placed_once() {
    placed().by(customer()).when(place(usual())).rejected("order_exists").then([]);
    confirmed().by(customer()).when(place(usual())).rejected("order_exists").then([]);
    placed().by(another_customer()).when(place(usual())).rejected("forbidden").then([]);
}
