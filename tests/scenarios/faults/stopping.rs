//! SIGTERM while orders are under way: every process ends with 0, and what was begun is finished when it is back.

use futures::{StreamExt, stream};
use tradewind_tests::{
    client::{Client, order},
    pace::Pace,
    shop::Shop,
};

const ORDERS: usize = 60;
const AT_ONCE: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn of_everything_in_one_process() {
    stopped(Shop::embedded().await, &["up", "up"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_each_process_on_kafka() {
    stopped(Shop::on_kafka().await, &["edge", "worker", "connect"]).await;
}

async fn stopped(mut shop: Shop, told: &[&str]) {
    shop.sell("LAMP", 4900, ORDERS as i64).await;
    let customer = shop.customers(1).await.remove(0);
    let pace = Pace::new(AT_ONCE);
    let buying = tokio::spawn({
        let (customer, pace) = (customer.clone(), pace.clone());
        let buy = move |number| buy(customer.clone(), pace.clone(), number);
        stream::iter(0..ORDERS).map(buy).buffer_unordered(AT_ONCE).collect::<Vec<_>>()
    });
    for (round, name) in told.iter().enumerate() {
        pace.until((round + 1) * ORDERS / (told.len() + 2)).await;
        assert!(!buying.is_finished(), "the buying ended before {name} was told to stop");
        tokio::task::block_in_place(|| {
            shop.process(name).stop_in_good_order();
            shop.process(name).restart();
        });
        shop.ready().await;
    }
    pace.free();
    assert!(buying.await.expect("the buying ends").iter().all(|status| *status == 201));
    shop.stock_becomes("LAMP", (ORDERS as i64, 0, ORDERS as i64)).await;
    assert_eq!(shop.close().charges("succeeded"), ORDERS);
}

async fn buy(customer: Client, pace: Pace, number: usize) -> u16 {
    let (key, order) = (format!("stopped-{number}"), order("LAMP", 1, "tok_visa"));
    pace.keep(number, customer.place(&key, &order)).await.status
}
