//! The client against the sandbox: every token, every action, and what is said when it is not known.

mod harness;

use std::time::Duration;

use harness::{Sandbox, call, charge};
use secrecy::SecretString;
use tempfile::tempdir;
use tradewind_connectors::stripe::{
    Authorisation, Call, Cancellation, Capture, Client, Config, ConfigError, Doubt, Lookup, Outcome, Receipt, Refund,
};
use uuid::Uuid;

fn succeeded(outcome: Outcome) -> Receipt {
    match outcome {
        Outcome::Succeeded(receipt) => receipt,
        other => panic!("expected a success, got {other:?}"),
    }
}

fn refused(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { code, .. } => code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Asks until the gateway has recorded the call, as the executor does after a doubt.
async fn recorded(client: &Client, call: Call<'_>) -> Outcome {
    tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            match client.lookup(call).await {
                Lookup::Recorded(outcome) => return outcome,
                Lookup::Unseen => tokio::task::yield_now().await,
                Lookup::Unknown(doubt) => panic!("the lookup failed: {doubt:?}"),
            }
        }
    })
    .await
    .expect("the gateway records the call")
}

#[tokio::test]
async fn visa_is_approved_and_a_repeated_call_is_told_the_same() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let (client, call, charge) = (sandbox.client(), call(), charge("tok_visa"));

    let first = succeeded(client.authorise(call, &charge).await);
    assert!(first.reference.starts_with("pi_"));
    assert_eq!((first.amount, first.currency.as_str(), first.replayed), (1999, "EUR", false));

    let again = succeeded(client.authorise(call, &charge).await);
    assert_eq!(again, Receipt { replayed: true, ..first.clone() });
    assert_eq!(succeeded(recorded(&client, call).await), again);
    assert_eq!(sandbox.totals().await["authorised"]["count"], 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_declined_card_is_declined_for_good_and_holds_no_money() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let (client, call, charge) = (sandbox.client(), call(), charge("tok_chargeDeclined"));

    for outcome in
        [client.authorise(call, &charge).await, client.authorise(call, &charge).await, recorded(&client, call).await]
    {
        assert!(matches!(&outcome, Outcome::Declined { code, .. } if code == "card_declined"), "{outcome:?}");
    }
    let totals = sandbox.totals().await;
    assert_eq!((&totals["declined"]["count"], &totals["authorised"]["count"]), (&1.into(), &0.into()));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_token_nobody_knows_is_refused_and_leaves_no_record() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let (client, call) = (sandbox.client(), call());

    assert_eq!(refused(client.authorise(call, &charge("tok_unheard_of")).await), "resource_missing");
    assert!(matches!(client.lookup(call).await, Lookup::Unseen));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_time_out_that_charged_is_found_by_its_key_and_never_charged_twice() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let (call, charge) = (call(), charge("tok_timeout_charged"));

    let outcome = sandbox.impatient(Duration::from_millis(500)).authorise(call, &charge).await;
    assert!(matches!(outcome, Outcome::Unknown(Doubt::TimedOut(_))), "{outcome:?}");

    let client = sandbox.client();
    let found = succeeded(recorded(&client, call).await);
    assert_eq!((found.amount, found.replayed), (1999, true));
    assert_eq!(succeeded(client.authorise(call, &charge).await), found);
    let totals = sandbox.totals().await;
    assert_eq!(totals["authorised"], serde_json::json!({ "count": 1, "amount": 1999 }));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_slow_card_is_late_for_the_impatient_and_approved_for_the_patient() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;

    let hurried = sandbox.impatient(Duration::from_secs(1)).authorise(call(), &charge("tok_slow_3s")).await;
    assert!(matches!(hurried, Outcome::Unknown(Doubt::TimedOut(_))), "{hurried:?}");
    assert!(!succeeded(sandbox.client().authorise(call(), &charge("tok_slow_3s")).await).replayed);
    sandbox.stop().await;
}

#[tokio::test]
async fn money_is_captured_in_part_and_given_back_in_parts_but_never_more_than_captured() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let (client, charge) = (sandbox.client(), charge("tok_visa"));
    let held = succeeded(client.authorise(call(), &charge).await);
    let payment_intent = held.reference.as_str();
    let refund = |amount| Refund { payment_id: charge.payment_id, payment_intent, amount };

    assert_eq!(refused(client.refund(call(), &refund(1)).await), "payment_intent_unexpected_state");
    assert_eq!(refused(client.capture(call(), &Capture { payment_intent, amount: 2000 }).await), "amount_too_large");
    let captured = succeeded(client.capture(call(), &Capture { payment_intent, amount: 1500 }).await);
    assert_eq!((captured.reference.as_str(), captured.amount), (payment_intent, 1500));

    let given_back = succeeded(client.refund(call(), &refund(1000)).await);
    assert!(given_back.reference.starts_with("re_"));
    assert_eq!(given_back.amount, 1000);
    assert_eq!(refused(client.refund(call(), &refund(501)).await), "amount_too_large");
    let last = call();
    assert_eq!(succeeded(client.refund(last, &refund(500)).await).amount, 500);
    assert_eq!(succeeded(client.refund(last, &refund(500)).await).amount, 500, "the same call gives nothing more");
    assert_eq!(succeeded(recorded(&client, last).await).amount, 500);
    assert_eq!(refused(client.refund(call(), &refund(1)).await), "charge_already_refunded");

    let totals = sandbox.totals().await;
    assert_eq!(totals["captured"], serde_json::json!({ "count": 1, "amount": 1500 }));
    assert_eq!(totals["refunded"], serde_json::json!({ "count": 2, "amount": 1500 }));
    sandbox.stop().await;
}

