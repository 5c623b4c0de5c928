//! A worker's one transaction at a time: stages records, and commits them with the group's positions.

use std::{sync::Arc, time::Duration};

use rdkafka::{error::RDKafkaErrorCode as Code, producer::Producer};
use tracing::warn;

use super::{
    deliveries::Writing,
    faults::{Fault, failed},
    positions::list_at,
    produce::check_size,
    raw::{self, Membership},
    settings::Settings,
    turns::Turns,
};
use crate::{Append, CommitError, LogError, Offset, Receipt, TopicPartition};

/// The one transaction of a session.
pub struct Transaction {
    settings: Arc<Settings>,
    id: Arc<str>,
    /// Of which the brokers know something.
    topic: Arc<str>,
    epoch: Epoch,
    open: bool,
}

enum Epoch {
    Current(Turns),
    /// Somebody has a later one.
    Fenced,
    /// It has a transaction that may or may not have been committed.
    Doubtful,
}

impl Transaction {
    /// Takes the transactional id over from whoever had it.
    pub fn new(settings: Arc<Settings>, id: Arc<str>, topic: Arc<str>) -> Result<Self, LogError> {
        let mut new = Self { settings, id, topic, epoch: Epoch::Doubtful, open: false };
        new.renew()?;
        Ok(new)
    }

    /// Takes a new epoch: what was open is settled, and older holders of the id are fenced.
    pub fn renew(&mut self) -> Result<(), LogError> {
        self.end(Epoch::Doubtful);
        self.epoch = Epoch::Current(Turns::take_over(&self.settings, &self.id, &self.topic)?);
        Ok(())
    }

    /// All of the records, or none where one is too large.
    pub fn stage(&mut self, records: Vec<Append>) -> Result<(), LogError> {
        let limit = self.settings.max_record();
        records.iter().try_for_each(|record| check_size(record, limit))?;
        self.begin()?;
        self.write(records)
    }

    fn write(&mut self, records: Vec<Append>) -> Result<(), LogError> {
        let timeout = self.timeout();
        let written = self.writing()?.write(records, timeout);
        written.map_err(|fault| {
            // Some of them may have been staged.
            if let Epoch::Current(turns) = &self.epoch {
                turns.current().context().0.lock().first_failure.get_or_insert(fault.clone());
            }
            fault.while_doing(format!("staging records of {}", self.id))
        })
    }

    /// Commits what was staged together with these positions of the group.
    pub fn commit(
        &mut self,
        positions: &[(TopicPartition, Offset)],
        membership: Option<&Arc<Membership>>,
    ) -> Result<Receipt, CommitError> {
        if !self.open && positions.is_empty() {
            return Ok(Receipt::default());
        }
        self.begin().map_err(not_begun)?;
        if let Err(fault) = self.send(positions, membership) {
            return Err(self.give_up(fault));
        }
        let timeout = self.timeout();
        let turns = self.turns().map_err(not_begun)?;
        match turns.call(timeout, move |producer| raw::commit_transaction(producer.client(), timeout)) {
            Ok(()) => {
                let ends = self.writing().map_err(not_begun)?.ends();
                self.ended();
                Ok(Receipt { ends })
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

    /// All that precedes the end of the transaction: while this fails, nothing was committed. The records are on
    /// their way while the positions are sent.
    fn send(
        &mut self,
        positions: &[(TopicPartition, Offset)],
        membership: Option<&Arc<Membership>>,
    ) -> Result<(), Fault> {
        let timeout = self.timeout();
        let other = |error: LogError| Fault { code: None, text: error.to_string(), fatal: false };
        let turns = self.turns().map_err(other)?;
        if !positions.is_empty() {
            let Some(membership) = membership.cloned() else { return Err(Fault::new(Code::UnknownMemberId)) };
            let list =
                list_at(positions.iter().map(|(at, offset)| (at, rdkafka::Offset::Offset(*offset)))).map_err(other)?;
            turns.call(timeout, move |producer| raw::send_offsets(producer.client(), &list, &membership, timeout))?;
        }
        let producer = turns.current();
        if !raw::flush(producer.client(), timeout) {
            return Err(Fault::new(Code::OperationTimedOut));
        }
        let failure = producer.context().0.lock().first_failure.take();
        failure.map_or(Ok(()), Err)
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
        if !self.open {
            return Ok(());
        }
        let timeout = self.timeout();
        let aborted = self.turns()?.call(timeout, move |producer| Ok(producer.abort_transaction(timeout)?));
        let Err(fault) = aborted else {
            self.ended();
            return Ok(());
        };
        self.end(if fault.is_producer_fenced() { Epoch::Fenced } else { Epoch::Doubtful });
        Err(fault.while_doing(format!("aborting the transaction of {}", self.id)))
    }

    /// Drops what was staged, whatever state the transaction is in.
    pub fn abandon(&mut self) {
        if let Err(error) = self.abort() {
            warn!(id = &*self.id, %error, "the transaction is left to the next epoch to settle");
        }
    }

    /// Opens the transaction if it is not.
    fn begin(&mut self) -> Result<(), LogError> {
        if self.open {
            return Ok(());
        }
        self.writing()?.begin();
        let begun = self.turns()?.current().begin_transaction();
        begun.map_err(failed(format!("beginning a transaction of {}", self.id)))?;
        self.open = true;
        Ok(())
    }

    /// The transaction is committed or aborted: the next one is the other producer's.
    fn ended(&mut self) {
        self.open = false;
        if let Epoch::Current(turns) = &mut self.epoch {
            turns.change();
        }
    }

    fn end(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.open = false;
    }

    fn turns(&self) -> Result<&Turns, LogError> {
        match &self.epoch {
            Epoch::Current(turns) => Ok(turns),
            _ => Err(self.without_epoch()),
        }
    }

    fn writing(&mut self) -> Result<&mut Writing, LogError> {
        match self.epoch {
            Epoch::Current(ref mut turns) => Ok(turns.writing()),
            _ => Err(self.without_epoch()),
        }
    }

    fn without_epoch(&self) -> LogError {
        match self.epoch {
            Epoch::Fenced => LogError::Fenced(format!("a later session has the transactional id {}", self.id)),
            _ => LogError::Misuse(format!(
                "the last transaction of {} may have been committed or not: recover first",
                self.id
            )),
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
