//! Carries a worker's effects out, on a thread of its own: against a log, stores on disk, and the clock.

mod opening;
mod positions;
mod unplaced;

use std::{
    cell::{Cell, OnceCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tradewind_schemas::Timestamp;
use tradewind_state::{
    Backend, Batch, StateError,
    rocks::{self, RocksBackend, SharedMemory},
};
use tradewind_topics::{Admin, CommitError, Log, LogError, Offset, Polled, Session, SessionConfig};

use crate::{
    effects::{Effect, Input},
    metrics::WorkerMetrics,
    names::Names,
    patience::{AGAIN, patiently},
    restoring::Restores,
    serving::Serving,
    standbys::Standbys,
    worker::Worker,
};
use unplaced::Unplaced;

/// How long to wait for records when there is nothing else to do.
const QUIET: Duration = Duration::from_millis(200);
/// How long records are waited for while changelogs are read, and all that was read is applied.
const GLANCE: Duration = Duration::from_millis(5);
/// How long what was read of changelogs is applied before the session is looked at again, and running tasks go on.
const SLICE: Duration = Duration::from_millis(20);

/// So many records of a changelog are made before they are handed over: few enough to be at hand still.
const PIECE: usize = 128;

/// The worker is told of so many records at once.
const AT_ONCE: usize = 128;

/// How old a store on disk may get while it changes.
const SYNC_EVERY: Duration = Duration::from_secs(60);

/// Where a worker lives.
pub struct Place {
    pub log: Arc<dyn Log>,
    /// Each task has a directory of its own below.
    pub state_dir: PathBuf,
    pub memory: SharedMemory,
    pub serving: Serving,
    pub metrics: WorkerMetrics,
    /// For which tasks of others a standby is kept here.
    pub standbys: Standbys,
    pub session: SessionConfig,
}

/// Why a worker ended other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("{0}")]
    Halted(String),
}

/// Runs a worker until `stop`, or until it must not go on.
pub fn run(worker: Worker, names: Names, place: Place, stop: &AtomicBool) -> Result<(), WorkerError> {
    let session = patiently(stop, "joining", || place.log.session(place.session.clone()))?;
    let admin = place.log.admin();
    let restores = Restores::new(place.log.clone(), names.clone(), place.metrics.clone());
    let driver = Driver {
        worker,
        names: names.clone(),
        place,
        session: Some(session),
        sessions: 0,
        admin,
        stores: BTreeMap::new(),
        unplaced: BTreeMap::new(),
        restores,
        is_restoring: false,
        stands_by: BTreeSet::new(),
        starts: BTreeMap::new(),
        topics: OnceCell::new(),
        missed_since: Cell::new(None),
        not_staged: None,
        stop,
    };
    driver.run().map_err(|error| names.explained(error))
}

struct Driver<'a> {
    worker: Worker,
    names: Names,
    place: Place,
    /// Gone once it has left.
    session: Option<Box<dyn Session>>,
    /// How many there were before.
    sessions: u64,
    admin: Arc<dyn Admin>,
    stores: BTreeMap<u32, Store>,
    /// Tasks whose positions are still to be looked up.
    unplaced: BTreeMap<u32, Unplaced>,
    restores: Restores,
    /// More of the changelogs may have been read already.
    is_restoring: bool,
    /// The standbys that the worker was told of.
    stands_by: BTreeSet<u32>,
    /// Where tasks go on in the source, still to be told to the session: all at once, since it begins to fetch anew with
    /// each time that it is told.
    starts: BTreeMap<u32, Offset>,
    /// The ids of source and changelog, as they were found since the last poll.
    topics: OnceCell<String>,
    /// Since when one of the two is not found.
    missed_since: Cell<Option<Instant>>,
    /// Why the transaction in hand cannot be committed: its records were not staged.
    not_staged: Option<CommitError>,
    stop: &'a AtomicBool,
}

/// A task's store on disk.
struct Store {
    backend: Arc<RocksBackend>,
    synced: Instant,
    /// Of the checkpoint that was written last.
    changelog: Option<Offset>,
}

impl Store {
    fn new(backend: Arc<RocksBackend>) -> Self {
        Self { backend, synced: Instant::now(), changelog: None }
    }

