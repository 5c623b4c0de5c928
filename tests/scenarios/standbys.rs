//! Two workers stand by for each other. One dies in the middle of orders: the other one goes on with what it has, has
//! next to nothing to restore, and every order is right.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use serde_json::Value;
use tradewind_tests::{
    client::{Client, order},
    pace::Pace,
    process::Process,
    shop::Shop,
};

use crate::workers::become_owners;

const ORDERS: usize = 120;
const CUSTOMERS: usize = 6;
const AT_ONCE: usize = 12;
/// Seven stages of four partitions, of which each of two workers has two.
const TASKS: usize = 7 * 2;
const DEADLINE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn go_on_where_a_dead_worker_was() {
    let mut shop = Shop::on_kafka_with_options(&["left", "right"], &["--standbys", "1"]).await;
    become_owners(&shop, &["left", "right"]).await;
    shop.sell("LAMP", 4900, ORDERS as i64).await;
    let customers = Arc::new(shop.customers(CUSTOMERS).await);
    let pace = Pace::new(AT_ONCE);
    let buying = |numbers| {
        let (customers, pace) = (customers.clone(), pace.clone());
        let buy = move |number| buy(customers.clone(), pace.clone(), number);
        tokio::spawn(stream::iter::<Range<usize>>(numbers).map(buy).buffer_unordered(AT_ONCE).collect::<Vec<_>>())
    };
    let first = buying(0..ORDERS / 3);
    pace.until(ORDERS / 3).await;
    let mut orders = first.await.expect("the buying ends");
    let stood_by_for = standbys_of_all(shop.process("left")).await;
    let buying = buying(ORDERS / 3..ORDERS);
    pace.until(ORDERS / 2).await;
    assert!(!buying.is_finished(), "the buying ended before a worker died");

    let before = lines(shop.process("left"), "restored").len();
    shop.process("right").kill9();
    pace.free();
    become_owners(&shop, &["left"]).await;
    let taken_over = lines(shop.process("left"), "restored").split_off(before);
    let tasks_taken: BTreeSet<_> = taken_over.iter().map(task).collect();
    assert!(tasks_taken.is_superset(&stood_by_for), "{tasks_taken:?} are not {stood_by_for:?}");
    let restored: u64 = taken_over.iter().filter_map(|line| line["fields"]["records"].as_u64()).sum();
    let stood_by = metric(shop.process("left"), "tradewind_restore_records_total").await;
    assert!(restored * 5 < stood_by, "{restored} records were restored, and {stood_by} had been read");

    // It comes back with a state that is old by now, and stands by or takes tasks; then the other one dies.
    shop.process("right").restart();
    become_owners(&shop, &["left", "right"]).await;
    shop.kill9_and_restart("left");
    orders.extend(buying.await.expect("the buying ends"));
    for (id, customer) in &orders {
        let shown = customers[*customer].get(&format!("/v1/orders/{id}")).await.expect(200);
        assert_eq!(shown["status"], "confirmed", "order {id}");
    }
    shop.stock_becomes("LAMP", (ORDERS as i64, 0, ORDERS as i64)).await;
    become_owners(&shop, &["left", "right"]).await;
    assert_eq!(shop.close().charges("succeeded"), ORDERS);
}

/// What a process has said with these words.
fn lines(process: &Process, words: &str) -> Vec<Value> {
    let said = process.said();
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["fields"]["message"] == words).collect()
}

fn task(line: &Value) -> (String, i64) {
    let fields = &line["fields"];
    (fields["stage"].as_str().unwrap_or_default().to_owned(), fields["partition"].as_i64().unwrap_or(-1))
}

/// For which tasks a worker stands by, and has all there is, once they are as many as the other one has.
async fn standbys_of_all(process: &Process) -> BTreeSet<(String, i64)> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let metrics = metrics(process).await;
        let series = metrics.lines().filter_map(|line| line.strip_prefix("tradewind_standby_lag_records{"));
        let level = series.filter_map(|series| series.strip_suffix("} 0"));
        let standbys: BTreeSet<_> = level.map(|labels| (label(labels, "stage"), partition(labels))).collect();
        if standbys.len() == TASKS {
            return standbys;
        }
        assert!(Instant::now() < deadline, "there are not {TASKS} standbys: {metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn label(labels: &str, name: &str) -> String {
    let value = labels.split(',').find_map(|label| label.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'));
    value.unwrap_or_else(|| panic!("no {name} in {labels}")).to_owned()
}

fn partition(labels: &str) -> i64 {
    label(labels, "partition").parse().expect("a number")
}

/// The sum of a metric of a worker over all of its series.
async fn metric(process: &Process, name: &str) -> u64 {
    let text = metrics(process).await;
    let series = text.lines().filter(|line| line.starts_with(name));
    series.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

async fn metrics(process: &Process) -> String {
    let runs = lines(process, "the worker runs").pop().expect("it runs");
    let address = runs["fields"]["questions"].as_str().expect("an address");
    let answer = reqwest::get(format!("http://{address}/metrics")).await.expect("an answer");
    answer.text().await.expect("text")
}

/// The order's id, and whose it is.
async fn buy(customers: Arc<Vec<Client>>, pace: Pace, number: usize) -> (String, usize) {
    let customer = number % CUSTOMERS;
    let (key, order) = (format!("stood-by-{number}"), order("LAMP", 1, "tok_visa"));
    let answer = pace.keep(number, customers[customer].place(&key, &order)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    (answer.order_id().to_owned(), customer)
}
