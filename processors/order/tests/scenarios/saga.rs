//! An order that goes well, and everything that ends one early.

use tradewind_schemas::{
    edge::Settled,
    inventory::InventoryCommand,
    order::{CustomerOrder, OrderCommand, OrderEvent, OrderStatus},
    payment::{Operation, PaymentCommand},
};
use tradewind_topics::list::{INVENTORY_COMMANDS, ORDER_BY_CUSTOMER, PAYMENT_COMMANDS};

use crate::shop::*;

#[test]
fn placing_asks_for_the_stock_of_each_sku() {
    let at = empty().now();
    let until = at + 15 * MINUTE;
    let reserve = |quantity| InventoryCommand::ReserveStock { order_id: order_id(), quantity, until };
    let listed = CustomerOrder::Listed { order_id: order_id(), placed_at: at, status: OrderStatus::Placed };
    empty()
        .when(place(usual()))
        .then([OrderEvent::OrderPlaced {
            customer_id: customer_id(),
            lines: two_cups_and_a_pot(),
            grand_total: euro(4_500),
            ship_country: "DE".to_owned(),
            shipping_address: address(),
            payment_id: payment_id(),
            payment_method: card(),
            placed_at: at,
            reserve_until: until,
            stock_deadline: at + 30 * SECOND,
        }])
        .sends_kinds([(INVENTORY, "ReserveStock"), (INVENTORY, "ReserveStock"), LIST])
        .sends(INVENTORY_COMMANDS, cup(), reserve(2))
        .sends(INVENTORY_COMMANDS, pot(), reserve(1))
        .sends(ORDER_BY_CUSTOMER, customer_id(), listed);
}

#[test]
fn an_order_is_confirmed_when_stock_is_committed_and_money_captured() {
    let (amount, method) = (euro(4_500), card());
    let saga = placed().when(reserved(cup())).then([OrderEvent::LineReserved { sku: cup() }]).sends_kinds([]);
    let payment_deadline = saga.now() + 10 * MINUTE;
    let saga = saga
        .when(reserved(pot()))
        .then([OrderEvent::LineReserved { sku: pot() }, OrderEvent::StockSecured { payment_deadline }])
        .sends_kinds([(PAYMENT, "Authorise")])
        .sends(PAYMENT_COMMANDS, payment_id(), PaymentCommand::Authorise { order_id: order_id(), amount, method })
        .when(OrderCommand::PaymentAuthorised {})
        .then([OrderEvent::PaymentSecured {}])
        .sends_kinds([(INVENTORY, "CommitReservation"), (INVENTORY, "CommitReservation")])
        .sends(INVENTORY_COMMANDS, pot(), InventoryCommand::CommitReservation { order_id: order_id() })
        .when(line_committed(pot()))
        .then([OrderEvent::LineCommitted { sku: pot() }])
        .sends_kinds([])
        .when(line_committed(cup()))
        .then([OrderEvent::LineCommitted { sku: cup() }, OrderEvent::StockCommitted {}])
        .sends_kinds([(PAYMENT, "Capture")])
        .sends(PAYMENT_COMMANDS, payment_id(), PaymentCommand::Capture {})
        .when(captured())
        .then([OrderEvent::OrderConfirmed { captured: euro(4_500) }])
        .settles(Settled::Accepted {})
        .sends_kinds([LIST]);
    // No deadline has anything left to say.
    saga.after(60 * MINUTE).nothing();
}

#[test]
fn a_refused_sku_rejects_the_order_and_releases_the_others() {
    let detail = "1 of POT-1 were asked for, 1 are available";
    let saga = placed().when(reserved(cup())).when(refused(pot()));
    let saga = saga
        .then([OrderEvent::OrderRejected {
            reason: "out_of_stock".to_owned(),
            detail: detail.to_owned(),
            skus: vec![pot()],
        }])
        .settles(rejection("out_of_stock", detail, &[(1, pot())]))
        .sends_kinds([(INVENTORY, "ReleaseReservation"), LIST])
        .sends(INVENTORY_COMMANDS, cup(), release());
    saga.after(60 * MINUTE).nothing();
}

