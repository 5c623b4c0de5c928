//! Disks that take no more, by a limit of the files' sizes, which the kernel enforces much as a full disk would.

use std::path::Path;

use reqwest::Method;
use tradewind_tests::{
    client::{keyed, order},
    shop::Shop,
};

const FULL: &str = "1";
const ROOM: &str = "unlimited";

#[tokio::test(flavor = "multi_thread")]
async fn of_the_embedded_log() {
    let mut shop = Shop::embedded().await;
    shop.sell("LAMP", 4900, 10).await;
    let customer = shop.customers(1).await.remove(0);
    customer.place("before", &order("LAMP", 1, "tok_visa")).await.expect(201);
    shop.process("up").limit_files(FULL);
    // Nothing is promised that cannot be kept.
    for number in 0..3 {
        let order = order("LAMP", 1, "tok_visa");
        let request = keyed(customer.request(Method::POST, "/v1/orders"), &format!("full-{number}")).json(&order);
        let request = request.header("prefer", "wait=1");
        let answer = customer.once(request).await.expect("an answer");
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    assert!(shop.process("up").ended().is_none(), "it waits for room");
    shop.process("up").limit_files(ROOM);
    shop.ready().await;
    for number in 0..3 {
        customer.place(&format!("full-{number}"), &order("LAMP", 1, "tok_visa")).await.expect(201);
    }
    shop.stock_becomes("LAMP", (10, 0, 4)).await;
    assert_eq!(shop.close().charges("succeeded"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_local_state() {
    let mut shop = Shop::on_kafka().await;
    shop.sell("LAMP", 4900, 10).await;
    let customer = shop.customers(1).await.remove(0);
    shop.process("worker").limit_files(FULL);
    // The state is in memory and in the changelog: it is written to the disk once a minute, and in the end.
    customer.place("first", &order("LAMP", 1, "tok_visa")).await.expect(201);
    tokio::task::block_in_place(|| {
        let worker = shop.process("worker");
        assert_eq!(worker.stop().code(), Some(1), "{}", worker.tail());
    });
    // What it says goes to a full disk, too.
    shop.process("worker").restart();
    customer.place("second", &order("LAMP", 1, "tok_visa")).await.expect(201);
    shop.stock_becomes("LAMP", (10, 0, 2)).await;
    assert_eq!(shop.close().charges("succeeded"), 2);
}

/// Logs that go to a disk that is full are no reason to stop selling.
#[tokio::test(flavor = "multi_thread")]
async fn of_what_it_says() {
    let mut shop = Shop::embedded_saying_to(Path::new("/dev/full")).await;
    shop.sell("LAMP", 4900, 10).await;
    let customer = shop.customers(1).await.remove(0);
    customer.place("only", &order("LAMP", 1, "tok_visa")).await.expect(201);
    assert!(shop.process("up").ended().is_none());
    assert_eq!(shop.close().charges("succeeded"), 1);
}
