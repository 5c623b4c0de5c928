//! The topic behind the registry.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::executor::block_on;
use tradewind_topics::{Append, Cleanup, End, Log, LogError, Millis, Reader, Start, TopicPartition, TopicSpec, Writer};

use super::{
    fault::{Fault, OpenError},
    record::Entry,
    tables::Tables,
};

/// Nothing here is ever deleted, so tombstones are none of ours and need not last.
const CLEANUP: Cleanup = Cleanup::Compact { tombstones_for: Duration::from_secs(24 * 3600) };

pub struct Journal {
    log: Arc<dyn tradewind_topics::Admin>,
    partition: TopicPartition,
    reader: Box<dyn Reader>,
    writer: Arc<dyn Writer>,
    /// An append failed: whether its record is there is not known until the topic is read.
    behind: bool,
}

impl Journal {
    pub fn open(log: &dyn Log, topic: &str) -> Result<Self, OpenError> {
        let unusable = |cause| OpenError::Log { topic: topic.to_owned(), cause };
        let admin = log.admin();
        admin.create(&[TopicSpec { name: topic.into(), partitions: 1, cleanup: CLEANUP }]).map_err(unusable)?;
        let partition = TopicPartition::new(topic, 0);
        let mut reader = log.reader().map_err(unusable)?;
        reader.assign(&[(partition.clone(), Start::Beginning)]).map_err(unusable)?;
        let writer = log.writer().map_err(unusable)?;
        Ok(Self { log: admin, partition, reader, writer, behind: true })
    }

    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Reads what was not read yet, to the end that the topic has now.
    pub fn catch_up(&mut self, tables: &mut Tables) -> Result<(), OpenError> {
        let topic = self.partition.topic.clone();
        let unusable = |cause| OpenError::Log { topic: topic.to_string(), cause };
        let end = self.log.end(&self.partition, End::Written).map_err(unusable)?;
        while self.reader.position(&self.partition).map_err(unusable)? < end {
            for record in self.reader.poll(Duration::from_millis(200)).map_err(unusable)? {
                let entry = Entry::decode(&record).and_then(|entry| entry.map_or(Ok(()), |entry| tables.apply(entry)));
                entry.map_err(|what| OpenError::Foreign {
                    partition: record.source.clone(),
                    offset: record.offset,
                    what,
                })?;
            }
        }
        self.behind = false;
        Ok(())
    }

    /// Writes an entry; when this answers, it is durable.
    pub fn append(&mut self, entry: &Entry) -> Result<(), Fault> {
        let (key, value) = entry.encode().map_err(|error| Fault::InvalidSchema(error.to_string()))?;
        let record = Append {
            to: self.partition.clone(),
            timestamp: now(),
            key: Some(key.into()),
            value: Some(value.into()),
            headers: Vec::new(),
        };
        self.behind = true;
        let written = block_on(self.writer.append(record));
        // One that was too large was never tried.
        self.behind = !matches!(written, Ok(_) | Err(LogError::TooLarge { .. }));
        written.map(|_| ()).map_err(Fault::from)
    }
}

#[expect(clippy::disallowed_methods, reason = "a record of the registry's own carries the time it was written at")]
fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Millis)
}
