//! A worker's transactional producer: stages records, and commits them with the group's positions.

use std::{
    collections::HashMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    error::RDKafkaErrorCode as Code,
    producer::{Producer, ThreadedProducer},
};
use tracing::warn;

use super::{
    deliveries::{Delivered, Deliveries, write},
    faults::{Fault, failed},
    pace::Pace,
    positions::list_at,
    produce::check_size,
    raw::{self, Membership},
    settings::Settings,
};
use crate::{Append, CommitError, LogError, Offset, Receipt, TopicPartition};

/// The one transaction of a session.
pub struct Transaction {
    settings: Arc<Settings>,
    id: Arc<str>,
    producer: Epoch,
    open: bool,
    /// Where the open transaction writes.
    targets: HashMap<TopicPartition, usize>,
    pace: Pace,
    /// Staged before the next transaction could begin.
    waiting: Vec<Append>,
}

enum Epoch {
    Current(ThreadedProducer<Deliveries>),
    /// Somebody has a later one.
    Fenced,
    /// It has a transaction that may or may not have been committed.
    Doubtful,
}

impl Transaction {
    /// Takes the transactional id over from whoever had it.
    pub fn new(settings: Arc<Settings>, id: Arc<str>) -> Result<Self, LogError> {
        let mut new = Self {
            settings,
            id,
            producer: Epoch::Doubtful,
            open: false,
            targets: HashMap::new(),
            pace: Pace::default(),
            waiting: Vec::new(),
        };
        new.renew()?;
        Ok(new)
    }

    /// Takes a new epoch: what was open is settled, and older holders of the id are fenced.
    pub fn renew(&mut self) -> Result<(), LogError> {
        self.end(Epoch::Doubtful);
        let doing = format!("taking over the transactional id {}", self.id);
        let config = self.settings.transactional(&self.id);
        let producer: ThreadedProducer<Deliveries> =
            config.create_with_context(Deliveries::default()).map_err(failed(&doing))?;
        producer.init_transactions(self.settings.answer_within()).map_err(failed(&doing))?;
        self.producer = Epoch::Current(producer);
        Ok(())
    }

    /// All of the records, or none where one is too large.
    pub fn stage(&mut self, records: Vec<Append>) -> Result<(), LogError> {
        let limit = self.settings.max_record();
        records.iter().try_for_each(|record| check_size(record, limit))?;
        if !self.open && !self.pace.left().is_zero() {
            self.producer()?;
            self.waiting.extend(records);
            return Ok(());
        }
        self.begin()?;
        self.write(&records)
    }

    fn write(&mut self, records: &[Append]) -> Result<(), LogError> {
        let timeout = self.timeout();
        let mut targets = std::mem::take(&mut self.targets);
        let written = write(self.producer()?, records, &mut targets, timeout);
        self.targets = targets;
        written.map_err(|fault| {
            // Some of them may have been staged.
            if let Epoch::Current(producer) = &self.producer {
                producer.context().0.lock().first_failure.get_or_insert(fault.clone());
            }
            fault.while_doing(format!("staging records of {}", self.id))
        })
    }

    /// Commits what was staged together with these positions of the group.
    pub fn commit(
        &mut self,
        positions: &[(TopicPartition, Offset)],
        membership: Option<&Membership>,
    ) -> Result<Receipt, CommitError> {
        if !self.open && self.waiting.is_empty() && positions.is_empty() {
            return Ok(Receipt::default());
        }
        self.begin().map_err(not_begun)?;
        if let Err(fault) = self.send(positions, membership) {
            return Err(self.give_up(fault));
        }
        let timeout = self.timeout();
        let producer = self.producer().map_err(not_begun)?;
        match raw::commit_transaction(producer.client(), timeout) {
            Ok(()) => {
                let ends = std::mem::take(&mut producer.context().0.lock().ends);
                self.open = false;
                self.pace.committed();
                // A record that was written but whose acknowledgement was lost has no offset: better to name no end.
                let ends = self.targets.drain().map(|(at, target)| (at, ends[target])).filter(|(_, end)| *end > 0);
                Ok(Receipt { ends: ends.collect() })
            }
            // The request to end the transaction may have reached the coordinator.
            Err(fault) if fault.is_producer_fenced() => {
                self.end(Epoch::Fenced);
                Err(CommitError::Fenced(fault.text))
            }
            Err(fault) => {
                self.end(Epoch::Doubtful);
                Err(CommitError::Unknown(fault.text))
            }
        }
    }