#[test]
fn what_is_reserved_after_the_rejection_is_released_then() {
    placed()
        .when(refused(pot()))
        .then_kinds(["OrderRejected"])
        .sends_kinds([LIST])
        .when(reserved(cup()))
        .then([OrderEvent::LineReserved { sku: cup() }])
        .sends_kinds([(INVENTORY, "ReleaseReservation")])
        .sends(INVENTORY_COMMANDS, cup(), release())
        .again()
        .nothing()
        .when(refused(cup()))
        .nothing();
}

#[test]
fn stock_that_is_not_answered_in_time_rejects_the_order() {
    let silent = rejection("stock_timeout", "the stock was not reserved in time", &[(1, pot())]);
    placed()
        .when(reserved(cup()))
        .after(29 * SECOND)
        .nothing()
        .after(SECOND)
        .then_kinds(["OrderRejected"])
        .settles(silent)
        .sends_kinds([(INVENTORY, "ReleaseReservation"), LIST])
        .when(reserved(pot()))
        .then_kinds(["LineReserved"])
        .sends_kinds([(INVENTORY, "ReleaseReservation")]);
}

/// A deadline as it fires late, after the platform itself was away.
fn stock_deadline_after(away: std::time::Duration) -> Saga {
    // The past is folded, so that the driver's own timer is not there to fire in time.
    let at = empty().now();
    let placed = OrderEvent::OrderPlaced {
        customer_id: customer_id(),
        lines: two_cups_and_a_pot(),
        grand_total: euro(4_500),
        ship_country: "DE".to_owned(),
        shipping_address: address(),
        payment_id: payment_id(),
        payment_method: card(),
        placed_at: at,
        reserve_until: at + 15 * MINUTE,
        stock_deadline: at + 30 * SECOND,
    };
    empty().given([placed]).by(platform()).after(away).when(OrderCommand::StockDeadlinePassed {})
}

#[test]
fn a_deadline_noticed_late_is_given_once_more() {
    let saga = stock_deadline_after(2 * MINUTE).then_kinds(["StockDeadlineExtended"]).sends_kinds([]);
    let saga = saga.after(29 * SECOND).nothing().after(SECOND).then_kinds(["OrderRejected"]);
    assert_eq!(shown(&saga).reason.as_deref(), Some("stock_timeout"));
    stock_deadline_after(2 * MINUTE)
        .when(reserved(cup()))
        .when(reserved(pot()))
        .then_kinds(["LineReserved", "StockSecured"]);
    // The payment would no longer fit in before the reservations end.
    stock_deadline_after(4 * MINUTE + 30 * SECOND).then_kinds(["StockDeadlineExtended"]);
    stock_deadline_after(4 * MINUTE + 31 * SECOND).then_kinds(["OrderRejected"]);
    stock_deadline_after(34 * SECOND).then_kinds(["OrderRejected"]);
    stock_deadline_after(29 * SECOND).nothing();
}

#[test]
fn a_declined_payment_rejects_the_order_and_releases_everything() {
    let detail = "Your card was declined. (card_declined)";
    let saga = secured()
        .when(declined())
        .then_kinds(["OrderRejected"])
        .settles(rejection("payment_declined", detail, &[]))
        .sends_kinds([(INVENTORY, "ReleaseReservation"), (INVENTORY, "ReleaseReservation"), LIST])
        .again()
        .nothing();
    assert_eq!(shown(&saga).payment_status, "declined");
    saga.after(60 * MINUTE).nothing();
}

#[test]
fn a_payment_that_takes_too_long_rejects_the_order_and_is_voided() {
    let given_up = [(INVENTORY, "ReleaseReservation"), (INVENTORY, "ReleaseReservation"), (PAYMENT, "Void"), LIST];
    let timed_out = || {
        let saga = secured().after(10 * MINUTE - SECOND).nothing().after(SECOND).then_kinds(["OrderRejected"]);
        saga.settles(rejection("payment_timeout", "the payment was not authorised in time", &[])).sends_kinds(given_up)
    };
    // It was authorised after all: payment knows that it is not wanted, and says how it ended.
    let saga = timed_out().when(OrderCommand::PaymentAuthorised {}).nothing();
    let saga = saga.when(OrderCommand::PaymentVoided {}).then_kinds(["PaymentReversed"]);
    assert_eq!(shown(&saga).payment_status, "voided");
    // It was declined after all.
    timed_out().when(declined()).nothing().when(OrderCommand::PaymentVoided {}).then_kinds(["PaymentReversed"]);
}

