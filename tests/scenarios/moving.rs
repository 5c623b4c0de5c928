//! Workers come, leave in good order and die while everybody reads: what is answered is right and no older than what
//! the reader has seen, what cannot be answered at the moment is said to be so, and in the end all can be read again.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;
use tradewind_tests::{client::Client, shop::Shop};
use tradewind_topics::partition_of;

use crate::workers::become_owners;

/// The run's, of every topic.
const PARTITIONS: u32 = 4;
/// Reading goes on by so many answers each after whatever happened.
const ENOUGH: u64 = 3;
/// A worker that dies is missed after 15 s, and its tasks are restored then, on a busy machine too.
const COMES_BACK_WITHIN: Duration = Duration::from_secs(120);
/// The edge says within 3 s that it cannot answer; more than this is no answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_read_all_the_time() {
    let mut shop = Shop::on_kafka_with_workers(&["left", "right"]).await;
    let skus = a_key_for_each_partition();
    for sku in &skus {
        shop.sell(sku, 4900, 0).await;
    }
    let administrator = shop.administrator().await;
    let (stop, mut reading) = (Arc::<AtomicBool>::default(), JoinSet::new());
    let read: Vec<_> = skus.iter().map(|_| Arc::<AtomicU64>::default()).collect();
    for (sku, read) in skus.iter().zip(&read) {
        reading.spawn(count(administrator.clone(), sku.clone(), read.clone(), stop.clone()));
    }

    goes_on(&read, &mut reading).await;
    shop.hire("third");
    become_owners(&shop, &["left", "right", "third"]).await;
    goes_on(&read, &mut reading).await;
    shop.dismiss("right");
    become_owners(&shop, &["left", "third"]).await;
    goes_on(&read, &mut reading).await;
    shop.process("left").kill9();
    become_owners(&shop, &["third"]).await;
    goes_on(&read, &mut reading).await;
    shop.process("left").restart();
    become_owners(&shop, &["left", "third"]).await;
    goes_on(&read, &mut reading).await;

    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = reading.join_next().await {
        let (sku, received) = ended.expect("whoever reads is content");
        assert_eq!(shop.stock(&sku).await, (received, 0, 0), "{sku}");
    }
    shop.close();
}

/// SKUs whose stock lies in different partitions, all of them.
fn a_key_for_each_partition() -> Vec<String> {
    let place = |sku: &String| partition_of(sku.as_bytes(), PARTITIONS);
    let mut taken = BTreeSet::new();
    let skus: Vec<_> = (0..).map(|n| format!("MOVES-{n}")).filter(|sku| taken.insert(place(sku))).take(4).collect();
    assert_eq!(skus.len(), PARTITIONS as usize);
    skus
}

/// Receives one unit after the other, and after each looks at the stock as somebody who has seen that: until it is told
/// to stop. How many came in.
async fn count(administrator: Client, sku: String, read: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> (String, i64) {
    let mut received = 0;
    while !stop.load(Ordering::Relaxed) {
        received += 1;
        let (path, key) = (format!("/v1/stock/{sku}/receipts"), format!("{sku}-{received}"));
        let answer = administrator.decided(&path, &key, &json!({"quantity": 1})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let (reader, deadline) = (administrator.having_seen(&answer), Instant::now() + COMES_BACK_WITHIN);
        loop {
            let asking = reader.once(reader.request(Method::GET, &format!("/v1/stock/{sku}")));
            let answer = tokio::time::timeout(ANSWERED_WITHIN, asking).await;
            let answer = answer.ok().flatten().unwrap_or_else(|| panic!("no answer about {sku}"));
            if answer.status == 200 {
                assert_eq!(answer.body["on_hand"], received, "{sku}: {answer:?}");
                read.fetch_add(1, Ordering::Relaxed);
                break;
            }
            assert_eq!(answer.status, 503, "{sku}: {answer:?}");
            assert!(answer.headers.contains_key("retry-after"), "{sku}: {answer:?}");
            assert!(Instant::now() < deadline, "{sku} is not read again: {answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    (sku, received)
}

/// Waits until everybody has read more.
async fn goes_on(read: &[Arc<AtomicU64>], reading: &mut JoinSet<(String, i64)>) {
    let before: Vec<_> = read.iter().map(|read| read.load(Ordering::Relaxed)).collect();
    let deadline = Instant::now() + COMES_BACK_WITHIN;
    while read.iter().zip(&before).any(|(read, before)| read.load(Ordering::Relaxed) < before + ENOUGH) {
        if let Some(ended) = reading.try_join_next() {
            panic!("somebody reads no more: {:?}", ended.map_err(|error| error.to_string()));
        }
        assert!(Instant::now() < deadline, "reads do not come back: {before:?}, then {read:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
