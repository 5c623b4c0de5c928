//! The gateway takes its time: three seconds, in which the customer goes away or the reservation expires.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tradewind_tests::{
    client::{Client, keyed, order},
    shop::Shop,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_late_authorisation_confirms_the_order() {
    confirmed_late(Shop::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_authorisation_confirms_the_order_on_kafka() {
    confirmed_late(Shop::in_one_process_on_kafka().await).await;
}

async fn confirmed_late(shop: Shop) {
    shop.sell("LAMP", 4900, 1).await;
    let customer = shop.customers(1).await.remove(0);
    let location = place_without_waiting(&customer).await;

    let order = becomes(&customer, &location, "confirmed").await;
    assert_eq!(order["totals"]["net"]["amount"], 4900);
    shop.stock_becomes("LAMP", (1, 0, 1)).await;
    assert_eq!(shop.close().charges("succeeded"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_during_the_authorisation_is_voided_and_its_stock_is_free() {
    let shop = Shop::embedded().await;
    shop.sell("LAMP", 4900, 1).await;
    let customer = shop.customers(1).await.remove(0);
    let location = place_without_waiting(&customer).await;

    let cancelled = customer.post(&format!("{location}/cancellation"), "changed-my-mind", &json!({})).await.expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    shop.stock_becomes("LAMP", (1, 0, 0)).await;
    let other = customer.place("somebody-else", &order("LAMP", 1, "tok_visa")).await.expect(201);
    assert_eq!(other["status"], "confirmed");

    let order = payment_becomes(&customer, &location, "voided").await;
    assert_eq!((&order["status"], &order["totals"]["net"]["amount"]), (&"cancelled".into(), &0.into()));
    let closed = shop.close();
    assert_eq!((closed.charges("succeeded"), closed.charges("canceled")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_whose_reservation_expired_during_the_authorisation_is_somebody_elses() {
    let shop = Shop::embedded_with(&["--reservation", "1s"]).await;
    shop.sell("LAMP", 4900, 1).await;
    let mut customers = shop.customers(2).await;
    let (late, quick) = (customers.remove(0), customers.remove(0));
    let location = place_without_waiting(&late).await;

    shop.stock_becomes("LAMP", (1, 0, 0)).await;
    let bought = quick.place("quick", &order("LAMP", 1, "tok_visa")).await.expect(201);
    assert_eq!(bought["status"], "confirmed");

    let rejected = becomes(&late, &location, "rejected").await;
    assert_eq!(rejected["reason"], "stock_expired");
    payment_becomes(&late, &location, "voided").await;
    assert_eq!(shop.stock("LAMP").await, (1, 0, 1));
    let closed = shop.close();
    assert_eq!((closed.charges("succeeded"), closed.charges("canceled")), (1, 1));
}

/// The reservations end just when the authorisations come. Whoever wins: confirmed with stock, or rejected and voided.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_reservation_races_the_authorisation_ends_one_way_or_the_other() {
    const ORDERS: i64 = 12;
    let shop = Shop::embedded_with(&["--reservation", "3050ms"]).await;
    shop.sell("LAMP", 4900, ORDERS).await;
    let customers = shop.customers(ORDERS as usize).await;
    let locations = futures::future::join_all(customers.iter().map(place_without_waiting)).await;

    let (mut confirmed, mut voided) = (0, 0);
    for (customer, location) in customers.iter().zip(&locations) {
        let ended = until(customer, location, |order| {
            let paid = order["status"] == "confirmed" && order["payment"]["status"] == "captured";
            paid || (order["status"] == "rejected" && order["payment"]["status"] == "voided")
        });
        match ended.await["status"].as_str() {
            Some("confirmed") => confirmed += 1,
            _ => voided += 1,
        }
    }
    shop.stock_becomes("LAMP", (ORDERS, 0, confirmed)).await;
    let closed = shop.close();
    assert_eq!((closed.charges("succeeded") as i64, closed.charges("canceled") as i64), (confirmed, voided));
}

/// Gives the location of an order whose authorisation takes 3 s.
async fn place_without_waiting(customer: &Client) -> String {
    let request = keyed(customer.request(Method::POST, "/v1/orders"), "slow").header("prefer", "wait=1");
    let answer = customer.once(request.json(&order("LAMP", 1, "tok_slow_3s"))).await.expect("an answer");
    assert_eq!((answer.status, &answer.body["status"]), (202, &"placed".into()));
    answer.headers["location"].to_str().expect("a path").to_owned()
}

async fn becomes(customer: &Client, location: &str, status: &str) -> Value {
    until(customer, location, |order| order["status"] == status).await
}

async fn payment_becomes(customer: &Client, location: &str, status: &str) -> Value {
    until(customer, location, |order| order["payment"]["status"] == status).await
}

async fn until(customer: &Client, location: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let order = customer.get(location).await.expect(200);
            if holds(&order) {
                return order;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    match waited.await {
        Ok(order) => order,
        Err(_) => panic!("in vain: {}", customer.get(location).await.body),
    }
}
