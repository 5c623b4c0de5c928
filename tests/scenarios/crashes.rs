//! Processes die in the middle of orders, again and again: every order reaches a right end, none is lost, none comes
//! twice.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use parking_lot::Mutex;
use reqwest::Method;
use tradewind_tests::{
    client::{Answer, Client, keyed, order},
    pace::Pace,
    shop::Shop,
};

const CUSTOMERS: usize = 8;
const ORDERS: usize = 240;
const AT_ONCE: usize = 24;
/// Of the orders, every tenth has a card that is declined.
const DECLINED: usize = ORDERS / 10;
const UNITS: usize = 150;

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log() {
    survived(Shop::embedded().await, &["up", "up", "up", "up", "up"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_each_process_on_kafka() {
    survived(Shop::on_kafka().await, &["worker", "connect", "edge", "sandbox", "worker"]).await;
}

/// What was promised to clients: the ids that 201s, 202s and 409s named, by key.
type Promised = Arc<Mutex<HashMap<String, String>>>;

async fn survived(mut shop: Shop, victims: &[&str]) {
    shop.sell("LAMP", 4900, UNITS as i64).await;
    let customers = Arc::new(shop.customers(CUSTOMERS).await);
    let (promised, pace) = (Promised::default(), Pace::new(AT_ONCE));
    let buying = tokio::spawn({
        let (customers, promised, pace) = (customers.clone(), promised.clone(), pace.clone());
        stream::iter(0..ORDERS)
            .map(move |number| {
                let (customers, promised, pace) = (customers.clone(), promised.clone(), pace.clone());
                async move { (number, pace.keep(number, buy(&customers[number % CUSTOMERS], number, &promised)).await) }
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
    });
    for (round, victim) in victims.iter().enumerate() {
        // Spread over the orders, always while others are under way.
        pace.until((round + 1) * ORDERS / (victims.len() + 2)).await;
        shop.kill9_and_restart(victim);
        shop.ready().await;
    }
    pace.free();
    let answers = buying.await.expect("the buying ends");

    let mut ends = HashMap::new();
    for (number, answer) in &answers {
        *ends.entry((answer.status, answer.code().to_owned())).or_insert(0) += 1;
        assert_eq!(promised.lock()[&key(*number)], answer.order_id(), "the same order for the same key");
    }
    let confirmed = ends.get(&(201, String::new())).copied().unwrap_or_default();
    let other: usize = ends
        .iter()
        .filter(|((_, code), _)| matches!(code.as_str(), "out_of_stock" | "payment_declined"))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(confirmed + other, ORDERS, "{ends:?}");
    assert!((UNITS - DECLINED..=UNITS).contains(&confirmed), "{ends:?}");
    // What a declined order gave back when all others had been refused is there for the next.
    shop.stock_becomes("LAMP", (UNITS as i64, 0, confirmed as i64)).await;
    for number in confirmed..UNITS {
        customers[0].place(&format!("late-{number}"), &order("LAMP", 1, "tok_visa")).await.expect(201);
    }
    shop.stock_becomes("LAMP", (UNITS as i64, 0, UNITS as i64)).await;
    let beyond = customers[0].place("beyond", &order("LAMP", 1, "tok_visa")).await;
    assert_eq!((beyond.status, beyond.code()), (409, "out_of_stock"));
    for (number, answer) in &answers {
        let shown = customers[number % CUSTOMERS].get(&format!("/v1/orders/{}", answer.order_id())).await.expect(200);
        let status = if answer.status == 201 { "confirmed" } else { "rejected" };
        assert_eq!(shown["status"], status);
    }
    let closed = shop.close();
    assert_eq!((closed.charges("succeeded"), closed.charges("requires_capture")), (UNITS, 0));
}

fn key(number: usize) -> String {
    format!("crash-{number}")
}

/// Orders until it is decided; whatever is promised on the way is written down, and is never broken.
async fn buy(customer: &Client, number: usize, promised: &Promised) -> Answer {
    let card = if number.is_multiple_of(ORDERS / DECLINED) { "tok_chargeDeclined" } else { "tok_visa" };
    let (key, order) = (key(number), order("LAMP", 1, card));
    loop {
        let request = keyed(customer.request(Method::POST, "/v1/orders"), &key).json(&order);
        match customer.once(request).await {
            Some(answer) if matches!(answer.status, 201 | 202 | 409) => {
                let id = answer.order_id().to_owned();
                let first = promised.lock().entry(key.clone()).or_insert_with(|| id.clone()).clone();
                assert_eq!(first, id, "another order for the same key: {answer:?}");
                if answer.status != 202 {
                    return answer;
                }
            }
            // It was cut off, or something is away still.
            None => {}
            Some(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
