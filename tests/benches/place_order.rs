//! How long an order takes over HTTP, from POST to confirmed, and what it costs: the whole saga, the log and the call of
//! the sandbox gateway included. The broker's own CPU is not counted.
//!
//!     cargo bench --workspace --profile dev --bench place_order            # the embedded log
//!     cargo bench --workspace --profile dev --bench place_order -- kafka   # a real Kafka, roles as processes
//!
//! The tests' own broker is one that starts quickly and is slow for good: name another with `TRADEWIND_TEST_KAFKA`, such
//! as the race's (`PEER_PIN=0 tests/peers/kafka-streams/run broker-start`).

use std::{fs, time::Instant};

use futures::{StreamExt, stream};
use tradewind_tests::{
    client::{Client, order},
    shop::Shop,
};

const CONCURRENCIES: [usize; 4] = [1, 8, 32, 128];
const CUSTOMERS: usize = 16;
/// Orders placed before anything is measured: a broker compiles itself for its first minute.
const WARM_UP: usize = 1_500;

#[tokio::main]
async fn main() {
    let on_kafka = std::env::args().any(|argument| argument == "kafka");
    let shop = if on_kafka { Shop::on_kafka().await } else { Shop::embedded().await };
    let skus: Vec<_> = (0..64).map(|number| format!("SKU-{number}")).collect();
    for sku in &skus {
        shop.sell(sku, 1000, 1_000_000).await;
    }
    let customers = shop.customers(CUSTOMERS).await;
    place(&customers, &skus, 32, WARM_UP, "warm-up").await;
    println!("{}", if on_kafka { "Kafka, roles as processes" } else { "embedded log, one process" });
    println!("concurrency   orders   orders/s   p50 ms   p99 ms   CPU ms an order");
    for concurrency in CONCURRENCIES {
        let orders = 100 + 20 * concurrency;
        place(&customers, &skus, concurrency, concurrency * 2, "warm").await;
        let (cpu, start) = (cpu_seconds(&shop), Instant::now());
        let mut took = place(&customers, &skus, concurrency, orders, "run").await;
        let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds(&shop) - cpu);
        took.sort_by(f64::total_cmp);
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
        println!(
            "{concurrency:>11} {orders:>8} {:>10.0} {:>8.1} {:>8.1} {:>17.2}",
            orders as f64 / wall,
            at(0.5),
            at(0.99),
            cpu * 1000.0 / orders as f64
        );
    }
}

/// Places orders, and says how many milliseconds each took. Every one must be confirmed.
async fn place(customers: &[Client], skus: &[String], concurrency: usize, orders: usize, run: &str) -> Vec<f64> {
    let one = |number: usize| async move {
        let start = Instant::now();
        let body = order(&skus[number % skus.len()], 1, "tok_visa");
        let answer = customers[number % customers.len()].place(&format!("{run}-{concurrency}-{number}"), &body).await;
        assert_eq!(answer.status, 201, "order {number}: {}", answer.code());
        start.elapsed().as_secs_f64() * 1000.0
    };
    stream::iter(0..orders).map(one).buffer_unordered(concurrency).collect().await
}

/// User and system time of the shop's processes so far.
fn cpu_seconds(shop: &Shop) -> f64 {
    /// Of a clock tick; Linux reports to user space in hundredths.
    const TICK: f64 = 0.01;
    let ticks = |pid: u32| -> f64 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.get(11..13).map_or(0.0, |times| times.iter().filter_map(|time| time.parse::<f64>().ok()).sum())
    };
    shop.processes.iter().filter_map(|process| process.id()).map(ticks).sum::<f64>() * TICK
}
