//! Records on Kafka that no process of the platform has written: put aside with the reason, and the others flow.

use std::time::{Duration, Instant};

use serde_json::Value;
use tradewind_tests::{client::order, shop::Shop};

use super::operator::Operator;

const SOURCE: &str = "order.commands";
const PUT_ASIDE_WITHIN: Duration = Duration::from_secs(60);
/// Of no schema that any registry has.
pub const UNSEEN: [u8; 8] = [0, 0x7f, 0xff, 0xff, 0xf0, 1, 2, 3];

/// Waits until so many dead letters are there, and gives them.
pub async fn dead_letters(shop: &Shop, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PUT_ASIDE_WITHIN;
    loop {
        let found = tokio::task::block_in_place(|| shop.tap(&format!("{SOURCE}.dlq")));
        if found.len() >= count {
            return found;
        }
        assert!(Instant::now() < deadline, "{} of {count} dead letters: {found:?}", found.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_cannot_be_read() {
    let shop = Shop::on_kafka().await;
    shop.sell("LAMP", 4900, 10).await;
    let customer = shop.customers(1).await.remove(0);
    customer.place("first", &order("LAMP", 1, "tok_visa")).await.expect(201);
    let operator = Operator::of(&shop);
    let cases = tokio::task::block_in_place(|| {
        let (command, event) = (operator.first_value(SOURCE), operator.first_value("order.events"));
        let case = |what, key, value: Option<&[u8]>, why| {
            operator.write(SOURCE, 1, key, value);
            (what, why)
        };
        [
            case("garbage", Some("k"), Some(b"garbage"), "not in Confluent's wire format"),
            case("an unknown schema", Some("k"), Some(&UNSEEN), "the registry knows no schema"),
            case("another topic's record", Some("k"), Some(&event), "cannot be read as order.commands"),
            case("cut short", Some("k"), Some(&command[..command.len() - 1]), "not a record of order.commands"),
            case("no key", None, Some(&command), "it has no key"),
            case("a tombstone", Some("k"), None, "a command has a value"),
        ]
    });
    let found = dead_letters(&shop, cases.len()).await;
    for ((what, why), letter) in cases.iter().zip(&found) {
        let header = |name: &str| letter["headers"][name].as_str().unwrap_or_default().to_owned();
        assert!(header("dlq-reason").contains(why), "{what}: {letter}");
        assert_eq!((header("dlq-partition"), header("dlq-stage")), ("1".to_owned(), "order".to_owned()));
    }
    for number in 0..4 {
        customer.place(&format!("later-{number}"), &order("LAMP", 1, "tok_visa")).await.expect(201);
    }
    shop.stock_becomes("LAMP", (10, 0, 5)).await;
    assert_eq!(shop.close().charges("succeeded"), 5);
}
