//! What the gateway says comes back to the payment.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use tempfile::tempdir;
use tradewind_connectors::stripe::executor::Options;
use tradewind_runtime::dead_letters;
use tradewind_schemas::{
    Actor,
    payment::{GatewayResult, Operation, PaymentAttempt, PaymentCommand},
};
use tradewind_topics::list::{PAYMENT_COMMANDS, PAYMENT_INTENTS};

use crate::{
    harness::{self, Sandbox},
    intent::{Intent, TRACEPARENT},
    stage::{Stage, reference, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn approved_declined_and_refused_calls_are_reported() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let working = stage.executor(sandbox.client(), Options::new("a"));
    let [approved, declined, refused] = ["tok_visa", "tok_chargeDeclined", "tok_none"].map(Intent::authorise);
    let incomplete = Intent { token: None, ..Intent::authorise("") };
    stage.ask([&approved, &declined, &refused, &incomplete]).await;

    let payment_intent = stage.report(&approved, 1).await;
    assert!(reference(&payment_intent).starts_with("pi_"));
    assert!(matches!(stage.report(&declined, 1).await, GatewayResult::Declined { .. }));
    let no_such_card = stage.report(&refused, 1).await;
    assert!(
        matches!(&no_such_card, GatewayResult::Refused { code, .. } if code == "resource_missing"),
        "{no_such_card:?}"
    );
    let lacking = stage.report(&incomplete, 1).await;
    assert!(matches!(&lacking, GatewayResult::Refused { code, .. } if code == "incomplete_intent"), "{lacking:?}");

    let capture = approved.then(Operation::Capture, reference(&payment_intent));
    let refund = Intent { amount: 500, ..approved.then(Operation::Refund, reference(&payment_intent)) };
    stage.ask([&capture, &refund]).await;
    assert_eq!(stage.report(&capture, 1).await, payment_intent);
    assert!(reference(&stage.report(&refund, 1).await).starts_with("re_"));

    let other = Intent::authorise("tok_visa");
    stage.ask([&other]).await;
    let held = stage.report(&other, 1).await;
    let void = other.then(Operation::Void, reference(&held));
    stage.ask([&void]).await;
    assert_eq!(stage.report(&void, 1).await, held);

    let totals = sandbox.totals().await;
    for (what, count, amount) in [
        ("authorised", 2, 3998),
        ("captured", 1, 1999),
        ("refunded", 1, 500),
        ("canceled", 1, 1999),
        ("declined", 1, 1999),
    ] {
        assert_eq!((&totals[what]["count"], &totals[what]["amount"]), (&count.into(), &amount.into()), "{what}");
    }
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_where_it_comes_from_and_the_trace_goes_on() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let working = stage.executor(sandbox.client(), Options::new("a"));
    let intent = Intent::authorise("tok_visa");
    stage.ask([&intent]).await;
    let said = stage.report(&intent, 1).await;

    let record = stage.read(PAYMENT_COMMANDS.name).pop().unwrap();
    let envelope = stage.decoded::<PaymentCommand>(PAYMENT_COMMANDS.name).pop().unwrap();
    assert_eq!(record.source, stage.place(PAYMENT_COMMANDS.name, &intent.payment.to_string()));
    assert_eq!(record.key.as_deref(), Some(intent.payment.to_string().as_bytes()));
    assert_eq!(record.headers, [("traceparent".into(), Bytes::from(TRACEPARENT))]);
    assert_eq!(envelope.key, intent.payment.to_string());
    assert_eq!((envelope.causation_id, envelope.correlation_id), (Some(intent.message), intent.correlation));
    assert_eq!((envelope.actor, envelope.cause), (Actor::service("connector.stripe"), Some(Intent::cause())));
    let call = sandbox.get(&format!("/v1/sandbox/requests/{}", intent.id)).await;
    assert_eq!(call.body["traceparent"], TRACEPARENT);

    let ended = PaymentAttempt::Attempted { intent_id: intent.id, attempt: 1, result: said };
    assert_eq!(stage.last_attempt(&intent), Some(ended));
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_call_holds_up_nobody_and_is_asked_about_by_the_next_executor() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let endless = harness::options().hold_timeouts_for(Duration::from_secs(600)).unwrap();
    let sandbox = Sandbox::with(dir.path(), endless).await;
    let slow = Intent::authorise("tok_timeout_charged");
    let others: Vec<_> = (0..49).map(|_| Intent::authorise("tok_visa")).collect();
    let working = stage.executor(sandbox.impatient(Duration::from_secs(300)), Options::new("a"));
    let at = stage.ask([&slow]).await[0];
    stage.ask(&others).await;
    until("the others are through", || stage.reports().len() == others.len()).await;
    assert!(stage.reports().iter().all(|(_, result)| reference(result).starts_with("pi_")));
    assert!(stage.position(&slow) <= Some(at), "the group stays with what is unfinished");
    assert_eq!(stage.reports_of(&slow), []);
    working.stop().await;

    let working = stage.executor(sandbox.client(), Options::new("a"));
    assert!(reference(&stage.report(&slow, 1).await).starts_with("pi_"));
    until("the group is past it", || stage.position(&slow) > Some(at)).await;
    working.stop().await;
    let mut reported: Vec<_> = stage.reports().into_iter().map(|(intent, _)| intent).collect();
    reported.sort();
    reported.dedup();
    assert_eq!((reported.len(), stage.reports().len()), (50, 50), "each is reported once");
    assert_eq!(sandbox.totals().await["authorised"]["count"], 50);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_a_payment_are_made_in_order() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let slowly = harness::options().hold_slow_for(Duration::from_millis(500)).unwrap();
    let sandbox = Sandbox::with(dir.path(), slowly).await;
    let first = Intent::authorise("tok_slow_3s");
    let second = first.then_authorise("tok_visa");
    let third = first.then_authorise("tok_chargeDeclined");
    stage.ask([&first, &second, &third]).await;
    let working = stage.executor(sandbox.client(), Options::new("a"));
    stage.report(&third, 1).await;
    let reported: Vec<_> = stage.reports().into_iter().map(|(intent, _)| intent).collect();
    assert_eq!(reported, [first.id, second.id, third.id]);
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_timed_out_though_it_was_charged_is_found_by_a_later_attempt() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let working = stage.executor(sandbox.impatient(Duration::from_secs(2)), Options::new("a"));
    let intent = Intent::authorise("tok_timeout_charged");
    stage.ask([&intent]).await;
    let first = stage.report(&intent, 1).await;
    assert!(matches!(first, GatewayResult::Unsettled { .. }), "{first:?}");
    stage.ask([&intent.again(2)]).await;
    assert!(reference(&stage.report(&intent, 2).await).starts_with("pi_"));
    assert_eq!(sandbox.totals().await["authorised"]["count"], 1);
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_intents_than_may_be_in_flight_wait_their_turn() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let intents: Vec<_> = (0..60).map(|_| Intent::authorise("tok_visa")).collect();
    stage.ask(&intents).await;
    let working = stage.executor(sandbox.client(), Options { calls: 2, in_flight: 4, ..Options::new("a") });
    until("all are through", || stage.reports().len() == intents.len()).await;
    assert_eq!(sandbox.totals().await["authorised"]["count"], 60);
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_intent_goes_to_the_dead_letters_and_holds_up_nobody() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let good = Intent::authorise("tok_visa");
    let garbled = tradewind_topics::Append { value: Some("no Avro".into()), ..good.record(&stage) };
    let keyless = tradewind_topics::Append { key: None, ..good.record(&stage) };
    let empty = tradewind_topics::Append { value: None, ..good.record(&stage) };
    stage.write([garbled.clone(), keyless, empty]).await;
    stage.ask([&good]).await;
    let working = stage.executor(sandbox.client(), Options::new("a"));
    stage.report(&good, 1).await;
    let letters = stage.read(&dead_letters(PAYMENT_INTENTS.name));
    assert_eq!(letters.len(), 3);
    assert_eq!((&letters[0].key, &letters[0].value), (&garbled.key, &garbled.value));
    for (name, value) in
        [("dlq-topic", "test.payment.intents"), ("dlq-stage", "connector.stripe"), ("traceparent", TRACEPARENT)]
    {
        let found = letters[0].headers.iter().find(|(n, _)| n.as_ref() == name).map(|(_, value)| value.as_ref());
        assert_eq!(found, Some(value.as_bytes()), "{name}");
    }
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_of_a_schema_that_cannot_be_looked_up_waits() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let foreign = Intent::authorise("tok_visa");
    let mut record = foreign.record(&stage);
    let mut value = record.value.take().unwrap().to_vec();
    value[1..5].copy_from_slice(&99_u32.to_be_bytes());
    record.value = Some(value.into());
    let behind = foreign.then_authorise("tok_visa");
    stage.write([record]).await;
    stage.ask([&behind]).await;
    let elsewhere = elsewhere(&stage, &foreign);
    stage.ask([&elsewhere]).await;
    let working = stage.executor(sandbox.client(), Options::new("a"));
    stage.report(&elsewhere, 1).await;
    assert_eq!((stage.reports_of(&foreign), stage.reports_of(&behind)), (vec![], vec![]));
    stage.registry.0.store(true, Ordering::Relaxed);
    stage.report(&behind, 1).await;
    assert_eq!(stage.reports_of(&foreign).len(), 1);
    assert_eq!(stage.read(&dead_letters(PAYMENT_INTENTS.name)), []);
    working.stop().await;
    sandbox.stop().await;
}

/// An intent in another partition.
fn elsewhere(stage: &Stage, than: &Intent) -> Intent {
    let place = |intent: &Intent| stage.place(PAYMENT_INTENTS.name, &intent.payment.to_string());
    std::iter::repeat_with(|| Intent::authorise("tok_visa")).find(|other| place(other) != place(than)).unwrap()
}
