//! The thread that reads changelogs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use tradewind_topics::{End, Log, LogError, Offset, Purpose, Reader, Record, Start, TopicPartition};

use crate::patience::AGAIN;

/// So many batches may wait to be applied: enough that the worker never waits while there is something to read.
const AHEAD: usize = 4;
/// How long records are waited for between two looks at the orders.
const GLANCE: Duration = Duration::from_millis(50);
/// How often it is looked up what a standby lacks.
const LOOK: Duration = Duration::from_secs(2);

pub enum Order {
    /// Read this changelog until the position has passed `to`; a standby's, for good, has [`Offset::MAX`] there.
    Read { changelog: TopicPartition, round: u64, from: Offset, to: Offset },
    /// It is not needed any more.
    Leave(TopicPartition),
}

/// Of which changelog, for which restore.
pub struct Batch {
    pub changelog: TopicPartition,
    pub round: u64,
    pub what: What,
}

pub enum What {
    /// These records, and how far that went.
    Read(Vec<Record>, Offset),
    /// So many offsets were left of a standby's changelog, after all that was handed out before this.
    Lag(Offset),
    /// A standby's changelog has this offset no more: it is read no further.
    Gone(Offset),
}

/// The thread's end that the worker holds. The thread runs from the first order on, and is waited for in the end: it
/// has a reader of the log.
pub struct Reading {
    log: Arc<dyn Log>,
    stage: String,
    running: Option<Running>,
}

struct Running {
    orders: Sender<Order>,
    batches: Receiver<Result<Batch, LogError>>,
    thread: JoinHandle<()>,
}

impl Reading {
    pub fn new(log: Arc<dyn Log>, stage: String) -> Self {
        Self { log, stage, running: None }
    }

    pub fn order(&mut self, order: Order) -> Result<(), LogError> {
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(Running::start(self.log.clone(), &self.stage)?),
        };
        // One that has ended says why in what it has read.
        let _ = running.orders.send(order);
        Ok(())
    }

    pub fn take(&mut self) -> Result<Option<Batch>, LogError> {
        let Some(running) = &self.running else { return Ok(None) };
        match running.batches.try_recv() {
            Ok(batch) => batch.map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(LogError::Misuse("the thread that restores has gone".to_owned())),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(Running { orders, batches, thread }) = self.running.take() {
            drop((orders, batches));
            if thread.join().is_err() {
                tracing::error!(stage = self.stage, "the thread that restores panicked");
            }
        }
    }
}

impl Running {
    fn start(log: Arc<dyn Log>, stage: &str) -> Result<Self, LogError> {
        let (orders, ordered) = channel();
        let (read, batches) = sync_channel(AHEAD);
        let thread = Builder::new().name(format!("restore-{stage}"));
        let work = move || {
            let mut changelogs =
                Changelogs { log, reader: None, restores: false, read: BTreeMap::new(), are_new: false, looked: None };
            if let Err(error) = changelogs.read_as_ordered(&ordered, &read) {
                // Nobody listens when the worker ends anyway.
                let _ = read.send(Err(error));
            }
        };
        let thread = thread.spawn(work);
        let thread = thread.map_err(|cause| LogError::Io { what: format!("no thread to restore {stage}"), cause })?;
        Ok(Self { orders, batches, thread })
    }
}

/// What is read at the moment, all by one reader.
struct Changelogs {
    log: Arc<dyn Log>,
    /// `None` while there is nothing to read.
    reader: Option<Box<dyn Reader>>,
    /// What `reader` is for: for restores, or for standbys.
    restores: bool,
    read: BTreeMap<TopicPartition, Place>,
    /// The reader does not know of them yet.
    are_new: bool,
    /// When it was last looked up what standbys lack.
    looked: Option<Instant>,
}

struct Place {
    round: u64,
    position: Offset,
    to: Offset,
}