#[test]
fn a_payment_in_time_outlives_its_deadline() {
    committed().after(60 * MINUTE).nothing().when(captured()).then_kinds(["OrderConfirmed"]);
}

#[test]
fn a_commit_that_is_not_answered_is_asked_for_again_and_given_up_with_the_reservation() {
    let commit = [(INVENTORY, "CommitReservation")];
    let half = || authorised().when(line_committed(cup())).then_kinds(["LineCommitted"]);
    let asked_again = || half().after(29 * SECOND).nothing().after(SECOND).then_kinds(["StockDeadlineExtended"]);
    let answered = asked_again().sends_kinds(commit).when(line_committed(pot()));
    answered.then_kinds(["LineCommitted", "StockCommitted"]).after(60 * MINUTE).nothing();

    let saga = asked_again().after(30 * SECOND).then_kinds(["StockDeadlineExtended"]).sends_kinds(commit);
    let silent = rejection("stock_timeout", "the stock was not committed in time", &[(1, pot())]);
    let given_up = [(INVENTORY, "ReturnStock"), (PAYMENT, "Void"), (INVENTORY, "ReturnStock"), LIST];
    let saga = saga.after(14 * MINUTE - SECOND).after(SECOND).then_kinds(["OrderRejected"]).settles(silent);
    saga.sends_kinds(given_up).after(60 * MINUTE).nothing();
}

#[test]
fn a_commit_after_a_late_authorisation_is_asked_for_again_too() {
    let saga = secured().after(MINUTE).nothing().when(OrderCommand::PaymentAuthorised {});
    let commits = [(INVENTORY, "CommitReservation"), (INVENTORY, "CommitReservation")];
    let saga = saga.after(9 * MINUTE - SECOND).nothing().after(SECOND).then_kinds(["StockDeadlineExtended"]);
    saga.sends_kinds(commits).after(30 * SECOND).then_kinds(["StockDeadlineExtended"]).sends_kinds(commits);
}

#[test]
fn a_refused_commit_returns_what_was_committed_and_voids() {
    let detail = "the reservation of POT-1 had expired when the payment came";
    let rejected = authorised()
        .when(line_committed(cup()))
        .when(commit_refused(pot()))
        .then_kinds(["OrderRejected"])
        .settles(rejection("stock_expired", detail, &[(1, pot())]))
        .sends_kinds([(INVENTORY, "ReturnStock"), (PAYMENT, "Void"), LIST])
        .sends(INVENTORY_COMMANDS, cup(), give_back());
    rejected.when(OrderCommand::PaymentVoided {}).then_kinds(["PaymentReversed"]).again().nothing();
}

#[test]
fn what_is_committed_after_the_rejection_is_returned_then() {
    authorised()
        .when(commit_refused(pot()))
        .then_kinds(["OrderRejected"])
        .sends_kinds([(PAYMENT, "Void"), LIST])
        .when(line_committed(cup()))
        .then([OrderEvent::LineCommitted { sku: cup() }])
        .sends_kinds([(INVENTORY, "ReturnStock")])
        .sends(INVENTORY_COMMANDS, cup(), give_back())
        .again()
        .nothing();
    authorised().when(commit_refused(pot())).when(commit_refused(cup())).nothing();
}

#[test]
fn a_capture_that_fails_for_good_returns_the_stock_and_voids() {
    committed()
        .when(capture_failed())
        .then_kinds(["OrderRejected"])
        .settles(rejection("capture_failed", "The authorisation is gone. (expired)", &[]))
        .sends_kinds([(INVENTORY, "ReturnStock"), (INVENTORY, "ReturnStock"), (PAYMENT, "Void"), LIST])
        .when(void_failed())
        .then_kinds(["PaymentStuck"])
        .check(|saga| assert_eq!(shown(saga).payment_status, "parked"))
        .when(void_failed())
        .nothing();
}

