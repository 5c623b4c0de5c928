//! One task is restored for long; another one of the same worker runs meanwhile, on the embedded log.

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
use tempfile::TempDir;
use tradewind_runtime::{Limits, Serving, Standbys, TOMBSTONES_FOR, WorkerError, WorkerMetrics, WorkerPlace, run};
use tradewind_state::rocks::SharedMemory;
use tradewind_topics::{
    Append, Cleanup, Log, Offset, SessionConfig, TopicPartition, TopicSpec,
    embedded::{EmbeddedLog, Options},
};

use super::{
    gated::GatedLog,
    keeping::{CHANGELOG, SOURCE, STAGE, layout, worker},
};

const PARTITIONS: u32 = 2;
const SLOW: u32 = 0;
const QUICK: u32 = 1;
const RECORDS: i64 = 3_000;
const DEADLINE: Duration = Duration::from_secs(60);

struct Running {
    serving: Serving,
    registry: Registry,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    fn start(log: Arc<dyn Log>, state_dir: &Path) -> Self {
        let (worker, names) = worker(&layout(PARTITIONS), Limits::default());
        let (serving, registry, stop) = (Serving::default(), Registry::new(), Arc::<AtomicBool>::default());
        let session = SessionConfig {
            group: names.group(),
            topics: vec![layout(PARTITIONS).physical(SOURCE)],
            transactional_id: "keeper".into(),
            instance_id: Some("keeper".into()),
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
            standbys: Standbys::default(),
            session,
        };
        let told = stop.clone();
        let thread = spawn(move || run(worker, names, place, &told));
        Self { serving, registry, stop, thread }
    }

    /// How far the task of this partition has come; `None` while it is not asked from.
    fn position(&self, partition: u32) -> Option<Offset> {
        let positions = self.serving.positions();
        positions.into_iter().find(|(_, number, _)| *number == partition).map(|(_, _, position)| position.unwrap_or(0))
    }

    fn comes_to(&self, partition: u32, position: Offset) {
        let deadline = Instant::now() + DEADLINE;
        while self.position(partition).is_none_or(|there| there < position) {
            assert!(!self.thread.is_finished(), "the worker has ended");
            assert!(Instant::now() < deadline, "{partition} is at {:?}, not {position}", self.position(partition));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What a metric says of this partition.
    fn metric(&self, name: &str, partition: u32) -> Option<i64> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).expect("metrics");
        let text = String::from_utf8(text).expect("text");
        let series = format!("{name}{{partition=\"{partition}\",stage=\"{STAGE}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic").expect("it ends well");
    }
}

fn write(log: &EmbeddedLog, partition: u32, numbers: std::ops::Range<i64>) {
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

#[test]
fn a_task_runs_while_another_is_restored() {
    let home = TempDir::new().expect("a folder");
    let log = EmbeddedLog::open(&home.path().join("log"), Options::default()).expect("a log");
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

    write(&log, SLOW, 0..RECORDS);
    write(&log, QUICK, 0..10);
    let first = Running::start(log.clone(), &home.path().join("first"));
    first.comes_to(SLOW, RECORDS);
    first.comes_to(QUICK, 10);
    first.stop();

    let open = Arc::<AtomicBool>::default();
    let gated = Arc::new(GatedLog { log: log.clone(), closed: SLOW, open: open.clone() });
    let second = Running::start(gated, &home.path().join("second"));
    second.comes_to(QUICK, 10);
    write(&log, QUICK, 10..20);
    second.comes_to(QUICK, 20);
    assert_eq!(second.position(SLOW), None, "it is not restored yet");
    assert!(second.metric("tradewind_restore_remaining_records", SLOW).is_some_and(|left| left >= RECORDS));

    open.store(true, Ordering::Relaxed);
    second.comes_to(SLOW, RECORDS);
    assert_eq!(second.metric("tradewind_restore_remaining_records", SLOW), Some(0));
    assert!(second.metric("tradewind_restore_records_total", SLOW).is_some_and(|read| read > RECORDS));
    second.stop();
}