    /// All that precedes the end of the transaction: while this fails, nothing was committed.
    fn send(&mut self, positions: &[(TopicPartition, Offset)], membership: Option<&Membership>) -> Result<(), Fault> {
        let timeout = self.timeout();
        let other = |error: LogError| Fault { code: None, text: error.to_string(), fatal: false };
        let began = Instant::now();
        if !raw::flush(self.producer().map_err(other)?.client(), timeout) {
            return Err(Fault::new(Code::OperationTimedOut));
        }
        self.pace.flushed(began.elapsed());
        let producer = self.producer().map_err(other)?;
        if let Some(fault) = producer.context().0.lock().first_failure.take() {
            return Err(fault);
        }
        if positions.is_empty() {
            return Ok(());
        }
        let Some(membership) = membership else { return Err(Fault::new(Code::UnknownMemberId)) };
        let list =
            list_at(positions.iter().map(|(at, offset)| (at, rdkafka::Offset::Offset(*offset)))).map_err(other)?;
        raw::send_offsets(producer.client(), &list, membership, timeout)
    }

    /// Ends a transaction that failed before its end was asked for.
    fn give_up(&mut self, fault: Fault) -> CommitError {
        if fault.is_producer_fenced() {
            self.end(Epoch::Fenced);
            return CommitError::Fenced(fault.text);
        }
        let aborted = if fault.fatal { Err(LogError::Fenced(fault.text.clone())) } else { self.abort() };
        if fault.is_member_fenced() {
            return CommitError::Fenced(fault.text);
        }
        match aborted {
            Ok(()) => CommitError::Aborted(fault.text),
            Err(error) => {
                self.end(Epoch::Doubtful);
                CommitError::Unknown(format!("{}; and the transaction could not be aborted: {error}", fault.text))
            }
        }
    }

    /// Drops what was staged. Without success the transaction needs [`renew`](Transaction::renew).
    pub fn abort(&mut self) -> Result<(), LogError> {
        self.waiting.clear();
        if !self.open {
            return Ok(());
        }
        let Err(error) = self.producer()?.abort_transaction(self.timeout()) else {
            self.open = false;
            return Ok(());
        };
        let fault = Fault::from(error);
        self.end(if fault.is_producer_fenced() { Epoch::Fenced } else { Epoch::Doubtful });
        Err(fault.while_doing(format!("aborting the transaction of {}", self.id)))
    }

    /// Drops what was staged, whatever state the transaction is in.
    pub fn abandon(&mut self) {
        if let Err(error) = self.abort() {
            warn!(id = &*self.id, %error, "the transaction is left to the next epoch to settle");
        }
    }

    /// Opens the transaction if it is not, as soon as the last one is out of the way.
    fn begin(&mut self) -> Result<(), LogError> {
        if self.open {
            return Ok(());
        }
        thread::sleep(self.pace.left());
        let producer = self.producer()?;
        *producer.context().0.lock() = Delivered::default();
        producer.begin_transaction().map_err(failed(format!("beginning a transaction of {}", self.id)))?;
        self.open = true;
        self.pace.begun();
        self.targets.clear();
        let waiting = std::mem::take(&mut self.waiting);
        self.write(&waiting)
    }

    fn end(&mut self, epoch: Epoch) {
        self.producer = epoch;
        self.open = false;
        self.waiting.clear();
    }

    fn producer(&self) -> Result<&ThreadedProducer<Deliveries>, LogError> {
        match &self.producer {
            Epoch::Current(producer) => Ok(producer),
            Epoch::Fenced => Err(LogError::Fenced(format!("a later session has the transactional id {}", self.id))),
            Epoch::Doubtful => Err(LogError::Misuse(format!(
                "the last transaction of {} may have been committed or not: recover first",
                self.id
            ))),
        }
    }

    fn timeout(&self) -> Duration {
        self.settings.options.transaction_timeout
    }
}

fn not_begun(error: LogError) -> CommitError {
    match error {
        LogError::Fenced(why) => CommitError::Fenced(why),
        other => CommitError::Unknown(other.to_string()),
    }
}
