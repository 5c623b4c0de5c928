//! A compacted topic, followed from its beginning and kept whole by whoever wants it at hand.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::watch;
use tradewind_topics::{Admin, End, Log, LogError, Offset, Reader, Record, Start, TopicPartition};

use crate::stage::Failure;

const POLL: Duration = Duration::from_millis(50);
const RETRY: Duration = Duration::from_millis(500);
/// How long a question waits for the replica to catch up.
pub const REPLICA_PATIENCE: Duration = Duration::from_secs(2);

/// Why a replica does not know what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// It has not read far enough within 2 s.
    #[error("the replica has not caught up yet")]
    Behind,
    /// The log does not say how far that is.
    #[error("the log does not say how far its topic goes: {0}")]
    Unavailable(String),
}

/// Follows one topic on a thread of its own, and reads what is committed.
pub struct Replica {
    partitions: Vec<TopicPartition>,
    admin: Arc<dyn Admin>,
    reached: watch::Receiver<Vec<Offset>>,
    caught_up: Arc<Mutex<Option<Instant>>>,
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Takes a record into the replica. Where the environment failed the thread tries again; a record that is at fault
/// itself is passed over, and said loudly.
pub type Apply = Box<dyn Fn(&Record) -> Result<(), Failure> + Send>;

impl Replica {
    /// Begins to follow a topic, by the name it has on the log.
    ///
    /// # Errors
    /// Where the log gives no reader, or the process no thread.
    pub fn follow(log: &Arc<dyn Log>, topic: Arc<str>, partitions: u32, apply: Apply) -> Result<Self, LogError> {
        let partitions: Vec<_> = (0..partitions).map(|p| TopicPartition::new(topic.clone(), p)).collect();
        let admin = log.admin();
        let (reaching, reached) = watch::channel(vec![0; partitions.len()]);
        let caught_up = Arc::new(Mutex::new(None));
        let stop = Arc::new(AtomicBool::new(false));
        let follower = Follower {
            reader: begin(log, &partitions, &BTreeMap::new())?,
            taken: BTreeMap::new(),
            log: log.clone(),
            partitions: partitions.clone(),
            admin: admin.clone(),
            apply,
            reaching,
            caught_up: caught_up.clone(),
            target: None,
            compared: None,
            stop: stop.clone(),
        };
        let thread = thread::Builder::new()
            .name(format!("replica {topic}"))
            .spawn(move || follower.run())
            .map_err(|cause| LogError::Io { what: format!("no thread to follow {topic}"), cause })?;
        Ok(Self { partitions, admin, reached, caught_up, stop, thread: Mutex::new(Some(thread)) })
    }

    /// It has all that the topic held so long ago; `None` while it never had all. It grows where the replica falls
    /// behind, cannot read, or has stopped.
    pub fn lag(&self) -> Option<Duration> {
        self.caught_up.lock().map(|at| at.elapsed())
    }

    /// Waits until everything is there that the topic holds now.
    ///
    /// # Errors
    /// `Behind` after 2 s, `Unavailable` where the log does not say how far that is.
    pub async fn catch_up(&self) -> Result<(), ReplicaError> {
        let (admin, partitions) = (self.admin.clone(), self.partitions.clone());
        let asked = tokio::task::spawn_blocking(move || admin.ends(&partitions, End::Stable)).await;
        let ends = match asked {
            Ok(Ok(ends)) => ends,
            Ok(Err(cause)) => return Err(ReplicaError::Unavailable(cause.to_string())),
            Err(cause) => return Err(ReplicaError::Unavailable(cause.to_string())),
        };
        self.until(|reached| reached.iter().zip(&ends).all(|(at, end)| at >= end)).await
    }

    /// Waits until this partition was read up to there.
    ///
    /// # Errors
    /// `Behind` after 2 s.
    pub async fn reach(&self, partition: u32, after: Offset) -> Result<(), ReplicaError> {
        self.until(|reached| reached.get(partition as usize).is_none_or(|at| *at >= after)).await
    }

