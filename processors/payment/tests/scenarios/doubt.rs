//! Calls that leave nobody the wiser: tried again under the same id, ever later, then left to staff.

use std::time::Duration;

use tradewind_schemas::{
    Actor, Role,
    order::OrderCommand,
    payment::{Operation, PaymentCommand, PaymentEvent, PaymentStatus},
};
use tradewind_topics::list::{ORDER_COMMANDS, PAYMENT_INTENTS};

use crate::bank::*;

fn staff() -> Actor {
    Actor::user("00000000-0000-4000-8000-0000000000a1".parse().unwrap(), vec![Role::Merchant])
}

fn retry(operation: Operation, ordinal: i64) -> PaymentCommand {
    PaymentCommand::RetryIntent { intent_id: intent(operation, ordinal) }
}

#[test]
fn an_unsettled_call_is_made_again_under_the_same_id() {
    let first = intent(Operation::Authorise, 1);
    let till = requested().when(result(first, unsettled()));
    let retry_at = Some(till.now() + SECOND);
    let till = till.then([PaymentEvent::AttemptUnsettled {
        order_id: order_id(),
        intent_id: first,
        why: "no answer in 10 s".to_owned(),
        attempt: 1,
        retry_at,
        parked: false,
    }]);
    let till = till.sends_kinds([]).after(SECOND);
    let till = till.then([PaymentEvent::IntentRetried { order_id: order_id(), intent_id: first, attempt: 2 }]);
    let till = till.sends_kinds([CALL]).sends(PAYMENT_INTENTS, payment_id(), call(Operation::Authorise, 1, 4_500, 2));
    let till = till.when(result(first, succeeded("pi_1"))).then_kinds(["PaymentAuthorised"]);
    let view = shown(&till);
    assert_eq!(attempts(&view), [(Operation::Authorise, 1, "unsettled"), (Operation::Authorise, 2, "succeeded")]);
}

#[test]
fn the_waits_double_up_to_five_minutes_and_end_after_twelve_attempts() {
    let first = intent(Operation::Authorise, 1);
    let mut till = requested();
    for (attempt, wait) in (1..).zip([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
        let wait = Duration::from_secs(wait);
        till = till.when(result(first, unsettled())).then_kinds(["AttemptUnsettled"]).sends_kinds([]);
        till = till.after(wait - Duration::from_millis(1)).nothing().after(Duration::from_millis(1));
        till =
            till.then([PaymentEvent::IntentRetried { order_id: order_id(), intent_id: first, attempt: attempt + 1 }]);
    }
    let why = || "no answer in 10 s".to_owned();
    let parked = OrderCommand::PaymentParked { operation: Operation::Authorise, why: why() };
    let till = till.when(result(first, unsettled())).then([PaymentEvent::AttemptUnsettled {
        order_id: order_id(),
        intent_id: first,
        why: why(),
        attempt: 12,
        retry_at: None,
        parked: true,
    }]);
    let till = till.sends_kinds([("order.commands", "PaymentParked")]).sends(ORDER_COMMANDS, order_id(), parked);
    assert_eq!(status(&till), PaymentStatus::Parked);
    till.after(Duration::from_secs(86_400)).nothing();
}

/// A capture that was tried twelve times.
fn parked() -> Till {
    let second = intent(Operation::Capture, 2);
    let mut till = capturing();
    for _ in 1..12 {
        till = till.when(result(second, unsettled())).after(Duration::from_secs(300)).then_kinds(["IntentRetried"]);
    }
    till.when(result(second, unsettled())).then_kinds(["AttemptUnsettled"])
}

#[test]
fn staff_have_a_parked_call_tried_once_more() {
    let till = parked().by(staff()).when(retry(Operation::Capture, 2)).then_kinds(["IntentRetried"]);
    let till = till.sends(PAYMENT_INTENTS, payment_id(), call(Operation::Capture, 2, 4_500, 13));
    assert_eq!(status(&till), PaymentStatus::Capturing);
    let till = till.when(retry(Operation::Capture, 2)).nothing().by(Actor::service("connector"));
    let till = till.when(result(intent(Operation::Capture, 2), unsettled())).then_kinds(["AttemptUnsettled"]);
    assert_eq!(status(&till), PaymentStatus::Parked);
    till.by(staff()).when(retry(Operation::Void, 9)).rejected("not_found");
}

#[test]
fn a_parked_call_still_ends_when_the_answer_comes() {
    let second = intent(Operation::Capture, 2);
    let till = parked().when(result(second, succeeded("pi_1"))).then_kinds(["PaymentCaptured"]);
    assert_eq!(status(&till), PaymentStatus::Captured);
    till.by(staff()).when(retry(Operation::Capture, 2)).rejected("not_found");
    parked().when(result(second, unsettled())).nothing();
    // The timers of a parked call are over.
    parked().when(retry(Operation::Capture, 2)).nothing();
}

#[test]
fn an_answer_while_waiting_ends_the_trying() {
    let first = intent(Operation::Authorise, 1);
    let till = requested().when(result(first, unsettled())).when(result(first, unsettled())).nothing();
    let till = till.when(result(first, succeeded("pi_1"))).then_kinds(["PaymentAuthorised"]);
    till.after(SECOND).nothing().sends_kinds([]);
}

#[test]
fn a_retry_before_its_time_changes_nothing() {
    requested().when(retry(Operation::Authorise, 1)).nothing();
    let till = requested().when(result(intent(Operation::Authorise, 1), unsettled()));
    till.when(retry(Operation::Authorise, 1)).nothing().by(staff()).when(retry(Operation::Authorise, 1)).nothing();
    let customer = Actor::user("00000000-0000-4000-8000-0000000000c1".parse().unwrap(), vec![Role::Customer]);
    parked().by(customer).when(retry(Operation::Capture, 2)).rejected("forbidden");
}

/// The gateway timed out and had charged: it is found out before anything is decided.
#[test]
fn an_unwanted_call_in_doubt_is_settled_before_it_is_undone() {
    let first = intent(Operation::Authorise, 1);
    let till = requested().when(result(first, unsettled())).when(PaymentCommand::Void {});
    let till = till.then_kinds(["VoidRequested"]).sends_kinds([]).after(SECOND).then_kinds(["IntentRetried"]);
    let till = till.when(result(first, succeeded("pi_1"))).then_kinds(["PaymentAuthorised", "VoidRequested"]);
    let till = till.when(result(intent(Operation::Void, 2), unsettled())).after(SECOND);
    let till = till.then_kinds(["IntentRetried"]);
    let till = till.sends(PAYMENT_INTENTS, payment_id(), call(Operation::Void, 2, 4_500, 2));
    till.when(result(intent(Operation::Void, 2), succeeded("pi_1"))).then_kinds(["PaymentVoided"]);
}

#[test]
fn the_last_twenty_attempts_are_shown() {
    let mut till = captured();
    for ordinal in 3..=30 {
        let refund_intent = intent(Operation::Refund, ordinal);
        till = till.when(refund(1)).when(result(refund_intent, succeeded("re"))).then_kinds(["PaymentRefunded"]);
    }
    let view = shown(&till);
    assert_eq!((view.attempts.len(), view.attempts[0].intent_id), (20, intent(Operation::Refund, 11)));
    assert!(view.attempts.iter().all(|shown| shown.outcome == "succeeded"));
}
