//! The heart of the log: one lock through which every write goes, and what survives a failed one.
//!
//! Whoever commits and finds the lock free leads: it writes everything that waits as one batch with one sync. Others
//! wait for the leader, and what came meanwhile is led by the commit thread. So a lone committer pays for no change of
//! threads, and many share a sync.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rand::{SeedableRng, rngs::StdRng};
use rocksdb::WriteBatch;
use tracing::{error, info};

use super::{
    group::Groups,
    identity::{Identities, Identity},
    options::Options,
    queue::{Queue, Request, Transaction},
    rocks::Rocks,
    round::Round,
    store::Store,
    topics::Topics,
};
use crate::{CommitError, LogError, Receipt};

/// About how many bytes one write takes from the queue.
const ROUND_BYTES: usize = 16 << 20;
/// After a failed write, how long requests are refused before the store is opened again.
const MEND_EVERY: Duration = Duration::from_millis(250);

pub struct Engine {
    pub topics: Topics,
    pub groups: Groups,
    pub identities: Identities,
    pub options: Options,
    store: Store,
    queue: Queue,
    commit: Mutex<Committing>,
}

/// What the commit lock guards.
struct Committing {
    failure: Option<Failure>,
    gaps: Option<StdRng>,
}

/// A write failed: whether it is in the store is not known, so nothing is written or vouched for until the store was
/// opened again.
struct Failure {
    why: String,
    mend_after: Instant,
}

impl Engine {
    pub fn new(store: Store, options: Options) -> Result<Self, LogError> {
        let engine = Self {
            topics: Topics::default(),
            groups: Groups::default(),
            identities: Identities::default(),
            store,
            queue: Queue::default(),
            commit: Mutex::new(Committing { failure: None, gaps: options.gaps.map(StdRng::seed_from_u64) }),
            options,
        };
        engine.topics.load(&*engine.store.rocks()?)?;
        Ok(engine)
    }

    /// For reading what was published. It may lack what a concurrent commit is writing.
    pub fn read<T>(&self, read: impl FnOnce(&Rocks) -> Result<T, LogError>) -> Result<T, LogError> {
        read(&*self.store.rocks()?)
    }

    /// Reads when no write is under way and the outcome of every earlier one is known.
    pub fn read_settled<T>(&self, read: impl FnOnce(&Rocks) -> Result<T, LogError>) -> Result<T, LogError> {
        self.exclusively(|committing| {
            self.mend(committing)?;
            self.read(read)
        })
    }

    /// Writes what `prepare` puts into the batch, apart from the queue, and then lets it count.
    pub fn write<T>(
        &self,
        prepare: impl FnOnce(&Rocks, &mut WriteBatch) -> Result<T, LogError>,
        count: impl FnOnce(&Rocks, &T) -> Result<(), LogError>,
    ) -> Result<T, LogError> {
        self.exclusively(|committing| {
            self.mend(committing)?;
            let rocks = self.store.rocks()?;
            let mut batch = WriteBatch::default();
            let prepared = prepare(&rocks, &mut batch)?;
            if !batch.is_empty() {
                rocks.write(batch).map_err(|error| LogError::Unavailable(committing.fail(&error)))?;
            }
            count(&rocks, &prepared)?;
            Ok(prepared)
        })
    }

    /// A new epoch for this identity, if the present one is still `expected`.
    pub fn new_epoch(&self, identity: &Identity, expected: Option<u64>) -> Result<u64, LogError> {
        self.write(
            |rocks, batch| match expected {
                Some(expected) if expected != identity.epoch() => {
                    Err(LogError::Fenced(format!("another session has the identity {}", identity.id)))
                }
                _ => identity.prepare(rocks, batch),
            },
            |_, epoch| {
                identity.take(*epoch);
                Ok(())
            },
        )
    }

    /// Commits, and waits for it.
    pub fn transact(&self, transaction: Transaction) -> Result<Receipt, CommitError> {
        let outcome = transaction.done.clone();
        self.queue.push(Request::Transaction(transaction), usize::MAX);
        if let Some(mut committing) = self.commit.try_lock() {
            while !outcome.is_set() {
                self.lead(&mut committing);
            }
            drop(committing);
            self.queue.wake();
        }
        outcome.wait()
    }

    /// Hands a request to the commit thread.
    pub fn enqueue(&self, request: Request) {
        self.queue.push(request, self.options.max_waiting_bytes);
        self.queue.wake();
    }