    /// Writes, and once in a while begins to make what was written survive a crash: at the end of a flush, when the
    /// checkpoint has moved.
    fn write(&mut self, batch: Batch) -> Result<(), StateError> {
        let changelog = Some(batch.checkpoint.changelog);
        self.backend.apply(batch)?;
        let has_moved = std::mem::replace(&mut self.changelog, changelog) != changelog;
        if has_moved && self.synced.elapsed() >= SYNC_EVERY {
            self.backend.begin_sync()?;
            self.synced = Instant::now();
        }
        Ok(())
    }
}

impl Driver<'_> {
    fn run(mut self) -> Result<(), WorkerError> {
        let mut stopping = false;
        while self.session.is_some() {
            if self.stop.load(Ordering::Relaxed) && !stopping {
                stopping = true;
                self.tell(Input::Stop)?;
                continue;
            }
            let happened = self.poll()?;
            let quiet = happened.is_empty();
            let inputs = happened.into_iter().flat_map(in_pieces);
            let session = self.sessions;
            for input in inputs {
                self.tell(input)?;
                // What the session before has told counts no more.
                if self.sessions != session {
                    break;
                }
            }
            self.place_tasks()?;
            self.restore()?;
            self.stand_by()?;
            if quiet || self.is_due() {
                self.tell(Input::Idle)?;
            }
        }
        Ok(())
    }

    fn poll(&mut self) -> Result<Vec<Polled>, WorkerError> {
        self.topics.take();
        self.start()?;
        let patience = if self.worker.is_dirty() || self.is_restoring {
            Duration::ZERO
        } else if self.restores.are_at_work() {
            GLANCE
        } else if !self.unplaced.is_empty() {
            AGAIN
        } else {
            let until_due = self.worker.next_due().map(|due| (due.millis() - now().millis()).max(0).unsigned_abs());
            until_due.map_or(QUIET, |millis| QUIET.min(Duration::from_millis(millis)))
        };
        match &mut self.session {
            Some(session) => Ok(patiently(self.stop, "polling", || session.poll(patience))?),
            None => Ok(Vec::new()),
        }
    }

    fn is_due(&self) -> bool {
        self.worker.next_due().is_some_and(|due| due <= now())
    }

    /// Has applied, for a while, what was read of the changelogs of the tasks that are being restored.
    fn restore(&mut self) -> Result<(), WorkerError> {
        self.is_restoring = false;
        let until = Instant::now() + SLICE;
        while !self.is_restoring
            && let Some(input) = self.restores.take()?
        {
            self.tell(input)?;
            self.is_restoring = Instant::now() >= until;
        }
        Ok(())
    }

    /// Tells the worker for which partitions it is to stand by, once its own tasks are looked after.
    fn stand_by(&mut self) -> Result<(), WorkerError> {
        if self.unplaced.is_empty()
            && let Some(wanted) = self.place.standbys.news(&self.names.stage, &self.stands_by)
        {
            self.stands_by.clone_from(&wanted);
            self.tell(Input::StandBy(wanted.into_iter().collect()))?;
        }
        Ok(())
    }

    /// Tells the worker, does what it says, and tells it of that too, until nothing is left.
    fn tell(&mut self, input: Input) -> Result<(), WorkerError> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.worker.step(now(), input) {
                inputs.extend(self.carry_out(effect)?);
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> Result<Option<Input>, WorkerError> {
        let Some(session) = &mut self.session else { return Ok(None) };
        match effect {
            Effect::Open(partition) => {
                self.unplaced.insert(partition, Unplaced::closed(None));
            }
            Effect::Rebuild { partition, why } => {
                self.restores.give_up(partition)?;
                self.place.serving.withdraw(&self.names.stage, partition);
                self.stores.remove(&partition);
                self.unplaced.insert(partition, Unplaced::closed(Some(why)));
            }
            Effect::OpenStandby(partition) => {
                let state = match self.open_standby(partition) {
                    Err(WorkerError::Halted(why)) => return Ok(Some(Input::NoStandby { partition, why })),
                    opened => opened?,
                };
                let origin = patiently(self.stop, "looking topics up", || self.origin(partition))?;
                return Ok(Some(Input::StandbyOpened { partition, state, origin }));
            }
            Effect::Follow { partition, from } => self.restores.follow(partition, from)?,
            Effect::Discard(partition) => {
                self.restores.give_up(partition)?;
                self.stores.remove(&partition);
                rocks::wipe(&self.directory(partition))?;
            }
            Effect::Reopen(partition) => {
                tracing::info!(stage = self.names.stage, partition, "a standby becomes the task");
                self.starts.remove(&partition);
                self.restores.give_up(partition)?;
                self.unplaced.entry(partition).or_default().positions = None;
            }
            Effect::Restore { partition, from, to } => self.restores.begin(partition, from, to)?,
            Effect::Serve { partition, reader } => {
                self.restores.is_done(partition);
                self.place.serving.serve(&self.names.stage, partition, reader);
            }
            Effect::Start { partition, at } => _ = self.starts.insert(partition, at),
            Effect::Append(records) => self.not_staged = not_staged(session.append(records))?,
            Effect::AppendChangelogs(at) => {
                let mut changelogs = self.worker.changelogs(at);
                while self.not_staged.is_none() {
                    let piece: Vec<_> = changelogs.by_ref().take(PIECE).collect();
                    if piece.is_empty() {
                        break;
                    }
                    self.not_staged = not_staged(session.append(piece))?;
                }
            }
            Effect::Commit(positions) => {
                if let Some(error) = self.not_staged.take() {
                    return Ok(Some(Input::NotCommitted(error)));
                }
                return Ok(Some(match session.commit(&positions) {
                    Ok(receipt) => Input::Committed(receipt),
                    Err(error) => Input::NotCommitted(error),
                }));
            }
            Effect::Recover => {
                patiently(self.stop, "taking a new epoch", || session.recover())?;
                return Ok(Some(Input::Recovered));
            }
            Effect::Rejoin => {
                // A later session with this identity says so here, and ends this one for good.
                if let Err(LogError::Fenced(why)) = session.poll(Duration::ZERO) {
                    return Err(WorkerError::Log(LogError::Fenced(why)));
                }
                self.starts.clear();
                self.sessions += 1;
                self.session = None;
                let config = self.place.session.clone();
                self.session = Some(patiently(self.stop, "joining", || self.place.log.session(config.clone()))?);
            }
            Effect::Flush { partition, batch } => {
                let result = match self.stores.get_mut(&partition) {
                    Some(store) => store.write(batch),
                    None => Ok(()),
                };
                return Ok(Some(Input::Flushed { partition, result }));
            }
            Effect::Close(partition) => {
                self.starts.remove(&partition);
                self.unplaced.remove(&partition);
                self.restores.give_up(partition)?;
                self.place.serving.withdraw(&self.names.stage, partition);
                if let Some(store) = self.stores.remove(&partition) {
                    let synced = store.backend.sync();
                    synced.map_err(|fault| WorkerError::Halted(self.names.disk_fault(partition, &fault)))?;
                }
            }
            Effect::Release => {
                self.starts.clear();
                session.release()?;
            }
            Effect::Leave => {
                if let Some(session) = self.session.take() {
                    session.leave()?;
                }
            }
            Effect::Halt(why) => return Err(WorkerError::Halted(why)),
        }
        Ok(None)
    }
}

