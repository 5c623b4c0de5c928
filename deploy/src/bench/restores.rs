//! Sees when state is restored: a log whose readers note what they read. The runtime reads changelogs, and nothing
//! else, through them.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tradewind_runtime::now;
use tradewind_topics::{
    Admin, Log, LogError, Offset, Purpose, Reader, Record, Session, SessionConfig, Start, TopicPartition, Writer,
};

/// All that was read for restores so far: when the first began, when the last record came (milliseconds), and how
/// many there were.
#[derive(Clone, Copy, Default)]
pub struct Restored {
    pub from_ms: i64,
    pub to_ms: i64,
    pub records: u64,
}

/// The log that is given to the workers.
pub struct ObservedLog {
    log: Arc<dyn Log>,
    restored: Arc<Mutex<Restored>>,
}

impl ObservedLog {
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self { log, restored: Arc::default() }
    }

    pub fn restored(&self) -> Restored {
        *self.restored.lock()
    }
}

impl Log for ObservedLog {
    fn session(&self, config: SessionConfig) -> Result<Box<dyn Session>, LogError> {
        self.log.session(config)
    }

    fn reader_for(&self, purpose: Purpose) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(ObservedReader { reader: self.log.reader_for(purpose)?, restored: self.restored.clone() }))
    }

    fn writer(&self) -> Result<Arc<dyn Writer>, LogError> {
        self.log.writer()
    }

    fn admin(&self) -> Arc<dyn Admin> {
        self.log.admin()
    }
}

struct ObservedReader {
    reader: Box<dyn Reader>,
    restored: Arc<Mutex<Restored>>,
}

impl Reader for ObservedReader {
    fn assign(&mut self, partitions: &[(TopicPartition, Start)]) -> Result<(), LogError> {
        let mut restored = self.restored.lock();
        if restored.from_ms == 0 {
            restored.from_ms = now().millis();
        }
        drop(restored);
        self.reader.assign(partitions)
    }

    fn poll(&mut self, timeout: Duration) -> Result<Vec<Record>, LogError> {
        let records = self.reader.poll(timeout)?;
        if !records.is_empty() {
            let mut restored = self.restored.lock();
            restored.to_ms = now().millis();
            restored.records += records.len() as u64;
        }
        Ok(records)
    }

    fn position(&mut self, partition: &TopicPartition) -> Result<Offset, LogError> {
        self.reader.position(partition)
    }
}