    /// The commit thread's work, until the log is closed and the queue is empty.
    pub fn run(&self) {
        while self.queue.wait(MEND_EVERY) {
            let mut committing = self.commit.lock();
            self.lead(&mut committing);
            // Those who only read must not depend on others to write.
            if committing.failure.as_ref().is_some_and(|failure| failure.mend_after <= Instant::now()) {
                // What went wrong was logged, and the next round tries again.
                self.mend(&mut committing).ok();
            }
        }
    }

    /// Takes no more requests; [`run`](Self::run) returns when it has written those there are.
    pub fn close_queue(&self) {
        self.queue.close();
    }

    /// # Errors
    /// [`LogError::Unavailable`] once the log is being closed.
    pub fn check_open(&self) -> Result<(), LogError> {
        if self.queue.is_closed() {
            return Err(LogError::Unavailable("the log is closed".into()));
        }
        Ok(())
    }

    pub fn close_store(&self) {
        self.exclusively(|_| self.store.close());
    }

    /// For writes apart from the commit lock: after one that failed, the log must be mended.
    pub fn note_failure(&self, error: &rocksdb::Error) -> LogError {
        LogError::Unavailable(self.exclusively(|committing| committing.fail(error)))
    }

    /// Whoever finds the lock taken relies on its holder to see to the queue afterwards.
    fn exclusively<T>(&self, work: impl FnOnce(&mut Committing) -> T) -> T {
        let result = work(&mut self.commit.lock());
        self.queue.wake();
        result
    }

    fn lead(&self, committing: &mut Committing) {
        let requests = self.queue.take(ROUND_BYTES);
        if requests.is_empty() {
            return;
        }
        let ready = match &committing.failure {
            Some(failure) if Instant::now() < failure.mend_after => Err(failure.refusal()),
            _ => self.mend(committing),
        };
        match ready.and_then(|()| self.store.rocks()) {
            Ok(rocks) => self.write_round(requests, committing, &rocks),
            Err(error) => requests.into_iter().for_each(|request| request.refuse(&error)),
        }
    }

    fn write_round(&self, requests: Vec<Request>, committing: &mut Committing, rocks: &Rocks) {
        let mut round = Round::new(rocks, committing.gaps.as_mut());
        let mut admitted = Vec::with_capacity(requests.len());
        for request in requests {
            match &request {
                Request::Transaction(transaction) => match admit(transaction) {
                    Ok(()) => admitted.push((round.add(&request), request)),
                    Err(why) => transaction.done.set(Err(CommitError::Fenced(why))),
                },
                Request::Append { .. } => admitted.push((round.add(&request), request)),
            }
        }
        match round.write() {
            Ok(tails) => {
                // All is there before anybody is woken: who has seen one record of a transaction finds the others.
                for (partition, tail) in &tails {
                    partition.publish(*tail);
                }
                for (partition, _) in &tails {
                    partition.ring();
                }
                for (ends, request) in admitted {
                    request.complete(ends);
                }
            }
            Err(error) => {
                let why = committing.fail(&error);
                admitted.into_iter().for_each(|(_, request)| request.lose(&why));
            }
        }
    }

    /// After a failed write, opens the store again: that settles what was in doubt.
    fn mend(&self, committing: &mut Committing) -> Result<(), LogError> {
        let Some(failure) = &mut committing.failure else {
            return Ok(());
        };
        failure.mend_after = Instant::now() + MEND_EVERY;
        let mended = self.store.reopen().and_then(|()| self.topics.load(&*self.store.rocks()?));
        match mended {
            Ok(()) => {
                info!(after = failure.why, "the log takes writes again");
                committing.failure = None;
                Ok(())
            }
            Err(error) => {
                error!(%error, after = failure.why, "the log cannot be opened again yet");
                Err(failure.refusal())
            }
        }
    }
}

/// Whether the transaction's session still has the right to commit it; else why not.
fn admit(transaction: &Transaction) -> Result<(), String> {
    let claim = &transaction.claim;
    if claim.identity.epoch() != claim.epoch {
        return Err(format!("another session has the identity {}", claim.identity.id));
    }
    let partitions = transaction.positions.iter().map(|(partition, _)| &partition.name);
    match claim.member {
        Some(member) => claim.group.lock().check(member, partitions, Instant::now()),
        None if transaction.positions.is_empty() => Ok(()),
        None => Err("this session is no member of the group yet".into()),
    }
}

impl Committing {
    fn fail(&mut self, error: &rocksdb::Error) -> String {
        let why = format!("writing to the log failed: {error}");
        error!("{why}; it refuses writes until it can be opened again");
        self.failure = Some(Failure { why: why.clone(), mend_after: Instant::now() + MEND_EVERY });
        why
    }
}

impl Failure {
    fn refusal(&self) -> LogError {
        LogError::Unavailable(format!("{}; the log refuses writes until it can be opened again", self.why))
    }
}
