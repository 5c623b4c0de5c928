//! Whatever is left behind, each intent is carried out once and reported once.

use std::time::Duration;

use tempfile::tempdir;
use tradewind_connectors::stripe::{
    ExecutorError,
    executor::{NAME, Options},
};
use tradewind_schemas::payment::{GatewayResult, PaymentAttempt};
use tradewind_topics::{LogError, list::PAYMENT_ATTEMPTS};

use crate::{
    harness::{self, Sandbox},
    intent::Intent,
    stage::{Stage, reference, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_begun_and_never_made_is_made() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let intent = Intent::authorise("tok_visa");
    let at = stage.ask([&intent]).await[0];
    stage.write([intent.attempt_record(&stage, at, None)]).await;
    let working = stage.executor(sandbox.client(), Options::new("a"));
    assert!(reference(&stage.report(&intent, 1).await).starts_with("pi_"));
    assert_eq!(sandbox.totals().await["authorised"]["count"], 1);
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_made_and_never_reported_is_looked_up() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let intent = Intent::authorise("tok_visa");
    let form = [
        ("amount", "1999"),
        ("currency", "eur"),
        ("payment_method", "tok_visa"),
        ("capture_method", "manual"),
        ("confirm", "true"),
    ];
    let made = sandbox.post("/v1/payment_intents", &intent.id.to_string(), &form).await;
    let at = stage.ask([&intent]).await[0];
    stage.write([intent.attempt_record(&stage, at, None)]).await;
    let working = stage.executor(sandbox.client(), Options::new("a"));
    assert_eq!(reference(&stage.report(&intent, 1).await), made.id());
    assert_eq!(sandbox.totals().await["authorised"]["count"], 1);
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_of_another_amount_settles_nothing() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let intent = Intent::authorise("tok_visa");
    let form = [
        ("amount", "1"),
        ("currency", "eur"),
        ("payment_method", "tok_visa"),
        ("capture_method", "manual"),
        ("confirm", "true"),
    ];
    sandbox.post("/v1/payment_intents", &intent.id.to_string(), &form).await;
    let at = stage.ask([&intent]).await[0];
    stage.write([intent.attempt_record(&stage, at, None)]).await;
    let working = stage.executor(sandbox.client(), Options::new("a"));
    let said = stage.report(&intent, 1).await;
    assert!(matches!(&said, GatewayResult::Unsettled { why } if why.contains("1 EUR")), "{said:?}");
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_has_ended_is_neither_made_nor_reported_again() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let ended = Intent::authorise("tok_visa");
    let at = stage.ask([&ended]).await[0];
    let result = GatewayResult::Succeeded { reference: "pi_of_before".to_owned() };
    stage.write([ended.attempt_record(&stage, at, Some(result))]).await;
    let working = stage.executor(sandbox.client(), Options::new("a"));
    until("the group is past it", || stage.position(&ended) > Some(at)).await;
    let next = ended.then_authorise("tok_visa");
    stage.ask([&next]).await;
    stage.report(&next, 1).await;
    assert_eq!(stage.reports_of(&ended), []);
    assert_eq!(sandbox.totals().await["authorised"]["count"], 1);
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_executor_of_the_same_name_fences_the_earlier_and_asks_what_it_did() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let endless = harness::options().hold_timeouts_for(Duration::from_secs(600)).unwrap();
    let sandbox = Sandbox::with(dir.path(), endless).await;
    let intents: Vec<_> = (0..20).map(|_| Intent::authorise("tok_timeout_charged")).collect();
    stage.ask(&intents).await;
    let earlier = stage.executor(sandbox.impatient(Duration::from_secs(300)), Options::new("a"));
    for intent in &intents {
        let key = format!("/v1/sandbox/requests/{}", intent.id);
        while !sandbox.get(&key).await.status.is_success() {
            tokio::task::yield_now().await;
        }
    }
    let later = stage.executor(sandbox.client(), Options::new("a"));
    let ended = earlier.ended().await;
    assert!(matches!(ended, Err(ExecutorError::Log(LogError::Fenced(_)))), "{ended:?}");
    until("all are reported", || stage.reports().len() == intents.len()).await;
    assert!(intents.iter().all(|intent| reference(&stage.reports_of(intent)[0]).starts_with("pi_")));
    assert_eq!(sandbox.totals().await["authorised"]["count"], 20);
    later.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn executors_come_and_go_and_nothing_is_done_twice() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let slowly = harness::options().hold_slow_for(Duration::from_millis(200)).unwrap();
    let sandbox = Sandbox::with(dir.path(), slowly).await;
    let mut asked = Vec::new();
    let mut working = Vec::new();
    for round in 0..6 {
        let fresh: Vec<_> =
            ["tok_visa", "tok_slow_3s"].iter().cycle().take(20).map(|token| Intent::authorise(token)).collect();
        stage.ask(&fresh).await;
        asked.extend(fresh);
        // Every other round an executor joins, impatient with hand-overs; then the eldest leaves.
        let options = Options { hand_over: Duration::from_millis(20), ..Options::new(&format!("{round}")) };
        working.push(stage.executor(sandbox.client(), options));
        until("a few are through", || stage.reports().len() >= round * 10).await;
        if round % 2 == 1 {
            working.remove(0).stop().await;
        }
    }
    until("all are through", || stage.reports().len() >= asked.len()).await;
    for working in working {
        working.stop().await;
    }
    assert_eq!(stage.reports().len(), asked.len(), "each is reported once");
    let settled = |intent: &Intent| {
        matches!(stage.reports_of(intent)[..], [GatewayResult::Succeeded { .. } | GatewayResult::Unsettled { .. }])
    };
    assert!(asked.iter().all(settled), "{:?}", stage.reports());
    assert!(sandbox.totals().await["authorised"]["count"].as_u64() <= Some(asked.len() as u64));
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_older_than_any_intent_are_taken_out_of_the_memory_of_attempts() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let (old, recent, open) =
        (Intent::authorise("tok_visa"), Intent::authorise("tok_visa"), Intent::authorise("tok_visa"));
    let result = || Some(GatewayResult::Succeeded { reference: "pi_1".to_owned() });
    let week = 7 * 24 * 3_600_000;
    let [mut of_old, of_recent, mut of_open] =
        [(&old, -1), (&recent, -1), (&open, 1_000_000)].map(|(intent, at)| intent.attempt_record(&stage, at, result()));
    of_old.timestamp -= week + 1_000;
    of_open.timestamp -= week + 1_000;
    let key = of_old.key.clone();
    stage.write([of_old, of_recent, of_open]).await;
    let working = stage.executor(sandbox.client(), Options::new("a"));
    until("the old one goes", || stage.read(PAYMENT_ATTEMPTS.name).iter().any(|record| record.value.is_none())).await;
    let gone: Vec<_> = stage.read(PAYMENT_ATTEMPTS.name).into_iter().filter(|record| record.value.is_none()).collect();
    assert_eq!(gone.iter().map(|record| &record.key).collect::<Vec<_>>(), [&key]);
    assert!(matches!(stage.last_attempt(&open), Some(PaymentAttempt::Attempted { .. })));
    working.stop().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_topics_an_executor_says_what_to_do() {
    let (stage, dir) = (Stage::new(), tempdir().unwrap());
    let sandbox = Sandbox::on(dir.path()).await;
    let bare = tradewind_runtime::Layout::new("test", [].into());
    let executor = tradewind_connectors::stripe::Executor::new(
        stage.log.clone(),
        stage.codecs.clone(),
        bare,
        sandbox.client(),
        Options::new("a"),
    );
    let error = tokio::task::spawn_blocking(move || executor.run(Default::default())).await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "there is no topic payment.commands: run `tradewind topics apply`");
    assert_eq!(stage.layout.physical(NAME).as_ref(), "test.connector.stripe");
    sandbox.stop().await;
}
