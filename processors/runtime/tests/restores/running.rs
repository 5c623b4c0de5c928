//! A worker of the production driver on the embedded log.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{JoinHandle, spawn},
    time::{Duration, Instant},
};

use prometheus::{Encoder, Registry, TextEncoder};
use tradewind_runtime::{Limits, Serving, Standbys, TOMBSTONES_FOR, WorkerError, WorkerMetrics, WorkerPlace, run};
use tradewind_state::rocks::SharedMemory;
use tradewind_topics::{
    Append, Cleanup, Log, Offset, SessionConfig, TopicPartition, TopicSpec,
    embedded::{EmbeddedLog, Options},
};

use super::keeping::{CHANGELOG, SOURCE, STAGE, layout, worker};

pub const PARTITIONS: u32 = 2;
const DEADLINE: Duration = Duration::from_secs(60);

pub struct Running {
    serving: Serving,
    pub standbys: Standbys,
    registry: Registry,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    pub fn start(name: &str, log: Arc<dyn Log>, state_dir: &Path) -> Self {
        let (worker, names) = worker(&layout(PARTITIONS), Limits::default());
        let (serving, registry, stop) = (Serving::default(), Registry::new(), Arc::<AtomicBool>::default());
        let standbys = Standbys::default();
        let session = SessionConfig {
            group: names.group(),
            topics: vec![layout(PARTITIONS).physical(SOURCE)],
            transactional_id: name.into(),
            instance_id: Some(name.into()),
            session_timeout: Duration::from_secs(15),
            max_batch: 1_000,
        };
        let metrics = WorkerMetrics::new(&registry).expect("a registry of its own");
        let (state_dir, memory) = (state_dir.to_owned(), SharedMemory::new(16 << 20));
        let place = WorkerPlace {
            log,
            state_dir,
            memory,
            serving: serving.clone(),
            metrics,
            standbys: standbys.clone(),
            session,
        };
        let told = stop.clone();
        let thread = spawn(move || run(worker, names, place, &told));
        Self { serving, standbys, registry, stop, thread }
    }

    /// How far the task of this partition has come; `None` while it is not asked from.
    pub fn position(&self, partition: u32) -> Option<Offset> {
        let positions = self.serving.positions();
        positions.into_iter().find(|(_, number, _)| *number == partition).map(|(_, _, position)| position.unwrap_or(0))
    }

    pub fn comes_to(&self, partition: u32, position: Offset) {
        self.until("it comes to the position", || self.position(partition).is_some_and(|there| there >= position));
    }

    pub fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !is_so() {
            assert!(!self.thread.is_finished(), "the worker has ended");
            assert!(Instant::now() < deadline, "not so: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What a metric says of this partition.
    pub fn metric(&self, name: &str, partition: u32) -> Option<i64> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).expect("metrics");
        let text = String::from_utf8(text).expect("text");
        let series = format!("{name}{{partition=\"{partition}\",stage=\"{STAGE}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
    }

    /// Why it ends by itself.
    pub fn ends(self) -> WorkerError {
        self.thread.join().expect("no panic").expect_err("it goes on for ever, or until it is told to stop")
    }

    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic").expect("it ends well");
    }
}

pub fn write(log: &EmbeddedLog, partition: u32, numbers: std::ops::Range<i64>) {
    let writer = log.writer().expect("a writer");
    let to = TopicPartition::new(layout(PARTITIONS).physical(SOURCE), partition);
    let written = numbers.map(|number| {
        let (key, value) = (number.to_be_bytes().to_vec(), vec![b'x'; 100]);
        writer.append(Append {
            to: to.clone(),
            timestamp: number,
            key: Some(key.into()),
            value: Some(value.into()),
            headers: Vec::new(),
        })
    });
    for offset in futures::executor::block_on(futures::future::join_all(written)) {
        offset.expect("it is written");
    }
}

/// A log with the stage's topics.
pub fn log(home: &Path) -> Arc<EmbeddedLog> {
    let log = EmbeddedLog::open(&home.join("log"), Options::default()).expect("a log");
    let compacted = Cleanup::Compact { tombstones_for: TOMBSTONES_FOR };
    let topics = [(SOURCE, Cleanup::Keep), ("things.dlq", Cleanup::Keep), (CHANGELOG, compacted)];
    let spec = |(name, cleanup): (&str, Cleanup)| TopicSpec {
        name: layout(PARTITIONS).physical(name),
        partitions: PARTITIONS,
        cleanup,
    };
    log.admin().create(&topics.map(spec)).expect("topics");
    let sources = (0..PARTITIONS).map(|n| (TopicPartition::new(layout(PARTITIONS).physical(SOURCE), n), 0));
    log.admin()
        .initialise_group(&layout(PARTITIONS).physical(STAGE), &sources.collect::<Vec<_>>())
        .expect("first offsets");
    log
}
