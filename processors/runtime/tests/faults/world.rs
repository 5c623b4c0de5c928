//! A log with one stage, which counts the records of each key, and says for each what it counted.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{JoinHandle, spawn},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::executor::block_on;
use tempfile::TempDir;
use tradewind_runtime::{
    Failure, Layout, Limits, Names, Output, Place, Processing, STATE, Serving, Stage, Standbys, TOMBSTONES_FOR, Worker,
    WorkerError, WorkerMetrics, WorkerPlace, changelog, dead_letters, now, run,
};
use tradewind_schemas::Timestamp;
use tradewind_state::{TaskState, rocks::SharedMemory};
use tradewind_topics::{
    Append, Cleanup, Log, Record, SessionConfig, Start, TopicPartition, TopicSpec,
    embedded::{EmbeddedLog, Options},
    partition_of,
};

pub const PARTITIONS: u32 = 2;
/// How long a condition may take to come true before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
pub const PANICS: &str = "panics";

/// Counts records by key. The record that says so is one too many for it.
struct Counting;

impl Stage for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn source(&self) -> &'static str {
        "numbers"
    }

    fn look_ahead(&self, records: &[Record], _: &TaskState) {
        let said = records.iter().filter_map(|record| record.value.as_deref());
        assert!(!said.into_iter().any(|said| said == PANICS.as_bytes()), "one of these is too much");
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let (Some(key), Some(said)) = (&record.key, &record.value) else {
            return Err(Failure::Record("it has no key or no value".to_owned()));
        };
        let counted = task.get(STATE, key)?.and_then(|bytes| Some(u64::from_be_bytes(*bytes.first_chunk()?)));
        let count = counted.unwrap_or(0) + 1;
        // With something that cannot be compressed, so that its table is the largest.
        let filling = (0..500).scan(1_u32, |last, _| {
            *last = last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((*last).to_be_bytes())
        });
        let value = [count.to_be_bytes().as_slice(), &filling.flatten().collect::<Vec<_>>()].concat();
        task.put(STATE, key, value.into());
        assert!(said.as_ref() != PANICS.as_bytes(), "this one is too much");
        let value = [record.offset.to_be_bytes(), count.to_be_bytes()].concat();
        let timestamp = Timestamp::from_millis(record.timestamp);
        let place = Place::Same(Some(key.clone()));
        out.push(Output { topic: "counts".into(), place, value: Some(value.into()), timestamp, headers: Vec::new() });
        Ok(())
    }
}

/// A directory with a log and local states, and how source and changelog are kept.
pub struct World {
    pub home: TempDir,
    source: Cleanup,
    changelog: Cleanup,
}

/// The log, open.
pub struct Opened {
    pub log: Arc<EmbeddedLog>,
    pub names: Names,
    layout: Layout,
    state_dir: PathBuf,
}

/// The stage at work.
pub struct Running<'o> {
    opened: &'o Opened,
    stop: Arc<AtomicBool>,
    worker: JoinHandle<Result<(), WorkerError>>,
}

impl World {
    pub fn new() -> Self {
        let changelog = Cleanup::Compact { tombstones_for: TOMBSTONES_FOR };
        Self { home: TempDir::new().expect("a folder"), source: Cleanup::Keep, changelog }
    }

    pub fn with_changelog(changelog: Cleanup) -> Self {
        Self { changelog, ..Self::new() }
    }

    pub fn with_source(source: Cleanup) -> Self {
        Self { source, ..Self::new() }
    }

