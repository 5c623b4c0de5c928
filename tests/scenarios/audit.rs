//! The auditor over a shop that has closed: its books are right, until somebody writes into them.

use std::{fs, path::Path, sync::Arc, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use tradewind_schemas::{Codec, SchemaSource, SchemaSourceError, framed_id, order::OrderEvent};
use tradewind_tests::{
    client::order,
    process::run,
    shop::{Closed, Shop},
};
use tradewind_topics::{
    Append, Log, Record, Start, TopicPartition,
    embedded::{EmbeddedLog, Options},
    partition_of,
};

/// Unlike the default: an audit goes by what the log has.
const PARTITIONS: &str = "3";

/// Somebody appends a record that is made of one that is there (as a tap shows that one).
struct Forgery<'a> {
    what: &'a str,
    of: &'a Value,
    forge: &'a dyn Fn(&Record) -> (String, Vec<u8>),
    /// The invariant that it breaks, and whose.
    breaks: &'a str,
    about: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn of_books_that_are_right_and_books_that_were_forged() {
    let shop = Shop::embedded_with(&["--partitions", PARTITIONS]).await;
    shop.sell("LAMP", 4900, 10).await;
    let customer = shop.customers(1).await.remove(0);
    customer.place("paid", &order("LAMP", 2, "tok_visa")).await.expect(201);
    let rejected = customer.place("declined", &order("LAMP", 2, "tok_chargeDeclined")).await;
    let rejected = rejected.order_id().to_owned();
    shop.stock_becomes("LAMP", (10, 0, 2)).await;
    let confirmed = event(&shop, "order.events", "OrderConfirmed");
    let captured = event(&shop, "payment.events", "PaymentCaptured");
    let received = event(&shop, "inventory.events", "StockReceived");
    let closed = shop.close();
    assert_eq!(
        closed.audit.lines().last(),
        Some(
            "audit clean: 2 orders (1 confirmed, 1 rejected, 0 cancelled, 0 in flight), 1 SKUs, 2 lines, 5 ledger entries, captured 98.00 EUR, refunded 0.00 EUR"
        )
    );

    let again = |record: &Record| (key(record), value(record).to_vec());
    let of_the_rejected_order = |record: &Record| (rejected.clone(), under_key(record, &rejected));
    let nonsense = |record: &Record| (key(record), b"no record of ours".to_vec());
    let forgeries = [
        Forgery {
            what: "an order confirmed again",
            of: &confirmed,
            forge: &again,
            breaks: "order-story",
            about: format!("order {}", text(&confirmed["key"])),
        },
        Forgery {
            what: "a rejected order confirmed",
            of: &confirmed,
            forge: &of_the_rejected_order,
            breaks: "order-story",
            about: format!("order {rejected}"),
        },
        Forgery {
            what: "a payment captured again",
            of: &captured,
            forge: &again,
            breaks: "payment-story",
            about: format!("payment {}", text(&captured["key"])),
        },
        Forgery {
            what: "stock received again",
            of: &received,
            forge: &again,
            breaks: "ledger-consecutive",
            about: "SKU LAMP".to_owned(),
        },
        Forgery { what: "nonsense", of: &captured, forge: &nonsense, breaks: "readable", about: "a record".to_owned() },
    ];
    for forgery in &forgeries {
        let data_dir = TempDir::new().expect("a folder");
        copy(&closed.data_dir().join("log"), &data_dir.path().join("log"));
        let place = commit(forgery, data_dir.path()).await;
        is_found(forgery, data_dir.path(), &place);
    }
    is_clean(&closed);
    nothing_is_read_of_another_namespace(&closed);
    is_clean(&closed);
}

/// Neither does looking for it make it.
fn nothing_is_read_of_another_namespace(closed: &Closed) {
    let data_dir = closed.data_dir().display().to_string();
    for namespace in ["prod", "trade", "prod"] {
        for command in [&["audit"][..], &["tap", "order.events", "--from", "beginning"]] {
            let output = run(&[command, &["--data-dir", &data_dir, "--namespace", namespace]].concat());
            let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert_eq!((output.status.code(), said.as_ref()), (Some(1), ""), "{why}");
            let expected = format!(
                "the log below {data_dir} has no topics of the namespace {namespace} (from --namespace); there is tradewind\n"
            );
            assert!(why.ends_with(&expected), "{why}");
        }
    }
}

#[test]
fn of_nothing_makes_nothing() {
    let home = TempDir::new().expect("a folder");
    let (empty, hollow) = (home.path().join("empty"), home.path().join("hollow"));
    fs::create_dir_all(&empty).expect("a folder");
    fs::create_dir_all(hollow.join("log")).expect("a folder");
    for folder in [&empty, &hollow, &home.path().join("none")] {
        for command in [&["audit"][..], &["tap", "order.events"]] {
            let folder = folder.display().to_string();
            let output = run(&[command, &["--data-dir", &folder]].concat());
            let why = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{why}");
            assert!(why.contains(&format!("there is no embedded log below {folder} (from --data-dir)")), "{why}");
        }
    }
    assert!(!home.path().join("none").exists());
    for folder in [empty, hollow.join("log")] {
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0, "{}", folder.display());
    }
}

