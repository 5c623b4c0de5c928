//! What a tap shows of a record.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use tradewind::tap::{Beginning, TapError, Wanted};
use tradewind_schemas::{Timestamp, order::OrderCommand};

use crate::shop::*;

#[test]
fn an_event_is_shown_with_its_place_and_its_payload_by_name() {
    let shop = Shop::open();
    shop.cancelled(1_500);
    let lines = shop.lines("order.events", Beginning::First);
    let line = &lines[0];
    assert_eq!(lines.len(), 1);
    assert_eq!(line["topic"], "order.events");
    assert_eq!(line["timestamp"], "1970-01-01T00:00:01.500Z");
    assert_eq!(line["key"], ORDER);
    assert_eq!(line["headers"], json!({ "traceparent": "00-ab" }));
    assert!(line["partition"].is_u64() && line["offset"].is_i64());
    assert_eq!(line["value"]["at"], "1970-01-01T00:00:01.500Z");
    assert_eq!(line["value"]["actor"], json!({ "user_id": null, "roles": [], "service": "test" }));
    assert_eq!(line["value"]["payload"], json!({ "type": "OrderCancelled", "reason": "changed my mind" }));
}

#[test]
fn nothing_of_a_person_can_be_read() {
    let shop = Shop::open();
    shop.registered();
    let lines = shop.lines("identity.events", Beginning::First);
    let payload = &lines[0]["value"]["payload"];
    assert_eq!(payload["type"], "RegistrationRequested");
    for masked in ["email", "name", "password_hash"] {
        assert_eq!(payload[masked], "•••", "{masked}");
    }
    assert_eq!(payload["roles"], json!(["customer"]));
    let whole = lines[0].to_string();
    let ciphertext: String = b"ada lovelace".iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!whole.contains("argon2id") && !whole.contains(&ciphertext), "{whole}");
}

#[test]
fn what_cannot_be_decoded_is_told_by_its_length_and_why() {
    let shop = Shop::open();
    for (key, value, error) in [
        ("a", b"not framed".to_vec(), "not in Confluent's wire format: the first byte is not 0"),
        ("b", vec![0, 0, 0, 3, 231, 1], "the registry knows no schema 999"),
    ] {
        shop.put("order.commands.dlq", key, Some(value.clone()), 0, Vec::new());
        let lines = shop.lines("order.commands.dlq", Beginning::First);
        let line = lines.iter().find(|line| line["key"] == key).expect("it is shown");
        assert_eq!(line["undecoded"], json!({ "bytes": value.len(), "error": error }));
        assert_eq!(line.get("value"), None);
    }
}

#[test]
fn a_value_that_was_cut_short_is_not_decoded() {
    let shop = Shop::open();
    shop.cancelled(0);
    let mut reader = shop.log.reader().unwrap();
    let partition = tradewind_topics::partition_of(ORDER.as_bytes(), PARTITIONS);
    let source = tradewind_topics::TopicPartition::new(shop.layout.physical("order.events"), partition);
    reader.assign(&[(source, tradewind_topics::Start::Beginning)]).unwrap();
    let whole = reader.poll(Duration::from_secs(10)).unwrap().remove(0).value.unwrap();
    for length in 5..whole.len() {
        shop.put("order.commands.dlq", "cut", Some(whole[..length].to_vec()), 0, Vec::new());
    }
    let lines = shop.lines("order.commands.dlq", Beginning::First);
    assert_eq!(lines.len(), whole.len() - 5);
    assert!(lines.iter().all(|line| line["undecoded"]["error"].is_string()), "{lines:#?}");
}

#[test]
fn dead_letters_are_decoded_and_keep_their_headers() {
    let shop = Shop::open();
    let headers = vec![
        ("dlq-reason".into(), Bytes::from_static(b"it panicked")),
        ("seen".into(), Bytes::from_static(b"once")),
        ("seen".into(), Bytes::from_static(&[255])),
    ];
    let command = shop.encoded("order.commands", "k", 0, OrderCommand::CancelOrder { reason: None });
    shop.put("order.commands.dlq", "k", Some(command), 0, headers);
    let line = shop.lines("order.commands.dlq", Beginning::First).remove(0);
    assert_eq!(line["headers"], json!({ "dlq-reason": "it panicked", "seen": ["once", "hex:ff"] }));
    assert_eq!(line["value"]["payload"], json!({ "type": "CancelOrder", "reason": null }));
}

#[test]
fn a_tombstone_has_no_value() {
    let shop = Shop::open();
    shop.put("order.events", "k", None, 0, Vec::new());
    let line = shop.lines("order.events", Beginning::First).remove(0);
    assert_eq!(line.get("value"), Some(&json!(null)));
}

#[test]
fn the_platforms_own_topics_are_not_decoded() {
    let shop = Shop::open();
    shop.put("order.changelog", "k", Some(vec![0, 0, 0, 0, 1, 2]), 0, Vec::new());
    let line = shop.lines("order.changelog", Beginning::First).remove(0);
    assert_eq!(line["undecoded"]["bytes"], 6);
}

#[test]
fn it_begins_where_it_is_told_to() {
    let shop = Shop::open();
    for at in [1_000, 2_000, 3_000] {
        shop.cancelled(at);
    }
    let at = |millis| Beginning::At(Timestamp::from_millis(millis));
    for (from, count) in [(Beginning::First, 3), (at(2_000), 2), (at(2_001), 1), (at(9_000), 0), (Beginning::End, 0)] {
        assert_eq!(shop.lines("order.events", from).len(), count, "{from:?}");
    }
}

#[test]
fn a_tap_that_follows_shows_what_comes() {
    let shop = Shop::open();
    shop.cancelled(1_000);
    let mut tap = shop.tap("shop.order.events", Beginning::End, true);
    assert_eq!(tap.next(Duration::ZERO).unwrap().as_deref(), Some(""));
    shop.cancelled(2_000);
    let patience = Instant::now();
    let mut lines = Vec::new();
    while lines.is_empty() && patience.elapsed() < Duration::from_secs(30) {
        lines.extend(parsed(&tap.next(Duration::from_millis(100)).unwrap().expect("it goes on")));
    }
    assert_eq!(lines[0]["timestamp"], "1970-01-01T00:00:02.000Z");
}

#[test]
fn a_topic_that_is_not_there_is_answered_with_those_that_are() {
    let shop = Shop::open();
    let decoder = std::sync::Arc::new(tradewind::tap::Decoder::new(shop.schemas.source.clone()));
    let wanted = Wanted { topic: "orders".to_owned(), from: Beginning::End, follow: false };
    let error = tradewind::tap::Tap::open(shop.log.as_ref(), "shop", decoder, &wanted).err().expect("there is none");
    assert!(matches!(error, TapError::UnknownTopic { .. }));
    assert_eq!(
        error.to_string(),
        "there is no topic orders; there are: identity.events, order.changelog, order.commands.dlq, order.events, registry.schemas"
    );
}
