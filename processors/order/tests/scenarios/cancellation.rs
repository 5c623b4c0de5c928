//! Cancelling: possible until the order ends, final at once, whatever is still under way.

use tradewind_schemas::{
    Actor,
    order::{CustomerOrder, OrderCommand, OrderEvent, OrderStatus},
    payment::PaymentCommand,
};
use tradewind_topics::list::{INVENTORY_COMMANDS, ORDER_BY_CUSTOMER, PAYMENT_COMMANDS};

use crate::shop::*;

const RELEASE: (&str, &str) = (INVENTORY, "ReleaseReservation");
const RETURN: (&str, &str) = (INVENTORY, "ReturnStock");
const VOID: (&str, &str) = (PAYMENT, "Void");
const REFUND: (&str, &str) = (PAYMENT, "Refund");

#[test]
fn a_cancelled_order_gives_up_what_it_holds() {
    type Point = (&'static str, fn() -> Saga, &'static [(&'static str, &'static str)]);
    let points: [Point; 7] = [
        ("nothing answered", placed, &[LIST]),
        ("one reserved", || placed().when(reserved(cup())), &[RELEASE, LIST]),
        ("authorising", secured, &[RELEASE, RELEASE, VOID, LIST]),
        ("committing", authorised, &[VOID, LIST]),
        ("one committed", || authorised().when(line_committed(cup())), &[RETURN, VOID, LIST]),
        ("capturing", committed, &[RETURN, RETURN, VOID, LIST]),
        ("confirmed", confirmed, &[RETURN, RETURN, REFUND, LIST]),
    ];
    for (point, saga, sent) in points {
        eprintln!("{point}");
        let saga = saga().by(customer()).when(cancel()).then([cancelled()]).sends_kinds(sent.iter().copied());
        let order = shown(&saga);
        assert_eq!((order.status, order.reason.as_deref()), (OrderStatus::Cancelled, Some("changed my mind")));
        // Asked for again, the answer is the same, and nothing happens twice.
        saga.when(cancel()).nothing().sends_kinds([]).by(merchant()).when(cancel()).nothing();
    }
}

#[test]
fn who_waits_for_a_placed_order_is_told() {
    let told = || rejection("cancelled", "the order was cancelled before it was confirmed", &[]);
    for saga in [placed, secured, authorised, committed] {
        saga().by(customer()).when(cancel()).settles(told());
    }
}

#[test]
fn customers_cancel_their_own_orders_and_staff_any() {
    placed().by(another_customer()).when(cancel()).rejected("not_found").then([]);
    placed().by(Actor::guest()).when(cancel()).rejected("not_found").then([]);
    placed().by(merchant()).when(OrderCommand::CancelOrder { reason: None }).then_kinds(["OrderCancelled"]);
    empty().when(cancel()).rejected("not_found").then([]);
    empty().by(merchant()).when(cancel()).rejected("not_found").then([]);
}

#[test]
fn a_rejected_order_cannot_be_cancelled() {
    let rejected = secured().when(declined()).by(customer());
    rejected.when(cancel()).rejected("order_not_cancellable").then([]);
}

#[test]
fn a_reason_is_not_a_novel() {
    let reason = |length| OrderCommand::CancelOrder { reason: Some("x".repeat(length)) };
    placed()
        .by(customer())
        .when(reason(501))
        .rejected("invalid_reason")
        .when(reason(500))
        .then_kinds(["OrderCancelled"]);
}

#[test]
fn answers_about_stock_after_the_cancellation_give_it_up() {
    let saga = placed().by(customer()).when(cancel()).by(platform());
    let saga = saga.when(reserved(cup())).then_kinds(["LineReserved"]).sends_kinds([RELEASE]);
    let saga = saga.sends(INVENTORY_COMMANDS, cup(), release()).when(refused(pot())).nothing();
    saga.when(reserved(cup())).nothing().after(60 * MINUTE).nothing();

    let saga = authorised().by(customer()).when(cancel()).by(platform());
    let saga = saga.when(line_committed(cup())).then_kinds(["LineCommitted"]).sends_kinds([RETURN]);
    let saga = saga.sends(INVENTORY_COMMANDS, cup(), give_back()).when(commit_refused(pot())).nothing();
    saga.when(line_committed(cup())).nothing();
}

#[test]
fn a_late_authorisation_is_voided() {
    let saga = secured().by(customer()).when(cancel()).sends(PAYMENT_COMMANDS, payment_id(), PaymentCommand::Void {});
    let saga = saga.by(platform()).when(OrderCommand::PaymentAuthorised {}).nothing().sends_kinds([]);
    let saga = saga.when(OrderCommand::PaymentVoided {});
    let saga = saga.then([OrderEvent::PaymentReversed { voided: true, refunded: None }]).again().nothing();
    assert_eq!((shown(&saga).payment_status.as_str(), shown(&saga).net), ("voided", euro(0)));
}

#[test]
fn a_late_capture_is_refunded() {
    let saga = committed().by(customer()).when(cancel()).by(platform());
    let saga = saga.when(captured()).then([OrderEvent::PaymentCapturedLate { captured: euro(4_500) }]);
    let saga = saga.sends_kinds([]).again().nothing();
    assert_eq!((shown(&saga).payment_status.as_str(), shown(&saga).net), ("refunding", euro(4_500)));
    let saga = saga.when(refunded(4_500));
    let saga =
        saga.then([OrderEvent::PaymentReversed { voided: false, refunded: Some(euro(4_500)) }]).again().nothing();
    let order = shown(&saga);
    assert_eq!((order.status, order.payment_status.as_str()), (OrderStatus::Cancelled, "refunded"));
    assert_eq!((order.refunded, order.net), (euro(4_500), euro(0)));
}

#[test]
fn a_confirmed_order_is_refunded_whole() {
    let all = PaymentCommand::Refund { amount: euro(4_500) };
    let saga = confirmed().by(customer()).when(cancel()).sends(PAYMENT_COMMANDS, payment_id(), all).by(platform());
    assert_eq!(shown(&saga).payment_status, "refunding");
    let saga = saga.when(refunded(4_501)).nothing().when(refunded(4_500)).then_kinds(["PaymentReversed"]);
    let order = shown(&saga);
    assert_eq!((order.refunded, order.net, order.payment_status.as_str()), (euro(4_500), euro(0), "refunded"));
}

#[test]
fn a_refund_that_fails_is_shown_to_staff() {
    let saga = confirmed().by(customer()).when(cancel()).by(platform()).when(refund_failed());
    let saga = saga.then_kinds(["PaymentStuck"]).again().nothing();
    let order = shown(&saga);
    assert_eq!((order.payment_status.as_str(), order.net), ("parked", euro(4_500)));
    // It went through in the end.
    let saga = saga.when(refunded(4_500)).then_kinds(["PaymentReversed"]);
    assert_eq!(shown(&saga).payment_status, "refunded");
}

#[test]
fn the_customers_list_follows() {
    let at = empty().now();
    let listed = |status| CustomerOrder::Listed { order_id: order_id(), placed_at: at, status };
    for (saga, status) in [
        (confirmed(), OrderStatus::Confirmed),
        (secured().when(declined()), OrderStatus::Rejected),
        (confirmed().by(customer()).when(cancel()), OrderStatus::Cancelled),
    ] {
        saga.sends(ORDER_BY_CUSTOMER, customer_id(), listed(status));
    }
}
