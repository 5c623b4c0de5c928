//! Reading without a group.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{engine::Engine, fetch::Fetcher, tail};
use crate::{LogError, Offset, Reader, Record, Start, TopicPartition};

/// Records in one answer.
const MOST: usize = 10_000;

pub struct EmbeddedReader {
    engine: Arc<Engine>,
    fetcher: Fetcher,
}

impl EmbeddedReader {
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, fetcher: Fetcher::new() }
    }
}

impl Reader for EmbeddedReader {
    fn assign(&mut self, partitions: &[(TopicPartition, Start)]) -> Result<(), LogError> {
        self.fetcher.stop_all();
        for (name, start) in partitions {
            let partition = self.engine.topics.partition(name)?;
            let position = match start {
                Start::Beginning => partition.beginning(),
                Start::Offset(offset) => *offset,
                Start::Timestamp(time) => self.engine.read(|rocks| tail::first_at(&partition, *time, rocks))?,
                Start::End => partition.end(),
            };
            self.fetcher.start(partition, position)?;
        }
        Ok(())
    }

    fn poll(&mut self, timeout: Duration) -> Result<Vec<Record>, LogError> {
        let deadline = Instant::now() + timeout;
        loop {
            let fetched = self.fetcher.fetch(&self.engine, MOST)?;
            // A move over a gap is something that the caller may be waiting for.
            if fetched.moved || Instant::now() >= deadline {
                return Ok(fetched.records);
            }
            self.fetcher.alarm.wait_until(deadline);
        }
    }

    fn position(&mut self, partition: &TopicPartition) -> Result<Offset, LogError> {
        self.fetcher
            .position(partition)
            .ok_or_else(|| LogError::Misuse(format!("the position of {partition}, which this reader was not assigned")))
    }
}
