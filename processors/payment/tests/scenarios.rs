//! Payment's scenarios: how money is taken and given back, and what happens when nobody knows.

#[path = "scenarios/bank.rs"]
mod bank;
#[path = "scenarios/doubt.rs"]
mod doubt;
#[path = "scenarios/refunds.rs"]
mod refunds;
#[path = "scenarios/voids.rs"]
mod voids;

use bank::*;
use tradewind_schemas::{
    Actor, Role,
    order::OrderCommand,
    payment::{Operation, PaymentCommand, PaymentEvent, PaymentStatus},
};
use tradewind_topics::list::{ORDER_COMMANDS, PAYMENT_INTENTS};

#[test]
fn a_payment_is_authorised_then_captured() {
    let (order_id, amount) = (order_id(), euro(4_500));
    let (first, second) = (intent(Operation::Authorise, 1), intent(Operation::Capture, 2));
    let reference = "pi_1".to_owned();
    let payment = empty()
        .when(authorise(4_500))
        .then([PaymentEvent::PaymentRequested { order_id, amount, method: card(), intent_id: first }])
        .sends_kinds([CALL])
        .sends(PAYMENT_INTENTS, payment_id(), call(Operation::Authorise, 1, 4_500, 1))
        .when(result(first, succeeded("pi_1")))
        .then([PaymentEvent::PaymentAuthorised { order_id, intent_id: first, amount, reference }])
        .sends_kinds([("order.commands", "PaymentAuthorised")])
        .sends(ORDER_COMMANDS, order_id, OrderCommand::PaymentAuthorised {})
        .when(PaymentCommand::Capture {})
        .then([PaymentEvent::CaptureRequested { order_id, intent_id: second, amount }])
        .sends_kinds([CALL])
        .sends(PAYMENT_INTENTS, payment_id(), call(Operation::Capture, 2, 4_500, 1))
        .when(result(second, succeeded("pi_1")))
        .then([PaymentEvent::PaymentCaptured { order_id, intent_id: second, amount }])
        .sends_kinds([("order.commands", "PaymentCaptured")])
        .sends(ORDER_COMMANDS, order_id, OrderCommand::PaymentCaptured { amount });
    let view = shown(&payment);
    assert_eq!((view.status, view.captured, view.refunded), (PaymentStatus::Captured, amount, euro(0)));
    assert_eq!(attempts(&view), [(Operation::Authorise, 1, "succeeded"), (Operation::Capture, 1, "succeeded")]);
}

#[test]
fn a_declined_payment_is_answered() {
    for no in [card_declined(), not_understood()] {
        let first = intent(Operation::Authorise, 1);
        let payment = requested().when(result(first, no.clone())).then_kinds(["PaymentDeclined"]);
        let payment = payment.sends(ORDER_COMMANDS, order_id(), declined_as(&no)).again().nothing();
        let view = shown(&payment);
        assert_eq!(
            (view.status, attempts(&view)),
            (PaymentStatus::Declined, vec![(Operation::Authorise, 1, "declined")])
        );
        payment.when(PaymentCommand::Capture {}).nothing();
    }
}

#[test]
fn a_capture_that_is_refused_is_answered() {
    for no in [card_declined(), not_understood()] {
        let payment = capturing().when(result(intent(Operation::Capture, 2), no)).then_kinds(["CaptureFailed"]);
        let payment = payment.sends_kinds([("order.commands", "CaptureFailed")]).when(PaymentCommand::Capture {});
        let view = shown(&payment.nothing());
        assert_eq!((view.status, view.captured), (PaymentStatus::Authorised, euro(0)));
    }
}

#[test]
fn only_the_platform_moves_money() {
    let user = |role| Actor::user("00000000-0000-4000-8000-0000000000a1".parse().unwrap(), vec![role]);
    for actor in [user(Role::Customer), user(Role::Merchant), user(Role::Admin), Actor::guest()] {
        for command in [PaymentCommand::Capture {}, PaymentCommand::Void {}, refund(1), authorise(1)] {
            authorised().by(actor.clone()).when(command).rejected("forbidden").then([]);
        }
        let yes = result(intent(Operation::Authorise, 1), succeeded("pi_1"));
        requested().by(actor).when(yes).rejected("forbidden").then([]);
    }
}

#[test]
fn nothing_is_not_an_amount() {
    for amount in [0, -1, i64::MIN] {
        empty().when(authorise(amount)).rejected("invalid_amount").then([]);
    }
    empty().when(authorise(i64::MAX)).then_kinds(["PaymentRequested"]);
}

#[test]
fn what_is_asked_again_or_out_of_turn_changes_nothing() {
    type Point = (&'static str, fn() -> Till, &'static [PaymentCommand]);
    const CAPTURE: PaymentCommand = PaymentCommand::Capture {};
    const VOID: PaymentCommand = PaymentCommand::Void {};
    let points: [Point; 9] = [
        ("nothing asked", empty, &[CAPTURE, VOID]),
        ("requested", requested, &[CAPTURE]),
        ("unwanted while requested", || requested().when(VOID), &[CAPTURE, VOID]),
        ("capturing", capturing, &[CAPTURE]),
        ("unwanted while capturing", || capturing().when(VOID), &[CAPTURE, VOID]),
        ("captured", captured, &[CAPTURE]),
        ("voiding", || authorised().when(VOID), &[CAPTURE, VOID]),
        ("voided", voided, &[CAPTURE, VOID]),
        ("refunded", refunded, &[CAPTURE, VOID]),
    ];
    for (point, till, commands) in points {
        for command in commands {
            eprintln!("{point}: {command:?}");
            till().when(command.clone()).nothing().sends_kinds([]);
        }
        if point != "nothing asked" {
            till().when(authorise(4_500)).nothing().when(authorise(1)).nothing();
        }
    }
}

#[test]
fn only_the_call_under_way_is_heard() {
    for till in [empty, requested, authorised, capturing, captured] {
        for answer in [succeeded("pi_1"), card_declined(), unsettled()] {
            till().when(result(intent(Operation::Void, 7), answer)).nothing();
        }
    }
    captured().when(result(intent(Operation::Authorise, 1), card_declined())).nothing();
    captured().when(result(intent(Operation::Capture, 2), card_declined())).nothing();
}

#[test]
fn what_a_gateway_says_is_cut_to_size() {
    let (code, message) = ("c".repeat(10_000), "ü".repeat(10_000));
    let long = tradewind_schemas::payment::GatewayResult::Declined { code, message };
    let payment = requested().when(result(intent(Operation::Authorise, 1), long));
    let (code, message) = ("c".repeat(500), "ü".repeat(500));
    payment.sends(ORDER_COMMANDS, order_id(), OrderCommand::PaymentDeclined { code, message });
}