impl Changelogs {
    /// Until nobody orders or listens any more.
    fn read_as_ordered(
        &mut self,
        orders: &Receiver<Order>,
        batches: &SyncSender<Result<Batch, LogError>>,
    ) -> Result<(), LogError> {
        loop {
            if self.read.is_empty() {
                self.reader = None;
                let Ok(order) = orders.recv() else { return Ok(()) };
                self.take(order);
            }
            loop {
                match orders.try_recv() {
                    Ok(order) => self.take(order),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            match self.read_on().and_then(|read| self.look(read)) {
                Ok(read) => {
                    for batch in read {
                        if batches.send(Ok(batch)).is_err() {
                            return Ok(());
                        }
                    }
                }
                Err(LogError::Unavailable(why)) => {
                    tracing::warn!(why, "changelogs cannot be read: trying again");
                    match orders.recv_timeout(AGAIN) {
                        Ok(order) => self.take(order),
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => return Ok(()),
                    }
                }
                Err(other) => return Err(other),
            }
        }
    }

    fn take(&mut self, order: Order) {
        self.are_new = true;
        match order {
            Order::Read { changelog, round, from, to } => {
                self.read.insert(changelog, Place { round, position: from, to });
            }
            Order::Leave(changelog) => {
                self.read.remove(&changelog);
            }
        }
    }

    /// What came of each changelog that has moved on; one that has come to its end is read no further.
    fn read_on(&mut self) -> Result<Vec<Batch>, LogError> {
        if self.read.is_empty() {
            return Ok(Vec::new());
        }
        // Restores come first: somebody waits for them.
        let restores = self.read.values().any(|place| place.to != Offset::MAX);
        let is_due = |place: &Place| !restores || place.to != Offset::MAX;
        let (reader, is_fresh) = match &mut self.reader {
            Some(reader) if self.restores == restores => (reader, false),
            other => {
                // A changelog's records have no headers.
                let fresh = self.log.reader_for(Purpose { to_end: restores, headers: false })?;
                self.restores = restores;
                (other.insert(fresh), true)
            }
        };
        if self.are_new || is_fresh {
            let due = self.read.iter().filter(|(_, place)| is_due(place));
            let places = due.map(|(changelog, place)| (changelog.clone(), Start::Offset(place.position)));
            reader.assign(&places.collect::<Vec<_>>())?;
            self.are_new = false;
        }
        // All are of one topic.
        let mut records = BTreeMap::<u32, Vec<Record>>::new();
        let polled = match reader.poll(GLANCE) {
            Err(LogError::OffsetOutOfRange { partition: changelog, offset }) if stands_by(&self.read, &changelog) => {
                self.are_new = true;
                let gone = self.read.remove(&changelog).into_iter();
                return Ok(gone
                    .map(|Place { round, .. }| Batch { changelog: changelog.clone(), round, what: What::Gone(offset) })
                    .collect());
            }
            polled => polled?,
        };
        for record in polled {
            records.entry(record.source.partition).or_default().push(record);
        }
        let mut read = Vec::new();
        for (changelog, place) in self.read.iter_mut().filter(|(_, place)| is_due(place)) {
            let position = reader.position(changelog)?;
            if position > place.position {
                place.position = position;
                let records = records.remove(&changelog.partition).unwrap_or_default();
                let what = What::Read(records, position);
                read.push(Batch { changelog: changelog.clone(), round: place.round, what });
            }
        }
        let before = self.read.len();
        self.read.retain(|_, place| place.position < place.to);
        self.are_new |= self.read.len() < before;
        Ok(read)
    }

    /// Adds, once in a while, what standbys lack.
    fn look(&mut self, mut read: Vec<Batch>) -> Result<Vec<Batch>, LogError> {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(read);
        }
        self.looked = Some(Instant::now());
        for (changelog, place) in self.read.iter().filter(|(_, place)| place.to == Offset::MAX) {
            match self.log.admin().end(changelog, End::Stable) {
                Ok(end) => {
                    let what = What::Lag((end - place.position).max(0));
                    read.push(Batch { changelog: changelog.clone(), round: place.round, what });
                }
                // What was read must not be lost for it.
                Err(LogError::Unavailable(_)) => break,
                Err(other) => return Err(other),
            }
        }
        Ok(read)
    }
}

fn stands_by(read: &BTreeMap<TopicPartition, Place>, changelog: &TopicPartition) -> bool {
    read.get(changelog).is_some_and(|place| place.to == Offset::MAX)
}
