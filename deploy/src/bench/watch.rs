//! Watches the output as any consumer of committed records would: counts it, and takes the time from when a record was
//! due to when its output is seen.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};
use parking_lot::Mutex;
use tradewind_runtime::{Layout, now};
use tradewind_topics::{Log, LogError, Reader, Start, TopicPartition};

use super::{
    load::Schedule,
    wire::u64_at,
    workload::{Workload, partitions},
};

const GLANCE: Duration = Duration::from_millis(100);
const LEADERS_WITHIN: Duration = Duration::from_secs(30);

/// What is measured: the records from this one on, which are due by that schedule from `base` on.
#[derive(Clone, Copy)]
pub struct Measured {
    pub schedule: Schedule,
    pub base: u64,
    pub from: u64,
}

#[derive(Default)]
struct Seen {
    outputs: AtomicU64,
    /// When the last one was seen, in milliseconds.
    last: AtomicI64,
    stop: AtomicBool,
    measured: Mutex<Option<Measured>>,
    latencies: Mutex<Vec<Duration>>,
}

pub struct Watch {
    seen: Arc<Seen>,
    thread: JoinHandle<Result<(), LogError>>,
}

impl Watch {
    pub fn start(log: &dyn Log, workload: Workload, layout: &Layout) -> Result<Self> {
        let seen = Arc::new(Seen::default());
        let mut reader = log.reader()?;
        let output = partitions(layout, workload.output());
        let beginning: Vec<_> = output.into_iter().map(|partition| (partition, Start::Beginning)).collect();
        assign(reader.as_mut(), &beginning)?;
        let (watching, at) = (seen.clone(), workload.seq_at());
        let thread = thread::Builder::new().name("bench-watch".to_owned());
        let thread = thread.spawn(move || watch(reader.as_mut(), at, &watching))?;
        Ok(Self { seen, thread })
    }

    pub fn outputs(&self) -> u64 {
        self.seen.outputs.load(Ordering::Acquire)
    }

    /// When the last output was seen, in milliseconds.
    pub fn last_ms(&self) -> i64 {
        self.seen.last.load(Ordering::Acquire)
    }

    /// Takes latencies from now on, or no more; gives those taken so far.
    pub fn measure(&self, measured: Option<Measured>) -> Vec<Duration> {
        *self.seen.measured.lock() = measured;
        std::mem::take(&mut *self.seen.latencies.lock())
    }

    /// Waits until there are so many outputs: `false` where they do not come in time, or there are more.
    pub fn wait(&self, outputs: u64, within: Duration) -> Result<bool> {
        let deadline = Instant::now() + within;
        while self.outputs() < outputs && Instant::now() < deadline {
            self.check()?;
            thread::sleep(Duration::from_millis(2));
        }
        Ok(self.outputs() == outputs)
    }

    /// # Errors
    /// Where the output can no longer be watched.
    pub fn check(&self) -> Result<()> {
        if self.thread.is_finished() {
            bail!("the output can no longer be read");
        }
        Ok(())
    }

    pub fn stop(self) -> Result<()> {
        self.seen.stop.store(true, Ordering::Relaxed);
        Ok(self.thread.join().map_err(|_| anyhow!("the watch panicked"))??)
    }
}

/// The topic is new: its leaders may not know of it yet.
fn assign(reader: &mut dyn Reader, beginning: &[(TopicPartition, Start)]) -> Result<(), LogError> {
    let deadline = Instant::now() + LEADERS_WITHIN;
    loop {
        match reader.assign(beginning) {
            Err(LogError::Unavailable(_)) if Instant::now() < deadline => thread::sleep(GLANCE),
            settled => return settled,
        }
    }
}

fn watch(reader: &mut dyn Reader, seq_at: usize, seen: &Seen) -> Result<(), LogError> {
    while !seen.stop.load(Ordering::Relaxed) {
        let records = reader.poll(GLANCE)?;
        if records.is_empty() {
            continue;
        }
        if let Some(Measured { schedule, base, from }) = *seen.measured.lock() {
            let read = Instant::now();
            let seqs = records.iter().map(|record| u64_at(record.value.as_deref().unwrap_or_default(), seq_at));
            let latencies = seqs.filter(|seq| *seq >= from).map(|seq| read - schedule.due(seq - base));
            seen.latencies.lock().extend(latencies);
        }
        seen.last.store(now().millis(), Ordering::Release);
        seen.outputs.fetch_add(records.len() as u64, Ordering::Release);
    }
    Ok(())
}
