//! The topics there are, and where their partitions begin and end.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use rocksdb::WriteBatch;
use serde::{Deserialize, Serialize};

use super::{
    alarm::Alarm,
    keys::{Note, PartitionId, read_offset},
    rocks::Rocks,
    tail::Tail,
};
use crate::{Cleanup, LogError, Offset, TopicInfo, TopicPartition, TopicSpec};

const PREFIX: &[u8] = b"topic/";
const PREFIX_END: &[u8] = b"topic0";

/// One partition: its bounds, and those who wait for more of it.
pub struct Partition {
    pub name: TopicPartition,
    pub id: PartitionId,
    beginning: AtomicI64,
    end: AtomicI64,
    /// Written under the commit lock only.
    tail: Mutex<Tail>,
    watchers: Mutex<Vec<Arc<Alarm>>>,
}

impl Partition {
    pub fn new(topic: &Arc<str>, topic_number: u32, partition: u32) -> Self {
        Self {
            name: TopicPartition::new(topic.clone(), partition),
            id: PartitionId { topic: topic_number, partition },
            beginning: AtomicI64::new(0),
            end: AtomicI64::new(0),
            tail: Mutex::default(),
            watchers: Mutex::default(),
        }
    }

    pub fn beginning(&self) -> Offset {
        self.beginning.load(Ordering::Acquire)
    }

    pub fn end(&self) -> Offset {
        self.end.load(Ordering::Acquire)
    }

    pub fn tail(&self) -> Tail {
        *self.tail.lock()
    }

    /// What is below is gone, or is about to go.
    pub fn begin_at(&self, offset: Offset) {
        self.beginning.store(offset, Ordering::Release);
    }

    /// Shows what was committed.
    pub fn publish(&self, tail: Tail) {
        *self.tail.lock() = tail;
        self.end.store(tail.next, Ordering::Release);
    }

    /// Wakes those who wait for what was committed.
    pub fn ring(&self) {
        for watcher in self.watchers.lock().iter() {
            watcher.ring();
        }
    }

    pub fn watch(&self, alarm: &Arc<Alarm>) {
        self.watchers.lock().push(alarm.clone());
    }

    pub fn unwatch(&self, alarm: &Arc<Alarm>) {
        let mut watchers = self.watchers.lock();
        if let Some(at) = watchers.iter().position(|watcher| Arc::ptr_eq(watcher, alarm)) {
            watchers.swap_remove(at);
        }
    }

    fn load(&self, rocks: &Rocks) -> Result<(), LogError> {
        let note = |note| rocks.get(rocks.positions(), &self.id.note(note));
        if let Some(value) = note(Note::Beginning)? {
            let beginning = read_offset(&value).ok_or_else(|| rocks.nonsense(format!("beginning of {}", self.name)))?;
            self.begin_at(beginning);
        }
        if let Some(value) = note(Note::Tail)? {
            self.publish(Tail::decode(&value).ok_or_else(|| rocks.nonsense(format!("end of {}", self.name)))?);
        }
        Ok(())
    }
}

/// One topic.
pub struct Topic {
    pub name: Arc<str>,
    pub cleanup: Cleanup,
    pub partitions: Vec<Arc<Partition>>,
    id: Arc<str>,
    number: u32,
}

/// How a topic is stored, under its name.
#[derive(Serialize, Deserialize)]
struct Stored {
    number: u32,
    id: String,
    partitions: u32,
    cleanup: StoredCleanup,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredCleanup {
    DeleteAfterMillis(u64),
    Keep,
    CompactKeepingTombstonesForMillis(u64),
}

impl From<Cleanup> for StoredCleanup {
    fn from(cleanup: Cleanup) -> Self {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match cleanup {
            Cleanup::Delete { after } => Self::DeleteAfterMillis(millis(after)),
            Cleanup::Keep => Self::Keep,
            Cleanup::Compact { tombstones_for } => Self::CompactKeepingTombstonesForMillis(millis(tombstones_for)),
        }
    }
}

impl From<StoredCleanup> for Cleanup {
    fn from(stored: StoredCleanup) -> Self {
        match stored {
            StoredCleanup::DeleteAfterMillis(millis) => Self::Delete { after: Duration::from_millis(millis) },
            StoredCleanup::Keep => Self::Keep,
            StoredCleanup::CompactKeepingTombstonesForMillis(millis) => {
                Self::Compact { tombstones_for: Duration::from_millis(millis) }
            }
        }
    }
}

/// All topics.
#[derive(Default)]
pub struct Topics {
    by_name: RwLock<HashMap<Arc<str>, Arc<Topic>>>,
}

impl Topics {
    pub fn get(&self, name: &str) -> Result<Arc<Topic>, LogError> {
        self.by_name.read().get(name).cloned().ok_or_else(|| LogError::UnknownTopic(name.to_owned()))
    }