    pub fn log_dir(&self) -> PathBuf {
        self.home.path().join("log")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// Where the state of a partition lies.
    pub fn task_dir(&self, partition: u32) -> PathBuf {
        self.state_dir().join("counting").join(partition.to_string())
    }

    pub fn open(&self) -> Opened {
        let log = EmbeddedLog::open(&self.log_dir(), Options::default()).expect("a log");
        let topics = [
            ("numbers".to_owned(), self.source),
            ("counts".to_owned(), Cleanup::Keep),
            (dead_letters("numbers"), Cleanup::Keep),
            (changelog("counting"), self.changelog),
        ];
        let layout = Layout::new("test", topics.iter().map(|(name, _)| (name.clone(), PARTITIONS)).collect());
        let spec = |(name, cleanup): &(String, Cleanup)| TopicSpec {
            name: layout.physical(name),
            partitions: PARTITIONS,
            cleanup: *cleanup,
        };
        log.admin().create(&topics.iter().map(spec).collect::<Vec<_>>()).expect("topics");
        let names = Names::new(layout.clone(), "counting", "numbers");
        let first: Vec<_> = (0..PARTITIONS).map(|partition| (names.source(partition), 0)).collect();
        log.admin().initialise_group(&names.group(), &first).expect("first offsets");
        Opened { log, names, layout, state_dir: self.state_dir() }
    }

    /// Says each of these once, one after another, and ends in good order; gives what was counted.
    pub fn says(&self, keys: &[&str]) -> Vec<u64> {
        let opened = self.open();
        let running = opened.start();
        let counts = keys.iter().map(|key| running.say(key)).collect();
        running.stop();
        counts
    }
}

impl Opened {
    pub fn start(&self) -> Running<'_> {
        let stop = Arc::<AtomicBool>::default();
        let session = SessionConfig {
            group: self.names.group(),
            topics: vec![self.layout.physical("numbers")],
            transactional_id: "counting.worker-0".into(),
            instance_id: Some("worker-0".into()),
            session_timeout: Duration::from_secs(15),
            max_batch: 1_000,
        };
        let processing = Processing::new(Arc::new(Counting), self.layout.clone(), 100_000, false);
        let worker = Worker::new(processing, self.names.clone(), Limits::default());
        let (log, state_dir, memory) = (self.log.clone(), self.state_dir.clone(), SharedMemory::new(1 << 20));
        let metrics = WorkerMetrics::new(&prometheus::Registry::new()).expect("a registry of their own");
        let place = WorkerPlace {
            log,
            state_dir,
            memory,
            serving: Serving::default(),
            metrics,
            standbys: Standbys::default(),
            session,
        };
        let (names, told) = (self.names.clone(), stop.clone());
        Running { opened: self, stop, worker: spawn(move || run(worker, names, place, &told)) }
    }

    /// Starts what must refuse to run; gives what it says.
    pub fn refusal(&self) -> String {
        let running = self.start();
        let deadline = Instant::now() + PATIENCE;
        while !running.worker.is_finished() {
            assert!(Instant::now() < deadline, "it runs on");
            std::thread::sleep(Duration::from_millis(5));
        }
        running.worker.join().expect("no panic").expect_err("it must not run").to_string()
    }

    pub fn write(&self, key: Option<&str>, value: Option<&str>) -> (TopicPartition, i64) {
        let to = self.names.source(partition_of(key.unwrap_or_default().as_bytes(), PARTITIONS));
        let bytes = |text: &str| text.as_bytes().to_vec();
        (to.clone(), self.append(to, key.map(bytes), value.map(bytes)))
    }

    pub fn append(&self, to: TopicPartition, key: Option<Vec<u8>>, value: Option<Vec<u8>>) -> i64 {
        let (timestamp, key, value) = (now().millis(), key.map(Bytes::from), value.map(Bytes::from));
        let writer = self.log.writer().expect("a writer");
        let appended = writer.append(Append { to, timestamp, key, value, headers: Vec::new() });
        block_on(appended).expect("it is written")
    }

    /// Waits for such a record in this partition of the topic.
    pub fn find(&self, topic: &str, partition: u32, is_meant: impl Fn(&Record) -> bool) -> Record {
        let mut reader = self.log.reader().expect("a reader");
        let place = TopicPartition::new(self.layout.physical(topic), partition);
        reader.assign(&[(place, Start::Beginning)]).expect("a partition");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let records = reader.poll(Duration::from_millis(100)).expect("records");
            if let Some(found) = records.into_iter().find(&is_meant) {
                return found;
            }
            assert!(Instant::now() < deadline, "no such record on {topic}");
        }
    }
}

impl Running<'_> {
    /// Says it once more; gives how often it has been said, by what the task knows.
    pub fn say(&self, key: &str) -> u64 {
        let (to, offset) = self.opened.write(Some(key), Some("once more"));
        let is_meant =
            |record: &Record| record.value.as_deref().is_some_and(|value| value[..8] == offset.to_be_bytes());
        let said = self.opened.find("counts", to.partition, is_meant);
        let count = said.value.as_deref().and_then(|value| value[8..].first_chunk::<8>().copied());
        u64::from_be_bytes(count.expect("a count"))
    }

    /// Ends it in good order.
    pub fn stop(self) {
        self.ends().expect("it ends well");
    }

    /// Tells it to end, and gives how it did.
    pub fn ends(self) -> Result<(), WorkerError> {
        self.stop.store(true, Ordering::Relaxed);
        self.worker.join().expect("no panic")
    }
}

/// A key of this partition.
pub fn key_of(partition: u32) -> String {
    let mut names = (0..).map(|number| format!("key-{number}"));
    names.find(|name| partition_of(name.as_bytes(), PARTITIONS) == partition).expect("there is one")
}

pub fn files(of: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(of).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// Copies a folder and all that is below.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for path in files(from) {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, target)?;
        }
    }
    Ok(())
}
