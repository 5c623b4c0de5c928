//! 1,000 orders at once for one SKU of 100 units, by clients who lose patience and ask again.

use std::sync::Arc;

use futures::{StreamExt, stream};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reqwest::Method;
use serde_json::Value;
use tradewind_tests::{
    client::{Client, keyed, order},
    shop::Shop,
};

const CUSTOMERS: usize = 20;
const ORDERS: usize = 1000;
const UNITS: usize = 100;
const AT_ONCE: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log() {
    sale(Shop::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    sale(Shop::on_kafka().await).await;
}

async fn sale(shop: Shop) {
    shop.sell("LAMP", 4900, UNITS as i64).await;
    let customers = Arc::new(shop.customers(CUSTOMERS).await);

    let answers: Vec<_> = stream::iter(0..ORDERS)
        .map(|number| {
            let customers = customers.clone();
            async move { buy(&customers[number % CUSTOMERS], number).await }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;

    let confirmed = answers.iter().filter(|(status, _)| *status == 201).count();
    let told_out_of_stock = answers.iter().filter(|(status, code)| *status == 409 && code == "out_of_stock").count();
    assert_eq!((confirmed, told_out_of_stock), (UNITS, ORDERS - UNITS));
    shop.stock_becomes("LAMP", (100, 0, 100)).await;
    let bought: usize = futures::future::join_all(customers.iter().map(confirmed_of)).await.iter().sum();
    assert_eq!(bought, UNITS, "as many as the customers' own lists say");

    let ledger = ledger(&shop).await;
    let (first, committed) = (&ledger[0], ledger.iter().filter(|entry| entry["type"] == "ReservationCommitted"));
    assert_eq!((first["type"].as_str(), committed.count()), (Some("StockReceived"), UNITS));
    assert_eq!(shop.close().charges("succeeded"), UNITS);
}

/// Sends an order; one in three times the client first sends it and does not wait for the answer.
async fn buy(customer: &Client, number: usize) -> (u16, String) {
    let (key, order) = (format!("sale-{number}"), order("LAMP", 1, "tok_visa"));
    let mut chance = ChaCha8Rng::seed_from_u64(number as u64);
    while chance.random_ratio(1, 3) {
        let sent = keyed(customer.request(Method::POST, "/v1/orders"), &key).json(&order);
        let impatience = std::time::Duration::from_millis(chance.random_range(1..200));
        // Whatever became of it: the next try has the same key.
        let _ = tokio::time::timeout(impatience, customer.once(sent)).await;
    }
    let answer = customer.place(&key, &order).await;
    (answer.status, answer.code().to_owned())
}

async fn confirmed_of(customer: &Client) -> usize {
    let list = customer.get("/v1/orders?status=confirmed&limit=100").await.expect(200);
    list["items"].as_array().map_or(0, Vec::len)
}

/// The whole ledger, page by page.
async fn ledger(shop: &Shop) -> Vec<Value> {
    let administrator = shop.administrator().await;
    let (mut entries, mut next) = (Vec::new(), String::new());
    loop {
        let page = administrator.get(&format!("/v1/stock/LAMP/ledger?limit=100{next}")).await.expect(200);
        entries.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return entries,
        }
    }
}
