//! Loads commands at a constant rate, whatever happens to the brokers.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use bytes::Bytes;
use futures::{FutureExt, executor::block_on, future::BoxFuture};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tradewind_topics::{Append, Log, LogError, Offset, TopicPartition, Writer, partition_of};

use crate::{
    ledger,
    topics::{COMMANDS, PARTITIONS},
};

/// Between two handfuls of commands.
const BEAT: Duration = Duration::from_millis(20);
/// Records on their way at a time; with more, the brokers are waited for.
const UNDER_WAY: usize = 5_000;

#[derive(Default)]
struct Told {
    acknowledged: AtomicU64,
    /// Written or not: nobody knows.
    doubtful: AtomicU64,
    stop: AtomicBool,
}

pub struct Load {
    told: Arc<Told>,
    thread: JoinHandle<()>,
}

impl Load {
    /// So many records a second, for so many SKUs.
    pub fn start(log: &dyn Log, namespace: &str, seed: u64, rate: u64, keys: u64) -> Result<Self> {
        let told = Arc::new(Told::default());
        let (writer, telling) = (log.writer()?, told.clone());
        let topic: Arc<str> = format!("{namespace}.{COMMANDS}").into();
        let thread = thread::Builder::new().name("load".to_owned());
        let thread = thread.spawn(move || load(&*writer, &topic, seed, rate, keys, &telling))?;
        Ok(Self { told, thread })
    }

    pub fn acknowledged(&self) -> u64 {
        self.told.acknowledged.load(Ordering::Relaxed)
    }

    pub fn doubtful(&self) -> u64 {
        self.told.doubtful.load(Ordering::Relaxed)
    }

    pub fn tell_to_stop(&self) {
        self.told.stop.store(true, Ordering::Relaxed);
    }

    pub fn has_stopped(&self) -> bool {
        self.thread.is_finished()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}

type UnderWay = VecDeque<BoxFuture<'static, Result<Offset, LogError>>>;

fn load(writer: &dyn Writer, topic: &Arc<str>, seed: u64, rate: u64, keys: u64, told: &Told) {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut under_way = UnderWay::new();
    let mut number = 0;
    let handful = (rate * BEAT.as_millis() as u64 / 1_000).max(1);
    while !told.stop.load(Ordering::Relaxed) {
        for _ in 0..if under_way.len() < UNDER_WAY { handful } else { 0 } {
            // Half of all commands are for a tenth of the SKUs.
            let among = if chance.random_bool(0.5) { keys.div_ceil(10) } else { keys };
            let key = Bytes::copy_from_slice(&chance.random_range(0..among).to_be_bytes());
            let time = now();
            let value = Bytes::copy_from_slice(&ledger::command(number, time, chance.random()));
            number += 1;
            let to = TopicPartition::new(topic.clone(), partition_of(&key, PARTITIONS));
            let append = Append { to, timestamp: time, key: Some(key), value: Some(value), headers: Vec::new() };
            under_way.push_back(writer.append(append));
        }
        while let Some(settled) = under_way.front_mut().and_then(|oldest| oldest.now_or_never()) {
            under_way.pop_front();
            count(&settled, told);
        }
        thread::sleep(BEAT);
    }
    for last in under_way {
        count(&block_on(last), told);
    }
}

fn count(settled: &Result<Offset, LogError>, told: &Told) {
    let counter = if settled.is_ok() { &told.acknowledged } else { &told.doubtful };
    counter.fetch_add(1, Ordering::Relaxed);
}

#[expect(clippy::disallowed_methods, reason = "commands bear the time at which they are sent")]
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
