//! A replicated table: a compacted topic, whole in this process, with types.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc, time::Duration};

use parking_lot::RwLock;
use tradewind_schemas::{Contract, Key};
use tradewind_topics::{Log, LogError, Offset, Record, Topic, partition_of};

use crate::{
    codecs::Codecs,
    names::Layout,
    reading,
    replica::{Replica, ReplicaError},
    stage::Failure,
};

/// A table that every process that wants it has whole, and asks without a hop: the last value of each key of a compacted
/// topic. Each of its partitions is at a position of its own, and known.
///
/// It is for edges, connectors and other readers. What a stage decides depends on its own partition only, so that it can
/// be done again: it has no such table.
pub struct Replicated<K, V> {
    rows: Arc<RwLock<Rows<V>>>,
    replica: Replica,
    partitions: u32,
    keys: PhantomData<fn(K)>,
}

struct Rows<V> {
    by_key: BTreeMap<String, Arc<V>>,
    /// By partition: what is below this is in.
    positions: Vec<Offset>,
}

impl<K: Key + 'static, V: Contract> Replicated<K, V> {
    /// Begins to follow a topic, on a thread of its own.
    ///
    /// # Errors
    /// Where the run has no such topic, the log gives no reader, or the process no thread.
    pub fn follow(log: &Arc<dyn Log>, layout: &Layout, topic: Topic<K, V>, codecs: Codecs) -> Result<Self, LogError> {
        let (name, partitions) =
            layout.topic(topic.name).ok_or_else(|| LogError::UnknownTopic(topic.name.to_owned()))?;
        let rows = Rows { by_key: BTreeMap::new(), positions: vec![0; partitions as usize] };
        let rows = Arc::new(RwLock::new(rows));
        let filled = rows.clone();
        let apply = move |record: &Record| {
            let read = reading::row(&codecs, topic, record);
            let mut rows = filled.write();
            // One that is passed over is behind it, too.
            if let Some(position) = rows.positions.get_mut(record.source.partition as usize)
                && !matches!(read, Err(Failure::Environment(_)))
            {
                *position = record.after();
            }
            let (payload, around) = read?;
            match payload {
                Some(payload) => _ = rows.by_key.insert(around.key, Arc::new(payload)),
                None => _ = rows.by_key.remove(&around.key),
            }
            Ok(())
        };
        let replica = Replica::follow(log, name, partitions, Box::new(apply))?;
        Ok(Self { rows, replica, partitions, keys: PhantomData })
    }

    /// What the table has under a key now, and up to where it has read that key's partition, exclusive.
    pub fn get(&self, key: &K) -> (Option<Arc<V>>, Offset) {
        let (text, rows) = (key.text(), self.rows.read());
        let partition = partition_of(text.as_bytes(), self.partitions) as usize;
        let position = rows.positions.get(partition).copied().unwrap_or_default();
        (rows.by_key.get(&text).cloned(), position)
    }

    /// Looks at all rows, in order of their keys as text, and at the positions of the partitions: one cut.
    pub fn look<T>(&self, at: impl FnOnce(&BTreeMap<String, Arc<V>>, &[Offset]) -> T) -> T {
        let rows = self.rows.read();
        at(&rows.by_key, &rows.positions)
    }

    /// Waits until everything is there that the topic holds now.
    ///
    /// # Errors
    /// `Behind` after 2 s, `Unavailable` where the log does not say how far that is.
    pub async fn catch_up(&self) -> Result<(), ReplicaError> {
        self.replica.catch_up().await
    }

    /// Waits until everything below this position of this partition is there.
    ///
    /// # Errors
    /// `Behind` after 2 s.
    pub async fn reach(&self, partition: u32, position: Offset) -> Result<(), ReplicaError> {
        self.replica.reach(partition, position).await
    }

    /// It has all that the topic held so long ago; `None` while it never had all.
    pub fn lag(&self) -> Option<Duration> {
        self.replica.lag()
    }

    /// Ends the thread that follows, and waits for it.
    pub fn stop(&self) {
        self.replica.stop();
    }
}

impl<K, V> Drop for Replicated<K, V> {
    fn drop(&mut self) {
        self.replica.stop();
    }
}