/// A record that is too large is a bug of ours, and stops the worker; with anything else the transaction is lost, and
/// the worker begins anew.
fn not_staged(appended: Result<(), LogError>) -> Result<Option<CommitError>, LogError> {
    match appended {
        Ok(()) => Ok(None),
        Err(LogError::Fenced(why)) => Ok(Some(CommitError::Fenced(why))),
        Err(LogError::Unavailable(why)) => Ok(Some(CommitError::Aborted(why))),
        Err(other) => Err(other),
    }
}

/// What the worker is told of it: of records a few at a time, so that a stage that makes much of little, or takes long,
/// commits in between.
fn in_pieces(polled: Polled) -> Vec<Input> {
    match polled {
        Polled::Assigned(partitions) => vec![Input::Assigned(numbers(&partitions))],
        Polled::Revoked(partitions) => vec![Input::Revoked(numbers(&partitions))],
        Polled::Lost(partitions) => vec![Input::Lost(numbers(&partitions))],
        Polled::Records(records) => {
            let pieces = records.len().div_ceil(AT_ONCE);
            let mut records = records.into_iter();
            (0..pieces).map(|_| Input::Records(records.by_ref().take(AT_ONCE).collect())).collect()
        }
    }
}

fn numbers(partitions: &[tradewind_topics::TopicPartition]) -> Vec<u32> {
    partitions.iter().map(|partition| partition.partition).collect()
}

/// The wall clock. Workers know it only as an argument.
#[expect(clippy::disallowed_methods, reason = "the driver is where the clock is read")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
