//! Watches the events as any consumer of committed records would, and sees how long each partition pauses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use parking_lot::Mutex;
use rdkafka::{Message, consumer::BaseConsumer};

use crate::{
    reading,
    topics::{EVENTS, PARTITIONS},
};

const GLANCE: Duration = Duration::from_millis(100);

struct Seen {
    events: u64,
    /// When the last event of each partition was seen.
    last: [Instant; PARTITIONS as usize],
    longest_pause: Duration,
}

pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    pub fn start(brokers: &str, namespace: &str) -> Result<Self> {
        let consumer = reading::consumer(brokers, &format!("{namespace}.{EVENTS}"), "read_committed")?;
        let seen = Seen { events: 0, last: [Instant::now(); PARTITIONS as usize], longest_pause: Duration::ZERO };
        let (seen, stop) = (Arc::new(Mutex::new(seen)), Arc::<AtomicBool>::default());
        let (seeing, stopping) = (seen.clone(), stop.clone());
        let thread = thread::Builder::new().name("watch".to_owned());
        thread.spawn(move || watch(&consumer, &seeing, &stopping))?;
        Ok(Self { seen, stop })
    }

    pub fn events(&self) -> u64 {
        self.seen.lock().events
    }

    /// The longest pause of a partition since this was asked last.
    pub fn take_longest_pause(&self) -> Duration {
        std::mem::take(&mut self.seen.lock().longest_pause)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn watch(consumer: &BaseConsumer, seen: &Mutex<Seen>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        // Faults pass: the consumer finds its brokers again by itself.
        if let Some(Ok(record)) = consumer.poll(GLANCE) {
            let mut seen = seen.lock();
            seen.events += 1;
            let last = &mut seen.last[record.partition() as usize];
            let pause = std::mem::replace(last, Instant::now()).elapsed();
            seen.longest_pause = seen.longest_pause.max(pause);
        }
    }
}
