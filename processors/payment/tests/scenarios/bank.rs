//! The cast of the payment scenarios: one payment, at each point of its life, and what a gateway says.

use std::time::Duration;

use tradewind_payment::Payments;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Currency, IntentId, Money, OrderId, PaymentId,
    order::OrderCommand,
    payment::{
        GatewayResult, Operation, PAYMENT, PaymentCommand, PaymentIntent, PaymentMethod, PaymentStatus, PaymentView,
    },
};

pub type Till = Scenario<Payments>;

pub const SECOND: Duration = Duration::from_secs(1);
/// A call to the gateway leaves.
pub const CALL: (&str, &str) = ("payment.intents", "Execute");

pub fn order_id() -> OrderId {
    "00000000-0000-4000-8000-000000000001".parse().unwrap()
}

pub fn payment_id() -> PaymentId {
    PaymentId::derived(order_id().uuid(), "payment")
}

pub fn euro(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

pub fn card() -> PaymentMethod {
    PaymentMethod { kind: "card".to_owned(), token: "tok_visa".to_owned() }
}

/// The id of the payment's n-th call.
pub fn intent(operation: Operation, ordinal: i64) -> IntentId {
    let name = match operation {
        Operation::Authorise => "authorise",
        Operation::Capture => "capture",
        Operation::Void => "void",
        Operation::Refund => "refund",
    };
    IntentId::derived(payment_id().uuid(), &format!("{name} {ordinal}"))
}

pub fn call(operation: Operation, ordinal: i64, amount: i64, attempt: i32) -> PaymentIntent {
    let asked = operation == Operation::Authorise;
    PaymentIntent::Execute {
        intent_id: intent(operation, ordinal),
        operation,
        order_id: order_id(),
        amount: euro(amount),
        method: asked.then(card),
        reference: (!asked).then(|| "pi_1".to_owned()),
        attempt,
    }
}

pub fn authorise(amount: i64) -> PaymentCommand {
    PaymentCommand::Authorise { order_id: order_id(), amount: euro(amount), method: card() }
}

pub fn refund(amount: i64) -> PaymentCommand {
    PaymentCommand::Refund { amount: euro(amount) }
}

pub fn result(intent_id: IntentId, result: GatewayResult) -> PaymentCommand {
    PaymentCommand::RecordGatewayResult { intent_id, result }
}

pub fn succeeded(reference: &str) -> GatewayResult {
    GatewayResult::Succeeded { reference: reference.to_owned() }
}

pub fn card_declined() -> GatewayResult {
    GatewayResult::Declined { code: "card_declined".to_owned(), message: "Your card was declined.".to_owned() }
}

pub fn not_understood() -> GatewayResult {
    GatewayResult::Refused { code: "resource_missing".to_owned(), message: "No such thing.".to_owned() }
}

pub fn unsettled() -> GatewayResult {
    GatewayResult::Unsettled { why: "no answer in 10 s".to_owned() }
}

pub fn declined_as(no: &GatewayResult) -> OrderCommand {
    match no.clone() {
        GatewayResult::Declined { code, message } | GatewayResult::Refused { code, message } => {
            OrderCommand::PaymentDeclined { code, message }
        }
        other => panic!("{other:?} is no refusal"),
    }
}

pub fn empty() -> Till {
    Scenario::of(payment_id())
}

pub fn requested() -> Till {
    empty().when(authorise(4_500)).then_kinds(["PaymentRequested"])
}

pub fn authorised() -> Till {
    requested().when(result(intent(Operation::Authorise, 1), succeeded("pi_1"))).then_kinds(["PaymentAuthorised"])
}

pub fn capturing() -> Till {
    authorised().when(PaymentCommand::Capture {}).then_kinds(["CaptureRequested"])
}

pub fn captured() -> Till {
    capturing().when(result(intent(Operation::Capture, 2), succeeded("pi_1"))).then_kinds(["PaymentCaptured"])
}

pub fn voiding() -> Till {
    authorised().when(PaymentCommand::Void {}).then_kinds(["VoidRequested"])
}

pub fn voided() -> Till {
    voiding().when(result(intent(Operation::Void, 2), succeeded("pi_1"))).then_kinds(["PaymentVoided"])
}

/// All of it went back.
pub fn refunded() -> Till {
    let till = captured().when(refund(4_500)).then_kinds(["RefundRequested"]);
    till.when(result(intent(Operation::Refund, 3), succeeded("re_1"))).then_kinds(["PaymentRefunded"])
}

pub fn shown(till: &Till) -> PaymentView {
    till.view(PAYMENT, &()).expect("the payment is shown")
}

pub fn status(till: &Till) -> PaymentStatus {
    shown(till).status
}

/// Operation, attempt and outcome of each attempt that is shown.
pub fn attempts(view: &PaymentView) -> Vec<(Operation, i32, &str)> {
    view.attempts.iter().map(|shown| (shown.operation, shown.attempt, shown.outcome.as_str())).collect()
}