#[test]
fn an_answer_to_another_state_changes_nothing() {
    let parked = OrderCommand::PaymentParked { operation: Operation::Void, why: String::new() };
    let timers = [OrderCommand::StockDeadlinePassed {}, OrderCommand::PaymentDeadlinePassed {}];
    let of_payment = [
        OrderCommand::PaymentAuthorised {},
        declined(),
        captured(),
        capture_failed(),
        OrderCommand::PaymentVoided {},
        void_failed(),
        refunded(1),
        refund_failed(),
    ];
    let of_stock = [reserved(cup()), refused(cup()), line_committed(cup()), commit_refused(cup())];
    let chair = || "CHAIR-1".parse().unwrap();
    let of_others = [reserved(chair()), refused(chair()), line_committed(chair()), commit_refused(chair())];
    let all = || [&of_payment[..], &of_stock[..], &of_others[..], &timers[..]].concat();
    /// Its name, how it is reached, and what is wanted there.
    type Point = (&'static str, fn() -> Saga, fn(&OrderCommand) -> bool);
    let points: [Point; 7] = [
        ("not placed", || empty().by(platform()), |_| false),
        ("placed", || placed().when(reserved(cup())), |c| *c == refused(cup())),
        ("secured", secured, |c| *c == declined() || *c == OrderCommand::PaymentAuthorised {}),
        ("authorised", authorised, |c| *c == line_committed(cup()) || *c == commit_refused(cup())),
        ("committed", committed, |c| *c == captured() || *c == capture_failed()),
        ("confirmed", confirmed, |_| false),
        ("rejected", || secured().when(declined()), |c| *c == captured()),
    ];
    for (point, saga, wanted) in points {
        for command in all() {
            if !wanted(&command) {
                eprintln!("{point}: {command:?}");
                saga().when(command).nothing().sends_kinds([]);
            }
        }
    }
    confirmed().when(parked).nothing();
}

#[test]
fn only_the_platform_itself_answers() {
    for actor in [customer(), merchant(), tradewind_schemas::Actor::guest()] {
        for command in [reserved(cup()), OrderCommand::PaymentAuthorised {}, captured(), refunded(1)] {
            placed().by(actor.clone()).when(command).rejected("forbidden").then([]);
        }
    }
}

#[test]
fn a_payment_nobody_can_settle_is_shown_to_staff() {
    let parked = |operation| OrderCommand::PaymentParked { operation, why: "no answer".to_owned() };
    let saga = committed().when(parked(Operation::Capture)).then([OrderEvent::PaymentStuck {
        what: "capture".to_owned(),
        code: "unsettled".to_owned(),
        message: "no answer".to_owned(),
    }]);
    let saga = saga.again().nothing();
    assert_eq!((shown(&saga).status, shown(&saga).payment_status.as_str()), (OrderStatus::Placed, "parked"));
    let saga = saga.when(captured()).then_kinds(["OrderConfirmed"]).settles(Settled::Accepted {});
    assert_eq!(shown(&saga).payment_status, "captured");
    secured().when(parked(Operation::Authorise)).then_kinds(["PaymentStuck"]);
}

#[test]
fn an_order_shows_its_story() {
    let saga = confirmed();
    let order = shown(&saga);
    assert_eq!((order.number.as_str(), order.status, order.reason), ("TW-3F2A8B1C", OrderStatus::Confirmed, None));
    assert_eq!((order.grand_total, order.net, order.refunded), (euro(4_500), euro(4_500), euro(0)));
    assert_eq!((order.payment_id, order.payment_status.as_str()), (payment_id(), "captured"));
    assert_eq!((order.version, order.created_at, order.placed_at), (9, saga.now(), saga.now()));
    let history: Vec<_> = order.history.iter().map(|e| (e.kind.as_str(), e.detail.as_deref())).collect();
    assert_eq!(
        history,
        [
            ("OrderPlaced", None),
            ("LineReserved", Some("CUP-1")),
            ("LineReserved", Some("POT-1")),
            ("StockSecured", None),
            ("PaymentSecured", None),
            ("LineCommitted", Some("CUP-1")),
            ("LineCommitted", Some("POT-1")),
            ("StockCommitted", None),
            ("OrderConfirmed", None),
        ]
    );
    let rejected = shown(&placed().when(refused(cup())));
    assert_eq!((rejected.status, rejected.reason.as_deref()), (OrderStatus::Rejected, Some("out_of_stock")));
    assert_eq!((rejected.net, rejected.payment_status.as_str()), (euro(0), "none"));
}
