//! A reader for the executor's real restore: it hands out what the simulated log has been read for.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tradewind_topics::{LogError, Offset, Reader, Record, Start, TopicPartition};

#[derive(Default)]
pub struct Read {
    pub records: Vec<Record>,
    pub position: Offset,
}

/// Clones are the same one.
#[derive(Clone, Default)]
pub struct Feed(pub Arc<Mutex<Read>>);

impl Reader for Feed {
    fn assign(&mut self, _: &[(TopicPartition, Start)]) -> Result<(), LogError> {
        Err(LogError::Misuse("it reads what it is fed".to_owned()))
    }

    fn poll(&mut self, _: Duration) -> Result<Vec<Record>, LogError> {
        Ok(std::mem::take(&mut self.0.lock().records))
    }

    fn position(&mut self, _: &TopicPartition) -> Result<Offset, LogError> {
        Ok(self.0.lock().position)
    }
}