#[tokio::test]
async fn what_was_let_go_cannot_be_captured_and_the_refusal_is_recorded() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let client = sandbox.client();
    let held = succeeded(client.authorise(call(), &charge("tok_visa")).await);
    let payment_intent = held.reference.as_str();

    let cancel = call();
    assert_eq!(succeeded(client.cancel(cancel, &Cancellation { payment_intent }).await).reference, held.reference);
    assert!(succeeded(recorded(&client, cancel).await).replayed);
    let capture = call();
    let asked = Capture { payment_intent, amount: 1999 };
    assert_eq!(refused(client.capture(capture, &asked).await), "payment_intent_unexpected_state");
    assert_eq!(refused(recorded(&client, capture).await), "payment_intent_unexpected_state");
    assert_eq!(
        refused(client.capture(call(), &Capture { payment_intent: "pi_none", ..asked }).await),
        "resource_missing"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn what_settles_nothing_is_never_called_a_refusal() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let (client, call, asked) = (sandbox.client(), call(), charge("tok_visa"));
    succeeded(client.authorise(call, &asked).await);

    let other = client.authorise(call, &Authorisation { amount: 2000, ..asked }).await;
    assert!(matches!(other, Outcome::Unknown(Doubt::KeyReused { .. })), "{other:?}");

    let stranger = Config::new(&sandbox.url, SecretString::from("sk_sandbox_of_a_stranger")).unwrap();
    let stranger = Client::new(&stranger).unwrap();
    let outcome = stranger.authorise(call, &asked).await;
    assert!(matches!(outcome, Outcome::Unknown(Doubt::Unauthorised { .. })), "{outcome:?}");
    let lookup = stranger.lookup(call).await;
    assert!(matches!(lookup, Lookup::Unknown(Doubt::Unauthorised { .. })), "{lookup:?}");

    let elsewhere = harness::client(&format!("{}/elsewhere", sandbox.url), Duration::from_secs(60));
    let outcome = elsewhere.authorise(call, &asked).await;
    assert!(matches!(outcome, Outcome::Unknown(Doubt::Garbage { .. })), "{outcome:?}");
    let lookup = elsewhere.lookup(call).await;
    assert!(
        matches!(lookup, Lookup::Unknown(Doubt::Garbage { .. })),
        "an unknown address is no unseen key: {lookup:?}"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn the_trace_goes_on_at_the_gateway() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = Call { intent_id: Uuid::now_v7(), traceparent: Some(traceparent) };
    succeeded(sandbox.client().authorise(traced, &charge("tok_visa")).await);
    let record = sandbox.get(&format!("/v1/sandbox/requests/{}", traced.intent_id)).await;
    assert_eq!(record.body["traceparent"], traceparent);

    let unsendable = Call { intent_id: Uuid::now_v7(), traceparent: Some("00-\n") };
    succeeded(sandbox.client().authorise(unsendable, &charge("tok_visa")).await);
    sandbox.stop().await;
}

#[test]
fn a_configuration_that_cannot_work_is_refused_without_showing_secrets() {
    let refused = |url: &str, key: &str| Config::new(url, SecretString::from(key)).expect_err(url);
    assert!(matches!(refused("not a url", "sk"), ConfigError::Url(_)));
    assert!(matches!(refused("ftp://gateway", "sk"), ConfigError::Address(_)));
    assert!(matches!(refused("https://gateway/?a=b", "sk"), ConfigError::Address(_)));
    assert!(matches!(refused("https://gateway", ""), ConfigError::NoSecretKey));
    assert!(matches!(refused("https://gateway", "sk\n"), ConfigError::SecretKey(_)));
    let credentials = refused("https://user:hunter2@gateway", "sk");
    assert!(matches!(credentials, ConfigError::Credentials));
    assert!(!format!("{credentials:?} {credentials}").contains("hunter2"));

    let config = Config::new("https://gateway/", SecretString::from("sk_live_1")).unwrap();
    let client = Client::new(&config).unwrap();
    assert!(!format!("{config:?} {client:?}").contains("sk_live_1"));
    assert!(matches!(config.with_timeouts(Duration::ZERO, Duration::from_secs(1)), Err(ConfigError::Timeout)));
}
