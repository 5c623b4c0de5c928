//! Giving back, never more than was taken.

use tradewind_schemas::{
    Currency, Money,
    order::OrderCommand,
    payment::{Operation, PaymentCommand, PaymentEvent, PaymentStatus},
};
use tradewind_topics::list::{ORDER_COMMANDS, PAYMENT_INTENTS};

use crate::bank::*;

#[test]
fn a_refund_goes_back_through_the_gateway() {
    let (order_id, amount, third) = (order_id(), euro(4_500), intent(Operation::Refund, 3));
    let till = captured().when(refund(4_500));
    let till = till.then([PaymentEvent::RefundRequested { order_id, intent_id: third, amount }]).sends_kinds([CALL]);
    let till = till.sends(PAYMENT_INTENTS, payment_id(), call(Operation::Refund, 3, 4_500, 1));
    let till = till.when(result(third, succeeded("re_1")));
    let till = till.then([PaymentEvent::PaymentRefunded { order_id, intent_id: third, amount, refunded: amount }]);
    till.sends(ORDER_COMMANDS, order_id, OrderCommand::PaymentRefunded { amount }).again().nothing();
}

#[test]
fn pending_and_done_refunds_never_exceed_what_was_captured() {
    let till = captured().when(refund(3_000)).then_kinds(["RefundRequested"]);
    let till = till.when(refund(1_501)).rejected("refund_exceeds_captured").then([]);
    let till = till.when(result(intent(Operation::Refund, 3), succeeded("re_1"))).then_kinds(["PaymentRefunded"]);
    let till = till.when(refund(1_501)).rejected("refund_exceeds_captured").when(refund(1_500));
    let till = till.then_kinds(["RefundRequested"]).when(refund(1)).rejected("refund_exceeds_captured");
    let till =
        till.when(result(intent(Operation::Refund, 4), succeeded("re_2"))).then([PaymentEvent::PaymentRefunded {
            order_id: order_id(),
            intent_id: intent(Operation::Refund, 4),
            amount: euro(1_500),
            refunded: euro(4_500),
        }]);
    assert_eq!((status(&till), shown(&till).refunded), (PaymentStatus::Refunded, euro(4_500)));
    till.when(refund(1)).rejected("refund_exceeds_captured").when(refund(i64::MAX)).rejected("refund_exceeds_captured");
}

#[test]
fn what_was_not_captured_cannot_be_refunded() {
    for till in [empty, requested, authorised, capturing, voiding, voided] {
        till().when(refund(1)).rejected("refund_exceeds_captured").then([]);
    }
}

#[test]
fn a_refund_is_an_amount_of_the_payments_currency() {
    for amount in [0, -1, i64::MIN] {
        captured().when(refund(amount)).rejected("invalid_amount").then([]);
    }
    let dollars = PaymentCommand::Refund { amount: Money::new(1, Currency::USD) };
    captured().when(dollars).rejected("invalid_amount").then([]);
}

#[test]
fn a_refund_that_fails_can_be_asked_for_again() {
    let till = captured().when(refund(4_500)).when(result(intent(Operation::Refund, 3), not_understood()));
    let till = till.then_kinds(["RefundFailed"]).sends_kinds([("order.commands", "RefundFailed")]);
    assert_eq!((status(&till), shown(&till).refunded), (PaymentStatus::Parked, euro(0)));
    let till = till.when(refund(4_500)).then_kinds(["RefundRequested"]);
    let till = till.sends(PAYMENT_INTENTS, payment_id(), call(Operation::Refund, 4, 4_500, 1));
    let till = till.when(result(intent(Operation::Refund, 4), succeeded("re_2"))).then_kinds(["PaymentRefunded"]);
    assert_eq!(status(&till), PaymentStatus::Refunded);
}

#[test]
fn refunds_under_way_at_once_do_not_mix() {
    let (first, second) = (intent(Operation::Refund, 3), intent(Operation::Refund, 4));
    let till = captured().when(refund(1_000)).when(refund(2_000));
    let till = till.when(result(second, succeeded("re_2"))).then_kinds(["PaymentRefunded"]);
    assert_eq!((status(&till), shown(&till).refunded), (PaymentStatus::Refunding, euro(2_000)));
    let till = till.when(result(first, not_understood())).then([PaymentEvent::RefundFailed {
        order_id: order_id(),
        intent_id: first,
        amount: euro(1_000),
        code: "resource_missing".to_owned(),
        message: "No such thing.".to_owned(),
    }]);
    till.when(refund(2_500)).then_kinds(["RefundRequested"]);
}
