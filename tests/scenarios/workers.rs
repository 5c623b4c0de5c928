//! Two workers share all stages on Kafka. One is killed and comes back, the other leaves for good: every order settles,
//! and whoever has an order's task answers for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use serde_json::Value;
use tradewind_tests::{
    client::{Client, order},
    pace::Pace,
    shop::Shop,
};

const ORDERS: usize = 90;
const CUSTOMERS: usize = 6;
const AT_ONCE: usize = 12;
/// Every tenth card is declined.
const DECLINED: usize = ORDERS / 10;
/// Identity, the directory of users, catalog, inventory, order, the orders of customers, payment.
const STAGES: usize = 7;
/// Tasks are given out and announced within this time, on a busy machine too.
const SHARED_WITHIN: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn share_the_tasks_on_kafka() {
    let mut shop = Shop::on_kafka_with_workers(&["left", "right"]).await;
    become_owners(&shop, &["left", "right"]).await;
    shop.sell("LAMP", 4900, ORDERS as i64).await;
    let customers = Arc::new(shop.customers(CUSTOMERS).await);

    let pace = Pace::new(AT_ONCE);
    let buying = tokio::spawn({
        let (customers, pace) = (customers.clone(), pace.clone());
        let buy = move |number| {
            let (customers, pace) = (customers.clone(), pace.clone());
            async move { pace.keep(number, buy(&customers, number)).await }
        };
        stream::iter(0..ORDERS).map(buy).buffer_unordered(AT_ONCE).collect::<Vec<_>>()
    });
    pace.until(ORDERS / 4).await;
    shop.kill9_and_restart("left");
    pace.until(ORDERS / 2).await;
    shop.dismiss("right");
    pace.free();
    let orders: BTreeMap<String, (usize, &str)> = buying.await.expect("the buying ends").into_iter().collect();

    assert_eq!(orders.len(), ORDERS, "as many orders as keys");
    for (id, (customer, status)) in &orders {
        let shown = customers[*customer].get(&format!("/v1/orders/{id}")).await.expect(200);
        assert_eq!(shown["status"], *status, "order {id}");
    }
    let confirmed = (ORDERS - DECLINED) as i64;
    shop.stock_becomes("LAMP", (ORDERS as i64, 0, confirmed)).await;
    become_owners(&shop, &["left"]).await;
    assert_eq!(shop.close().charges("succeeded"), ORDERS - DECLINED);
}

/// Waits until each stage's tasks are announced to be shared by these workers, and by nobody else.
pub async fn become_owners(shop: &Shop, workers: &[&str]) {
    let deadline = Instant::now() + SHARED_WITHIN;
    loop {
        let owners = owners(&shop.tap("runtime.members"));
        let mut of_stages = BTreeMap::<&str, BTreeSet<&str>>::new();
        for ((stage, _), instance) in &owners {
            of_stages.entry(stage).or_default().insert(instance);
        }
        if of_stages.len() == STAGES && of_stages.values().all(|instances| instances.iter().eq(workers)) {
            return;
        }
        assert!(Instant::now() < deadline, "{workers:?} do not share the tasks: {owners:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The instance that announced each stage's partition last.
fn owners(members: &[Value]) -> BTreeMap<(String, i64), String> {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned();
    let owner = |line: &Value| {
        let owner = &line["value"]["payload"];
        ((text(&owner["stage"]), owner["partition"].as_i64().unwrap_or(-1)), text(&owner["instance"]))
    };
    members.iter().map(owner).collect()
}

/// The order's id, whose it is, and how it ended. Every order is read back at once, from whichever worker has it.
async fn buy(customers: &[Client], number: usize) -> (String, (usize, &'static str)) {
    let customer = number % CUSTOMERS;
    let is_declined = number.is_multiple_of(ORDERS / DECLINED);
    let (card, end, status) = match is_declined {
        true => ("tok_chargeDeclined", (409, "payment_declined"), "rejected"),
        false => ("tok_visa", (201, ""), "confirmed"),
    };
    let answer = customers[customer].place(&format!("shared-{number}"), &order("LAMP", 1, card)).await;
    assert_eq!((answer.status, answer.code()), end, "{answer:?}");
    let id = answer.order_id().to_owned();
    let shown = customers[customer].get(&format!("/v1/orders/{id}")).await.expect(200);
    assert_eq!(shown["status"], status);
    (id, (customer, status))
}
