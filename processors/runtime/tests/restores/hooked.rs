//! A log that lets a test have a say in what its sessions and its admin answer.

use std::{sync::Arc, time::Duration};

use tradewind_topics::{
    Admin, Append, CommitError, End, Log, LogError, Offset, Polled, Purpose, Reader, Receipt, Session, SessionConfig,
    TopicInfo, TopicPartition, TopicSpec, Writer,
};

pub trait Hooks: Send + Sync {
    /// May change what a poll told.
    fn polled(&self, _polled: &mut Vec<Polled>) {}

    /// May have a commit fail; its transaction is aborted then.
    fn committing(&self) -> Result<(), CommitError> {
        Ok(())
    }

    /// The group's offsets are asked for.
    fn asked_for_group(&self) {}

    /// May change the ends that were asked for, or have the question fail.
    fn answers_ends(&self, ends: Vec<Offset>) -> Result<Vec<Offset>, LogError> {
        Ok(ends)
    }
}

pub struct HookedLog<H>(pub Arc<dyn Log>, pub Arc<H>);

impl<H: Hooks + 'static> Log for HookedLog<H> {
    fn session(&self, config: SessionConfig) -> Result<Box<dyn Session>, LogError> {
        Ok(Box::new(HookedSession(self.0.session(config)?, self.1.clone())))
    }

    fn reader_for(&self, purpose: Purpose) -> Result<Box<dyn Reader>, LogError> {
        self.0.reader_for(purpose)
    }

    fn writer(&self) -> Result<Arc<dyn Writer>, LogError> {
        self.0.writer()
    }

    fn admin(&self) -> Arc<dyn Admin> {
        Arc::new(HookedAdmin(self.0.admin(), self.1.clone()))
    }
}

struct HookedSession<H>(Box<dyn Session>, Arc<H>);

impl<H: Hooks> Session for HookedSession<H> {
    fn poll(&mut self, timeout: Duration) -> Result<Vec<Polled>, LogError> {
        let mut polled = self.0.poll(timeout)?;
        self.1.polled(&mut polled);
        Ok(polled)
    }

    fn start_at(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        self.0.start_at(positions)
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.0.pause(partitions)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.0.resume(partitions)
    }

    fn release(&mut self) -> Result<(), LogError> {
        self.0.release()
    }

    fn committed(&mut self, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError> {
        self.1.asked_for_group();
        self.0.committed(partitions)
    }

    fn append(&mut self, records: Vec<Append>) -> Result<(), LogError> {
        self.0.append(records)
    }

    fn commit(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<Receipt, CommitError> {
        if let Err(refused) = self.1.committing() {
            self.0.abort().map_err(|error| CommitError::Aborted(error.to_string()))?;
            return Err(refused);
        }
        self.0.commit(positions)
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.0.abort()
    }

    fn recover(&mut self) -> Result<(), LogError> {
        self.0.recover()
    }

    fn leave(self: Box<Self>) -> Result<(), LogError> {
        self.0.leave()
    }
}

struct HookedAdmin<H>(Arc<dyn Admin>, Arc<H>);

impl<H: Hooks> Admin for HookedAdmin<H> {
    fn create(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        self.0.create(topics)
    }

    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        self.0.topics()
    }

    fn ends(&self, partitions: &[TopicPartition], which: End) -> Result<Vec<Offset>, LogError> {
        self.1.answers_ends(self.0.ends(partitions, which)?)
    }

    fn beginnings(&self, partitions: &[TopicPartition]) -> Result<Vec<Offset>, LogError> {
        self.0.beginnings(partitions)
    }

    fn initialise_group(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        self.0.initialise_group(group, positions)
    }

    fn group_offsets(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError> {
        self.0.group_offsets(group, partitions)
    }
}
