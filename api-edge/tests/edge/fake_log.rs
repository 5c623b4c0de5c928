//! A log that remembers what was appended, and gives readers what a test published; as slowly as the test likes.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, ready};
use parking_lot::Mutex;
use tradewind_schemas::{Actor, Envelope, MessageId, Timestamp, catalog::CatalogEntry};
use tradewind_topics::{
    Admin, Append, End, Log, LogError, Offset, Purpose, Reader, Record, Session, SessionConfig, Start, TopicInfo,
    TopicPartition, TopicSpec, Writer, list, partition_of,
};
use uuid::Uuid;

use crate::fakes::codecs;

#[derive(Clone, Default)]
pub struct FakeLog {
    pub appended: Arc<Mutex<Vec<Append>>>,
    published: Arc<Mutex<Vec<Record>>>,
    held: Arc<AtomicBool>,
    broken: Arc<AtomicBool>,
}

impl FakeLog {
    /// As the catalogue's task would.
    pub fn publish(&self, entry: &CatalogEntry) {
        let key = match entry {
            CatalogEntry::ProductEntry { product } => product.id.to_string(),
            CatalogEntry::CategoryEntry { category } => category.id.to_string(),
        };
        let envelope = Envelope {
            id: MessageId::new(Uuid::now_v7()),
            key: key.clone(),
            subject_id: None,
            causation_id: None,
            correlation_id: MessageId::new(Uuid::now_v7()),
            actor: Actor::service("catalog"),
            at: Timestamp::from_millis(0),
            request: None,
            cause: None,
            payload: entry.clone(),
        };
        let value = codecs().of::<CatalogEntry>(list::CATALOG_PRODUCTS.name).unwrap().encode(&envelope).unwrap();
        let place = TopicPartition::new("test.catalog.products", partition_of(key.as_bytes(), 4));
        let mut published = self.published.lock();
        let offset = published.iter().filter(|record| record.source == place).count() as Offset;
        published.push(Record {
            source: place,
            offset,
            timestamp: 0,
            key: Some(key.into()),
            value: Some(value.into()),
            headers: Vec::new(),
        });
    }

    /// Readers get nothing more for now.
    pub fn hold_readers(&self, held: bool) {
        self.held.store(held, Ordering::SeqCst);
    }

    /// Readers fail.
    pub fn break_readers(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }
}

impl Log for FakeLog {
    fn session(&self, _: SessionConfig) -> Result<Box<dyn Session>, LogError> {
        Err(LogError::Misuse("an edge joins no group".into()))
    }
    fn reader_for(&self, _: Purpose) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(FakeReader { log: self.clone(), positions: HashMap::new() }))
    }
    fn writer(&self) -> Result<Arc<dyn Writer>, LogError> {
        Ok(Arc::new(self.clone()))
    }
    fn admin(&self) -> Arc<dyn Admin> {
        Arc::new(self.clone())
    }
}

impl Writer for FakeLog {
    fn append(&self, record: Append) -> BoxFuture<'static, Result<Offset, LogError>> {
        let mut appended = self.appended.lock();
        appended.push(record);
        Box::pin(ready(Ok(appended.len() as Offset - 1)))
    }
}

impl Admin for FakeLog {
    fn create(&self, _: &[TopicSpec]) -> Result<(), LogError> {
        Ok(())
    }
    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        Ok(Vec::new())
    }
    fn ends(&self, places: &[TopicPartition], _: End) -> Result<Vec<Offset>, LogError> {
        let published = self.published.lock();
        let written = |place: &TopicPartition| published.iter().filter(|record| record.source == *place).count();
        Ok(places.iter().map(|place| written(place) as Offset).collect())
    }
    fn beginnings(&self, places: &[TopicPartition]) -> Result<Vec<Offset>, LogError> {
        Ok(vec![0; places.len()])
    }
    fn initialise_group(&self, _: &str, _: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        Ok(())
    }
    fn group_offsets(&self, _: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError> {
        Ok(vec![None; partitions.len()])
    }
}

struct FakeReader {
    log: FakeLog,
    positions: HashMap<TopicPartition, Offset>,
}

impl Reader for FakeReader {
    fn assign(&mut self, starts: &[(TopicPartition, Start)]) -> Result<(), LogError> {
        let offset = |start: &Start| match start {
            Start::Offset(offset) => *offset,
            _ => 0,
        };
        self.positions = starts.iter().map(|(place, start)| (place.clone(), offset(start))).collect();
        Ok(())
    }

    fn poll(&mut self, timeout: Duration) -> Result<Vec<Record>, LogError> {
        if self.log.broken.load(Ordering::SeqCst) {
            return Err(LogError::Unavailable("broken for a test".into()));
        }
        let mut found = Vec::new();
        if !self.log.held.load(Ordering::SeqCst) {
            for record in self.log.published.lock().iter() {
                match self.positions.get_mut(&record.source) {
                    Some(position) if record.offset >= *position => {
                        *position = record.after();
                        found.push(record.clone());
                    }
                    _ => {}
                }
            }
        }
        if found.is_empty() {
            // As a reader without news does.
            std::thread::sleep(timeout);
        }
        Ok(found)
    }

    fn position(&mut self, place: &TopicPartition) -> Result<Offset, LogError> {
        Ok(self.positions.get(place).copied().unwrap_or_default())
    }
}
