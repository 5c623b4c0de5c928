//! The one thread that reads and writes the database. Requests that wait together are committed together, so that
//! one sync of the disk serves them all; none is answered before it.

use std::thread::JoinHandle;

use rusqlite::{Connection, Savepoint, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::answer::Answer;
use super::database::OpenError;
use super::idempotency::{self, Change};
use super::problem::Problem;
use super::{charges, payment_intents, refunds, search};

/// Requests that may wait for the thread; further ones wait for a place.
const QUEUE: usize = 1024;
const LARGEST_BATCH: usize = 256;

/// Everything the ledger can be asked.
pub(super) enum Ask {
    Change(Change),
    PaymentIntent { id: String },
    Refund { id: String },
    Request { idempotency_key: String },
    Search(search::Query),
    Charges(charges::Query),
}

/// Why an ask has no answer of its own kind.
pub(super) enum Fault {
    /// The ledger's considered answer is no.
    Refused(Box<Problem>),
    /// The database failed; nothing of the ask was kept.
    Database(rusqlite::Error),
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

struct Job {
    ask: Ask,
    reply: oneshot::Sender<Answer>,
}

pub(super) struct Ledger {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Ledger {
    pub fn start(database: Connection) -> Result<Self, OpenError> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("sandbox-ledger".to_owned())
            .spawn(move || run(database, jobs))
            .map_err(OpenError::Thread)?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Asks and waits until the answer is on the disk. What was asked is done even if the asker goes away.
    pub async fn ask(&self, ask: Ask) -> Answer {
        let (reply, answer) = oneshot::channel();
        let Some(queue) = &self.queue else { return Problem::internal().into() };
        if queue.send(Job { ask, reply }).await.is_err() {
            return Problem::internal().into();
        }
        answer.await.unwrap_or_else(|_| Problem::internal().into())
    }
}

impl Drop for Ledger {
    /// Waits until the queue is settled and the file is closed, so that the directory can be opened again.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("sandbox gateway: the ledger's thread had panicked");
        }
    }
}

fn run(mut database: Connection, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(LARGEST_BATCH);
    while let Some(first) = jobs.blocking_recv() {
        batch.push(first);
        while batch.len() < LARGEST_BATCH
            && let Ok(next) = jobs.try_recv()
        {
            batch.push(next);
        }
        let settled = settle(&mut database, batch.drain(..));
        match settled {
            Ok(answers) => {
                for (reply, answer) in answers {
                    // Whoever hung up asks again by the key.
                    reply.send(answer).ok();
                }
            }
            // The askers' channels are dropped, which they read as an internal error.
            Err(error) => tracing::error!(%error, "sandbox gateway: a batch of requests was not committed"),
        }
    }
}

type Settled = Vec<(oneshot::Sender<Answer>, Answer)>;

fn settle(database: &mut Connection, jobs: impl Iterator<Item = Job>) -> Result<Settled, rusqlite::Error> {
    let mut transaction = database.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let mut answers = Vec::new();
    for Job { ask, reply } in jobs {
        let savepoint = transaction.savepoint()?;
        let answer = match answer(&savepoint, ask) {
            Ok(answer) => {
                savepoint.commit()?;
                answer
            }
            Err(Fault::Refused(problem)) => (*problem).into(),
            Err(Fault::Database(error)) => {
                tracing::error!(%error, "sandbox gateway: a request failed in the ledger");
                Problem::internal().into()
            }
        };
        answers.push((reply, answer));
    }
    transaction.commit()?;
    Ok(answers)
}

fn answer(ledger: &Savepoint<'_>, ask: Ask) -> Result<Answer, Fault> {
    let object = match ask {
        Ask::Change(change) => return idempotency::settle(ledger, change),
        Ask::PaymentIntent { id } => payment_intents::get(ledger, &id)?.into_object(),
        Ask::Refund { id } => refunds::get(ledger, &id)?,
        Ask::Request { idempotency_key } => idempotency::lookup(ledger, &idempotency_key)?,
        Ask::Search(query) => search::payment_intents(ledger, &query)?,
        Ask::Charges(query) => charges::totals(ledger, &query)?,
    };
    Ok(object.into())
}
