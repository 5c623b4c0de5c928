//! Taps on Kafka: what is on a topic, as lines of JSON, with nothing of a person in them.

use std::time::{Duration, Instant};

use serde_json::Value;
use tradewind_tests::{client::order, process::run, shop::Shop};

/// A tap that follows shows what comes within this time, on a busy machine too.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    let shop = Shop::in_one_process_on_kafka().await;
    shop.sell("LAMP", 4900, 10).await;
    let customer = shop.customers(1).await.remove(0);

    let users = shop.tap("identity.events");
    let registered: Vec<_> =
        users.iter().map(payload).filter(|event| event["type"] == "RegistrationRequested").collect();
    assert_eq!(registered.len(), 2, "the administrator and a customer: {users:?}");
    for event in &registered {
        assert_eq!((&event["email"], &event["name"], &event["password_hash"]), (&mask(), &mask(), &mask()));
    }
    let all = Value::from(users).to_string();
    for secret in ["buyer-0", "shop.example", "Ada Buyer", "argon2"] {
        assert!(!all.contains(secret), "{secret} can be read: {all}");
    }

    let mut tap = shop.following_tap("order.events", &["--from", "beginning", "--format", "json"]);
    let placed = customer.place("tapped", &order("LAMP", 1, "tok_visa")).await.expect(201);
    let deadline = Instant::now() + SHOWN_WITHIN;
    let shown = |said: String, kind: &str| {
        let mut lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["key"] == placed["id"] && payload(line)["type"] == kind)
    };
    while shown(tap.said(), "OrderConfirmed").is_none() {
        assert!(tap.ended().is_none() && Instant::now() < deadline, "the order is not shown:\n{}", tap.tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let first = shown(tap.said(), "OrderPlaced").expect("it was placed before it was confirmed");
    assert_eq!((&first["topic"], &payload(&first)["shipping_address"]), (&"order.events".into(), &mask()));
    tap.stop_in_good_order();

    let unknown = shop.tap_of("orders", &["--from", "beginning"]);
    let output = run(&unknown.iter().map(String::as_str).collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("there is no topic orders; there are: ") && said.contains("order.events"), "{said}");
    nothing_of_another_namespace(&shop);
    shop.close();
}

fn nothing_of_another_namespace(shop: &Shop) {
    let tap = shop.tap_of("order.events", &["--from", "beginning"]);
    let (namespace, others) = tap.split_last().expect("the namespace");
    let log: Vec<_> = others.iter().map(String::as_str).collect();
    let audit: Vec<_> = ["audit"].into_iter().chain(log.iter().copied().skip(4)).collect();
    for command in [&log, &audit] {
        let output = run(&[&command[..], &["nobodys"]].concat());
        let why = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{why}");
        for part in ["no topics of the namespace nobodys (from --namespace); there is ", namespace] {
            assert!(why.contains(part), "{part:?} is not in {why}");
        }
    }
}

fn payload(line: &Value) -> &Value {
    &line["value"]["payload"]
}

fn mask() -> Value {
    "•••".into()
}