    pub fn partition(&self, partition: &TopicPartition) -> Result<Arc<Partition>, LogError> {
        let topics = self.by_name.read();
        topics
            .get(&partition.topic)
            .and_then(|topic| topic.partitions.get(partition.partition as usize))
            .cloned()
            .ok_or_else(|| LogError::UnknownTopic(partition.to_string()))
    }

    pub fn all(&self) -> Vec<Arc<Topic>> {
        let mut all: Vec<_> = self.by_name.read().values().cloned().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    pub fn infos(&self) -> Vec<TopicInfo> {
        let info = |topic: &Arc<Topic>| TopicInfo {
            name: topic.name.clone(),
            partitions: topic.partitions.len() as u32,
            id: topic.id.clone(),
        };
        self.all().iter().map(info).collect()
    }

    /// Takes over what the store says. Partitions known already stay the same objects, so their watchers stay too.
    pub fn load(&self, rocks: &Rocks) -> Result<(), LogError> {
        let mut rows = rocks.range(rocks.meta(), PREFIX, PREFIX_END);
        while let Some((key, value)) = rows.item() {
            let name = std::str::from_utf8(&key[PREFIX.len()..]).map_err(|_| rocks.nonsense("a topic's name"))?;
            let stored: Stored =
                serde_json::from_slice(value).map_err(|error| rocks.nonsense(format!("topic {name} ({error})")))?;
            let topic = match self.get(name) {
                Ok(known) => known,
                Err(_) => self.add(name.into(), stored),
            };
            for partition in &topic.partitions {
                partition.load(rocks)?;
            }
            rows.next();
        }
        rocks.ended(&rows)
    }

    #[cfg(test)]
    pub fn with(name: &str, partitions: u32) -> Self {
        let topics = Self::default();
        topics.add(name.into(), Stored { number: 0, id: "id".into(), partitions, cleanup: StoredCleanup::Keep });
        topics
    }

    fn add(&self, name: Arc<str>, stored: Stored) -> Arc<Topic> {
        let partitions =
            (0..stored.partitions).map(|number| Arc::new(Partition::new(&name, stored.number, number))).collect();
        let topic = Arc::new(Topic {
            name: name.clone(),
            cleanup: stored.cleanup.into(),
            partitions,
            id: stored.id.into(),
            number: stored.number,
        });
        self.by_name.write().insert(name, topic.clone());
        topic
    }

    /// Puts into the batch those of the topics that are not there. They count once the batch was written and
    /// [`load`](Self::load)ed.
    pub fn prepare(&self, specs: &[TopicSpec], rocks: &Rocks, batch: &mut WriteBatch) -> Result<(), LogError> {
        let known = self.by_name.read();
        let mut next = known.values().map(|topic| topic.number + 1).max().unwrap_or(0);
        let mut new: HashMap<&str, u32> = HashMap::new();
        for spec in specs {
            if spec.name.is_empty() || spec.partitions == 0 {
                return Err(LogError::Misuse(format!("topic {:?} needs a name and a partition", spec.name)));
            }
            let there = known.get(&spec.name).map(|topic| topic.partitions.len() as u32);
            match there.or_else(|| new.get(&*spec.name).copied()) {
                Some(there) if there == spec.partitions => continue,
                Some(there) => {
                    return Err(LogError::PartitionCount { name: spec.name.clone(), there, wanted: spec.partitions });
                }
                None => {}
            }
            let stored = Stored {
                number: next,
                id: uuid::Uuid::now_v7().to_string(),
                partitions: spec.partitions,
                cleanup: spec.cleanup.into(),
            };
            let value = serde_json::to_vec(&stored).map_err(|error| LogError::Misuse(error.to_string()))?;
            batch.put_cf(rocks.meta(), [PREFIX, spec.name.as_bytes()].concat(), value);
            new.insert(&spec.name, spec.partitions);
            next += 1;
        }
        Ok(())
    }
}
