//! What waits to be written.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::{group::Group, identity::Identity, staged::Staged, topics::Partition};
use crate::{CommitError, LogError, Offset, Receipt, TopicPartition};

/// Something to be written in one piece.
pub enum Request {
    Transaction(Transaction),
    /// One record outside any transaction.
    Append {
        record: Staged,
        done: oneshot::Sender<Result<Offset, LogError>>,
    },
}

/// A session's transaction.
pub struct Transaction {
    pub claim: Claim,
    pub records: Staged,
    pub positions: Vec<(Arc<Partition>, Offset)>,
    pub done: Arc<Outcome>,
}

/// By what right a session commits: checked at the very moment of the write.
pub struct Claim {
    pub identity: Arc<Identity>,
    pub epoch: u64,
    pub group: Arc<Mutex<Group>>,
    pub group_name: Arc<str>,
    /// `None` before the session first polled.
    pub member: Option<u64>,
}

impl Request {
    pub fn records(&self) -> &Staged {
        match self {
            Self::Transaction(transaction) => &transaction.records,
            Self::Append { record, .. } => record,
        }
    }

    /// Tells the one who waits that nothing was written, and why.
    pub fn refuse(self, why: &LogError) {
        match self {
            Self::Transaction(transaction) => transaction.done.set(Err(CommitError::Aborted(why.to_string()))),
            Self::Append { done, .. } => answer(done, Err(LogError::Unavailable(why.to_string()))),
        }
    }

    /// Tells the one who waits that it may have been written or not.
    pub fn lose(self, why: &str) {
        match self {
            Self::Transaction(transaction) => transaction.done.set(Err(CommitError::Unknown(why.to_owned()))),
            Self::Append { done, .. } => answer(done, Err(LogError::Unavailable(why.to_owned()))),
        }
    }

    /// Tells the one who waits that it is durable, and where the partitions of its records ended after them.
    pub fn complete(self, ends: Vec<(TopicPartition, Offset)>) {
        match self {
            Self::Transaction(transaction) => transaction.done.set(Ok(Receipt { ends })),
            // It is one record.
            Self::Append { done, .. } => answer(done, Ok(ends.first().map_or(0, |(_, end)| end - 1))),
        }
    }
}

/// Whoever appended may have stopped waiting; the record is there all the same.
fn answer(done: oneshot::Sender<Result<Offset, LogError>>, result: Result<Offset, LogError>) {
    drop(done.send(result));
}

/// Where a committing session waits for the answer.
#[derive(Default)]
pub struct Outcome {
    answer: Mutex<Option<Result<Receipt, CommitError>>>,
    answered: Condvar,
}

impl Outcome {
    pub fn set(&self, answer: Result<Receipt, CommitError>) {
        *self.answer.lock() = Some(answer);
        self.answered.notify_one();
    }

    pub fn is_set(&self) -> bool {
        self.answer.lock().is_some()
    }

    pub fn wait(&self) -> Result<Receipt, CommitError> {
        let mut answer = self.answer.lock();
        loop {
            match answer.take() {
                Some(answer) => return answer,
                None => self.answered.wait(&mut answer),
            }
        }
    }
}

/// Requests in the order in which they came.
#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    work: Condvar,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    /// Of the records in there.
    bytes: usize,
    closed: bool,
}

impl Queue {
    /// Refuses the request if the queue is closed, or holds more than `limit` bytes already.
    pub fn push(&self, request: Request, limit: usize) {
        let mut waiting = self.waiting.lock();
        let refusal = match &*waiting {
            Waiting { closed: true, .. } => "the log is closed",
            Waiting { bytes, .. } if *bytes > limit => "too many records wait to be written",
            _ => {
                waiting.bytes += request.records().bytes();
                waiting.requests.push_back(request);
                return;
            }
        };
        drop(waiting);
        request.refuse(&LogError::Unavailable(refusal.into()));
    }

    /// Takes what makes up one write of about `limit` bytes.
    pub fn take(&self, limit: usize) -> Vec<Request> {
        let mut waiting = self.waiting.lock();
        let mut taken = Vec::new();
        let mut bytes = 0;
        while bytes < limit {
            let Some(request) = waiting.requests.pop_front() else { break };
            bytes += request.records().bytes();
            taken.push(request);
        }
        waiting.bytes -= bytes;
        taken
    }

    /// Wakes the commit thread if there is something for it.
    pub fn wake(&self) {
        if !self.waiting.lock().requests.is_empty() {
            self.work.notify_one();
        }
    }

    /// Waits for work, at most so long. `false` when there is none and none will come.
    pub fn wait(&self, most: Duration) -> bool {
        let deadline = Instant::now() + most;
        let mut waiting = self.waiting.lock();
        while waiting.requests.is_empty() && !waiting.closed {
            if self.work.wait_until(&mut waiting, deadline).timed_out() {
                return true;
            }
        }
        !waiting.requests.is_empty()
    }

    pub fn is_closed(&self) -> bool {
        self.waiting.lock().closed
    }

    /// What is in the queue will still be written, nothing else will.
    pub fn close(&self) {
        self.waiting.lock().closed = true;
        self.work.notify_one();
    }
}
