//! A schema registry that goes away: whoever runs goes on, and a record of a schema that nobody has seen yet waits.

use std::time::{Duration, Instant};

use tradewind_tests::{client::order, ports::free_port, registry::Registry, shop::Shop};

use super::{
    operator::Operator,
    records::{UNSEEN, dead_letters},
};

const NOTICED_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn under_running_workers() {
    let port = free_port();
    let start = move || tokio::task::block_in_place(|| Registry::start_at(port));
    let mut registry = start();
    let mut shop = Shop::on_kafka_asking(&registry).await;
    shop.sell("LAMP", 4900, 10).await;
    let customer = shop.customers(1).await.remove(0);
    tokio::task::block_in_place(|| registry.stop());
    for number in 0..3 {
        customer.place(&format!("without-{number}"), &order("LAMP", 1, "tok_visa")).await.expect(201);
    }

    tokio::task::block_in_place(|| Operator::of(&shop).write("order.commands", 1, Some("k"), Some(&UNSEEN)));
    let deadline = Instant::now() + NOTICED_WITHIN;
    while !shop.process("worker").said().contains("waiting: the environment failed") {
        assert!(Instant::now() < deadline, "{}", shop.process("worker").tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(shop.process("worker").said().contains("the registry cannot be asked"));
    assert_eq!(
        tokio::task::block_in_place(|| Operator::of(&shop).end("order.commands.dlq", 1)),
        0,
        "it is not its fault"
    );

    registry = start();
    let letters = dead_letters(&shop, 1).await;
    let reason = letters[0]["headers"]["dlq-reason"].as_str().unwrap_or_default();
    assert!(reason.contains("the registry knows no schema"), "{reason}");
    for number in 0..4 {
        customer.place(&format!("with-{number}"), &order("LAMP", 1, "tok_visa")).await.expect(201);
    }
    shop.stock_becomes("LAMP", (10, 0, 7)).await;
    assert_eq!(shop.close().charges("succeeded"), 7);
    drop(registry);
}
