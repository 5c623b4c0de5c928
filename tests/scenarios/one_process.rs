//! Everything in one process, on Kafka: it takes orders, stops when it is told to, and goes on where it was.

use std::fs;

use tradewind_tests::{client::order, shop::Shop};

use crate::configuration::{ADMINISTRATOR, ANY, another_shops_keys, fails, text};

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    let mut shop = Shop::in_one_process_on_kafka().await;
    shop.sell("LAMP", 4900, 2).await;
    let customer = shop.customers(1).await.remove(0);
    let first = customer.place("first", &order("LAMP", 1, "tok_visa")).await.expect(201);
    assert_eq!(first["status"], "confirmed");

    shop.process("up").stop_in_good_order();
    other_keys_are_refused(&shop);
    shop.process("up").restart();
    shop.ready().await;

    let again = customer.place("first", &order("LAMP", 1, "tok_visa")).await;
    assert!(again.is_replay());
    assert_eq!(again.expect(201)["id"], first["id"]);
    customer.place("second", &order("LAMP", 1, "tok_visa")).await.expect(201);
    let late = customer.place("third", &order("LAMP", 1, "tok_visa")).await;
    assert_eq!((late.status, late.code()), (409, "out_of_stock"));
    assert_eq!(shop.stock("LAMP").await, (2, 0, 2));
    assert_eq!(shop.close().charges("succeeded"), 2);
}

/// By every role, whether there are none or another shop's; and none are made.
fn other_keys_are_refused(shop: &Shop) {
    let (missing, others) = (shop.data_dir().join("missing.json"), shop.data_dir().join("others.json"));
    fs::write(&others, another_shops_keys()).expect("a file");
    let tap = shop.tap_of("unused", &[]);
    let log: Vec<_> = tap[2..].iter().map(String::as_str).collect();
    let data_dir = text(&shop.data_dir());
    let worker = ["worker", "--data-dir", &data_dir];
    let addresses = ["--listen", ANY, "--admin-listen", ANY];
    let edge = [&["edge"], &addresses[..], &ADMINISTRATOR].concat();
    let up = [&["up", "--no-demo", "--data-dir", &data_dir], &addresses[..], &ADMINISTRATOR].concat();
    for role in [&worker[..], &edge, &up] {
        let with = |file: &str, says: &[&str]| {
            fails(&[role, &log, &["--secrets-file", file]].concat(), &[says, &["from --secrets-file", file]].concat())
        };
        with(&text(&missing), &["there is no file", "was begun with one", "restore it"]);
        with(&text(&others), &["the keys of another shop"]);
    }
    assert!(!missing.exists(), "nothing was made");
    fs::remove_file(others).expect("it is there");
}