    async fn until(&self, mut there: impl FnMut(&Vec<Offset>) -> bool) -> Result<(), ReplicaError> {
        let mut reached = self.reached.clone();
        match tokio::time::timeout(REPLICA_PATIENCE, reached.wait_for(|at| there(at))).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(ReplicaError::Behind),
        }
    }

    /// Ends the thread, and waits for it.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!(topic = %self.partitions[0].topic, "the follower of a replica panicked");
        }
    }
}

/// A reader of what is not taken yet.
fn begin(
    log: &Arc<dyn Log>,
    partitions: &[TopicPartition],
    taken: &BTreeMap<TopicPartition, Offset>,
) -> Result<Box<dyn Reader>, LogError> {
    let mut reader = log.reader()?;
    let start = |partition| taken.get(partition).map_or(Start::Beginning, |after| Start::Offset(*after));
    let starts: Vec<_> = partitions.iter().map(|partition| (partition.clone(), start(partition))).collect();
    reader.assign(&starts)?;
    Ok(reader)
}

/// The thread's side.
struct Follower {
    log: Arc<dyn Log>,
    reader: Box<dyn Reader>,
    /// Up to where each partition was taken into the replica.
    taken: BTreeMap<TopicPartition, Offset>,
    partitions: Vec<TopicPartition>,
    admin: Arc<dyn Admin>,
    apply: Apply,
    reaching: watch::Sender<Vec<Offset>>,
    caught_up: Arc<Mutex<Option<Instant>>>,
    /// How far the topic went at a time: what is to be reached next. While it is written to all the time, the end of
    /// this very moment is never reached.
    target: Option<(Instant, Vec<Offset>)>,
    compared: Option<Instant>,
    stop: Arc<AtomicBool>,
}

impl Follower {
    fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            if let Err(cause) = self.step() {
                tracing::warn!(topic = %self.partitions[0].topic, %cause, "a replica cannot follow; trying again");
                thread::sleep(RETRY);
                self.again();
            }
        }
    }

    fn step(&mut self) -> Result<(), LogError> {
        for record in self.reader.poll(POLL)? {
            self.take(&record);
            self.taken.insert(record.source.clone(), record.after());
        }
        let reached =
            self.partitions.iter().map(|partition| self.reader.position(partition)).collect::<Result<Vec<_>, _>>()?;
        // Replaced only when it moved, so that waiters do not wake for nothing.
        self.reaching.send_if_modified(|known| {
            let moved = *known != reached;
            known.clone_from(&reached);
            moved
        });
        self.compare(&reached)
    }

    fn compare(&mut self, reached: &[Offset]) -> Result<(), LogError> {
        if self.target.is_none() && self.compared.is_none_or(|at| at.elapsed() > RETRY) {
            let now = Instant::now();
            self.target = Some((now, self.admin.ends(&self.partitions, End::Stable)?));
            self.compared = Some(now);
        }
        if let Some((at, _)) = self.target.take_if(|(_, ends)| reached.iter().zip(&*ends).all(|(at, end)| at >= end)) {
            *self.caught_up.lock() = Some(at);
        }
        Ok(())
    }

    fn take(&self, record: &Record) {
        while !self.stop.load(Ordering::Relaxed) {
            match (self.apply)(record) {
                Err(Failure::Environment(why)) => {
                    tracing::warn!(source = %record.source, offset = record.offset, why, "a record has to wait");
                    thread::sleep(RETRY);
                }
                Err(Failure::Record(reason)) => {
                    tracing::error!(source = %record.source, offset = record.offset, reason, "a record is passed over");
                    return;
                }
                Ok(()) => return,
            }
        }
    }

    /// A reader that failed is replaced by one that goes on from there: read again from the beginning, the replica would
    /// for a while be what it was long ago.
    fn again(&mut self) {
        match begin(&self.log, &self.partitions, &self.taken) {
            Ok(reader) => self.reader = reader,
            Err(cause) => tracing::warn!(%cause, "no reader"),
        }
    }
}