fn is_found(Forgery { what, breaks, about, .. }: &Forgery<'_>, data_dir: &Path, place: &str) {
    let audit = run(&["audit", "--data-dir", &data_dir.display().to_string()]);
    let (said, why) = (String::from_utf8_lossy(&audit.stdout), String::from_utf8_lossy(&audit.stderr));
    assert_eq!(audit.status.code(), Some(1), "{what}: {said}{why}");
    let first = said.lines().next().unwrap_or_default();
    assert!(first.starts_with("violation 1 of "), "{what}: {said}");
    for part in [format!(": {breaks} ("), format!("{about}, at {place}: expected ")] {
        assert!(first.contains(&part), "{what}: {part:?} is not in {first:?}");
    }
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("audit failed with ") && last.contains("2 orders"), "{what}: {last}");
    assert!(why.contains("tradewind: the books are not right"), "{what}: {why}");
}

/// Auditing changed nothing: another one says the same.
fn is_clean(closed: &Closed) {
    let audit = run(&["audit", "--data-dir", &closed.data_dir().display().to_string()]);
    assert_eq!((audit.status.code(), String::from_utf8_lossy(&audit.stdout)), (Some(0), closed.audit.as_str().into()));
}

/// The first event of this type, as a tap shows it.
fn event(shop: &Shop, topic: &str, kind: &str) -> Value {
    let mut events = shop.tap(topic).into_iter();
    events.find(|event| event["value"]["payload"]["type"] == kind).unwrap_or_else(|| panic!("there is no {kind}"))
}

/// Writes the forgery into the log; says where, as the auditor calls the place.
async fn commit(forgery: &Forgery<'_>, data_dir: &Path) -> String {
    let log: Arc<dyn Log> = EmbeddedLog::open(&data_dir.join("log"), Options::default()).expect("a log at rest");
    let topic = text(&forgery.of["topic"]);
    let physical = format!("tradewind.{topic}");
    let number = |name: &str| forgery.of[name].as_i64().unwrap_or_else(|| panic!("no {name} in {}", forgery.of));
    let source = TopicPartition::new(physical.as_str(), u32::try_from(number("partition")).expect("a partition"));
    let mut reader = log.reader().expect("a reader");
    reader.assign(&[(source, Start::Offset(number("offset")))]).expect("a place in the log");
    let original = reader.poll(Duration::from_secs(60)).expect("records").remove(0);
    let (key, value) = (forgery.forge)(&original);
    let to =
        TopicPartition::new(physical.as_str(), partition_of(key.as_bytes(), PARTITIONS.parse().expect("a number")));
    let place = format!("{topic}-{}", to.partition);
    let Record { timestamp, headers, .. } = original;
    let record = Append { to, timestamp, key: Some(key.into()), value: Some(value.into()), headers };
    let offset = log.writer().expect("a writer").append(record).await.expect("it is written");
    format!("{place}-{offset}")
}

/// The event of this record, as that of another order.
fn under_key(record: &Record, key: &str) -> Vec<u8> {
    let (schema, _) = framed_id(value(record)).expect("a framed value");
    let codec = Codec::<OrderEvent>::new("order.events", schema, Arc::new(NoRegistry)).expect("a codec");
    let mut event = codec.decode(value(record)).expect("an event");
    event.key = key.to_owned();
    codec.encode(&event).expect("a value")
}

/// Our own schema is known without one.
struct NoRegistry;

impl SchemaSource for NoRegistry {
    fn schema(&self, id: u32) -> Result<String, SchemaSourceError> {
        Err(SchemaSourceError::NotFound(id))
    }
}

fn key(record: &Record) -> String {
    String::from_utf8(record.key.as_deref().expect("a key").to_vec()).expect("text")
}

fn value(record: &Record) -> &[u8] {
    record.value.as_deref().expect("a value")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("it can be listed") {
        let entry = entry.expect("it can be listed");
        let there = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &there),
            false => drop(fs::copy(entry.path(), there).expect("it can be copied")),
        }
    }
}
