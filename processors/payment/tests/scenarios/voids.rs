//! Payments that are not wanted any more, at whatever point they are.

use tradewind_schemas::{
    order::OrderCommand,
    payment::{Operation, PaymentCommand, PaymentEvent, PaymentStatus},
};
use tradewind_topics::list::{ORDER_COMMANDS, PAYMENT_INTENTS};

use crate::bank::*;

const VOID: PaymentCommand = PaymentCommand::Void {};
const VOIDED: (&str, &str) = ("order.commands", "PaymentVoided");

#[test]
fn an_authorised_payment_is_voided_at_the_gateway() {
    let (order_id, second) = (order_id(), intent(Operation::Void, 2));
    let till = authorised().when(VOID).then([PaymentEvent::VoidRequested { order_id, intent_id: Some(second) }]);
    let till = till.sends_kinds([CALL]).sends(PAYMENT_INTENTS, payment_id(), call(Operation::Void, 2, 4_500, 1));
    assert_eq!(status(&till), PaymentStatus::Voiding);
    let till = till.when(result(second, succeeded("pi_1")));
    let till = till.then([PaymentEvent::PaymentVoided { order_id, intent_id: Some(second) }]).sends_kinds([VOIDED]);
    assert_eq!(status(&till), PaymentStatus::Voided);
}

#[test]
fn an_authorisation_under_way_is_voided_when_it_turns_out_to_have_succeeded() {
    let (order_id, second) = (order_id(), intent(Operation::Void, 2));
    let till = requested().when(VOID).then([PaymentEvent::VoidRequested { order_id, intent_id: None }]);
    let till = till.sends_kinds([]).when(result(intent(Operation::Authorise, 1), succeeded("pi_1")));
    let till = till.then_kinds(["PaymentAuthorised", "VoidRequested"]);
    let till = till.sends_kinds([("order.commands", "PaymentAuthorised"), CALL]);
    let till = till.sends(PAYMENT_INTENTS, payment_id(), call(Operation::Void, 2, 4_500, 1));
    till.when(result(second, succeeded("pi_1"))).then_kinds(["PaymentVoided"]).sends_kinds([VOIDED]);
}

#[test]
fn an_authorisation_under_way_that_is_declined_needs_no_call() {
    let till = requested().when(VOID).when(result(intent(Operation::Authorise, 1), card_declined()));
    let till = till.then_kinds(["PaymentDeclined", "PaymentVoided"]);
    let till = till.sends_kinds([("order.commands", "PaymentDeclined"), VOIDED]);
    assert_eq!(status(&till), PaymentStatus::Voided);
    till.when(VOID).nothing();
}

#[test]
fn a_declined_payment_is_voided_without_a_call() {
    let till = requested().when(result(intent(Operation::Authorise, 1), card_declined())).when(VOID);
    till.then_kinds(["PaymentVoided"]).sends_kinds([VOIDED]).when(VOID).nothing();
}

#[test]
fn a_capture_under_way_is_refunded_when_it_turns_out_to_have_succeeded() {
    let till = capturing().when(VOID).then([PaymentEvent::VoidRequested { order_id: order_id(), intent_id: None }]);
    let till = till.sends_kinds([]).when(result(intent(Operation::Capture, 2), succeeded("pi_1")));
    let till = till.then_kinds(["PaymentCaptured", "RefundRequested"]);
    let till = till.sends_kinds([("order.commands", "PaymentCaptured"), CALL]);
    let till = till.sends(PAYMENT_INTENTS, payment_id(), call(Operation::Refund, 3, 4_500, 1));
    assert_eq!(status(&till), PaymentStatus::Refunding);
    let till = till.when(result(intent(Operation::Refund, 3), succeeded("re_1"))).then_kinds(["PaymentRefunded"]);
    let till = till.sends(ORDER_COMMANDS, order_id(), OrderCommand::PaymentRefunded { amount: euro(4_500) });
    let view = shown(&till);
    assert_eq!((view.status, view.captured, view.refunded), (PaymentStatus::Refunded, euro(4_500), euro(4_500)));
}

#[test]
fn a_capture_under_way_that_fails_leaves_an_authorisation_to_void() {
    let till = capturing().when(VOID).when(result(intent(Operation::Capture, 2), not_understood()));
    let till = till.then_kinds(["CaptureFailed", "VoidRequested"]);
    let till = till.sends_kinds([("order.commands", "CaptureFailed"), CALL]);
    till.when(result(intent(Operation::Void, 3), succeeded("pi_1"))).then_kinds(["PaymentVoided"]);
}

#[test]
fn a_failed_capture_leaves_an_authorisation_to_void() {
    let till = capturing().when(result(intent(Operation::Capture, 2), not_understood())).when(VOID);
    till.then_kinds(["VoidRequested"]).sends(PAYMENT_INTENTS, payment_id(), call(Operation::Void, 3, 4_500, 1));
}

#[test]
fn a_captured_payment_is_refunded_instead() {
    let till = captured().when(VOID).then_kinds(["RefundRequested"]);
    let till = till.sends(PAYMENT_INTENTS, payment_id(), call(Operation::Refund, 3, 4_500, 1)).when(VOID).nothing();
    till.when(result(intent(Operation::Refund, 3), succeeded("re_1"))).then_kinds(["PaymentRefunded"]);

    // What went back already does not go back again.
    let till = captured().when(refund(1_000)).when(VOID).then_kinds(["RefundRequested"]);
    till.sends(PAYMENT_INTENTS, payment_id(), call(Operation::Refund, 4, 3_500, 1));
}

#[test]
fn a_void_that_fails_is_staffs() {
    for no in [card_declined(), not_understood()] {
        let till = voiding().when(result(intent(Operation::Void, 2), no)).then_kinds(["VoidFailed"]);
        let till = till.sends_kinds([("order.commands", "VoidFailed")]);
        assert_eq!(status(&till), PaymentStatus::Parked);
        till.when(VOID).nothing().when(PaymentCommand::Capture {}).nothing();
    }
}
