//! Topics and tasks in memory: stages run over them record by record, in the order that a test chooses, commit when it
//! says so, and crash back to their last commit, from which their state comes back by the changelog.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::Arc,
};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tradewind_runtime::{Codecs, Failure, Output, Place, STORES, Stage};
use tradewind_schemas::{
    Actor, Codec, Contract, Envelope, Key, MessageId, RowKey, SchemaSource, SchemaSourceError, Timestamp, View,
};
use tradewind_state::{Checkpoint, Range, StoreId, TaskState, model::ModelDisk};
use tradewind_topics::{Record, Topic, TopicPartition, partition_of};
use uuid::Uuid;

pub const PARTITIONS: u32 = 2;
/// The store of views.
const VIEWS: StoreId = 2;

/// Nobody has written with another schema than ours.
pub struct NoOthers;

impl SchemaSource for NoOthers {
    fn schema(&self, id: u32) -> Result<String, SchemaSourceError> {
        Err(SchemaSourceError::NotFound(id))
    }
}

pub fn codec<K, P: Contract>(codecs: Codecs, topic: Topic<K, P>, id: u32) -> Codecs {
    codecs.with(topic.name, Codec::<P>::new(topic.name, id, Arc::new(NoOthers)).expect("a codec"))
}

/// A record's envelope, as a producer of the platform writes it.
pub fn envelope<P: Contract>(key: &str, at: i64, payload: P) -> Envelope<P> {
    let id = MessageId::derived(Uuid::NAMESPACE_OID, &format!("{key} {at}"));
    Envelope {
        id,
        key: key.to_owned(),
        subject_id: None,
        causation_id: None,
        correlation_id: id,
        actor: Actor::service("test"),
        at: Timestamp::from_millis(at),
        request: None,
        cause: None,
        payload,
    }
}

/// One partition of a stage.
struct Task {
    state: TaskState,
    /// How many records of its source it has taken, and how many of them are committed.
    taken: usize,
    committed: usize,
    outputs: Vec<(TopicPartition, Record)>,
    put_aside: Vec<String>,
    changelog: Vec<(StoreId, Bytes, Option<Bytes>)>,
}

pub struct World {
    codecs: Codecs,
    stages: Vec<Arc<dyn Stage>>,
    topics: HashMap<TopicPartition, Vec<Record>>,
    tasks: BTreeMap<(usize, u32), Task>,
    pub dead_letters: Vec<String>,
}

fn empty() -> TaskState {
    let store = ModelDisk::new().open(&STORES).expect("an empty model opens");
    TaskState::new(Arc::new(store)).expect("an empty model can be read")
}

impl World {
    pub fn new(codecs: Codecs, stages: Vec<Arc<dyn Stage>>) -> Self {
        let places = (0..stages.len()).flat_map(|stage| (0..PARTITIONS).map(move |partition| (stage, partition)));
        let task = || Task {
            state: empty(),
            taken: 0,
            committed: 0,
            outputs: Vec::new(),
            put_aside: Vec::new(),
            changelog: Vec::new(),
        };
        let tasks = places.map(|place| (place, task())).collect();
        Self { codecs, stages, topics: HashMap::new(), tasks, dead_letters: Vec::new() }
    }

    pub fn write<K: Key, P: Contract>(&mut self, topic: Topic<K, P>, key: &K, at: i64, payload: P) {
        let value = self.codecs.of::<P>(topic.name).expect("its codec").encode(&envelope(&key.text(), at, payload));
        self.append(topic.name, &key.text(), at, Some(value.expect("a record").into()));
    }

    /// A record without a value.
    pub fn erase<K: Key, P>(&mut self, topic: Topic<K, P>, key: &K, at: i64) {
        self.append(topic.name, &key.text(), at, None);
    }

    fn append(&mut self, topic: &str, key: &str, timestamp: i64, value: Option<Bytes>) {
        let source = TopicPartition::new(topic, partition_of(key.as_bytes(), PARTITIONS));
        let (key, headers) = (Some(Bytes::from(key.to_owned())), Vec::new());
        self.push(source.clone(), Record { source, offset: 0, timestamp, key, value, headers });
    }

    /// At the end of its partition. Offsets have gaps.
    fn push(&mut self, to: TopicPartition, record: Record) {
        let records = self.topics.entry(to.clone()).or_default();
        let offset = records.last().map_or(0, |last| last.offset + 1 + i64::from(last.offset % 3 == 0));
        records.push(Record { source: to, offset, ..record });
    }

    /// A task takes its next record, if there is one.
    pub fn take(&mut self, stage: usize, partition: u32) -> bool {
        let (the_stage, task) = (&self.stages[stage], self.tasks.get_mut(&(stage, partition)).expect("a task"));
        let source = TopicPartition::new(the_stage.source(), partition);
        let Some(record) = self.topics.get(&source).and_then(|records| records.get(task.taken)) else { return false };
        let mut outputs = Vec::new();
        match the_stage.process(record, &mut task.state, &mut outputs) {
            Ok(()) => {
                task.state.accept();
                task.outputs.extend(outputs.into_iter().map(|output| placed(output, record)));
            }
            Err(Failure::Record(reason)) => {
                task.state.discard();
                task.put_aside.push(reason);
            }
            Err(Failure::Environment(why)) => panic!("the environment failed: {why}"),
        }
        task.taken += 1;
        true
    }

    /// What a task has done since its last commit is there for all.
    pub fn commit(&mut self, stage: usize, partition: u32) {
        let task = self.tasks.get_mut(&(stage, partition)).expect("a task");
        let changes =
            task.state.changes().map(|(store, key, value)| (store, Bytes::copy_from_slice(key), value.cloned()));
        task.changelog.extend(changes);
        task.state.commit(None, None, 0);
        task.committed = task.taken;
        self.dead_letters.append(&mut task.put_aside);
        for (to, record) in mem::take(&mut task.outputs) {
            self.push(to, record);
        }
    }

    /// A task's process dies: what is not committed is gone, and the state comes back from the changelog.
    pub fn crash(&mut self, stage: usize, partition: u32) {
        let task = self.tasks.get_mut(&(stage, partition)).expect("a task");
        task.state = empty();
        task.state.restore(task.changelog.clone(), Checkpoint::default());
        task.taken = task.committed;
        task.outputs.clear();
        task.put_aside.clear();
    }

    /// Everything that there is to do is done, and committed.
    pub fn settle(&mut self) {
        let places: Vec<_> = self.tasks.keys().copied().collect();
        loop {
            let mut quiet = true;
            for &(stage, partition) in &places {
                while self.take(stage, partition) {
                    quiet = false;
                }
                self.commit(stage, partition);
            }
            if quiet {
                return;
            }
        }
    }

    pub fn state(&self, stage: usize, partition: u32) -> &TaskState {
        &self.tasks[&(stage, partition)].state
    }

    /// How many rows a task has in all of its stores.
    pub fn rows(&self, stage: usize, partition: u32) -> usize {
        let state = self.state(stage, partition);
        let rows = |store: &StoreId| state.scan(*store, Range::prefix(&[]), usize::MAX).expect("rows").len();
        STORES.iter().map(rows).sum()
    }

    /// What a task shows of a view under a key.
    pub fn view<R: RowKey, V: DeserializeOwned>(&self, stage: usize, view: View<R, V>, key: &impl Key) -> Vec<V> {
        let state = self.state(stage, partition_of(key.text().as_bytes(), PARTITIONS));
        let key = key.text();
        let prefix = [&[view.table][..], &(key.len() as u16).to_be_bytes(), key.as_bytes()].concat();
        let rows = state.scan(VIEWS, Range::prefix(&prefix), usize::MAX).expect("rows");
        rows.iter().map(|(_, value)| postcard::from_bytes(&value[1..]).expect("a value")).collect()
    }

    /// How many records of a key a task has taken that are meant; a tombstone is.
    pub fn taken_of<P: Contract>(&self, stage: usize, key: &impl Key, is_meant: impl Fn(&P) -> bool) -> usize {
        let (key, topic) = (key.text(), self.stages[stage].source());
        let partition = partition_of(key.as_bytes(), PARTITIONS);
        let Some(records) = self.topics.get(&TopicPartition::new(topic, partition)) else { return 0 };
        let taken = records.iter().take(self.tasks[&(stage, partition)].taken);
        let codec = self.codecs.of::<P>(topic).expect("its codec");
        let read = taken
            .map(|record| read(codec, record))
            .filter(|(of, _, payload)| *of == key && payload.as_ref().is_none_or(&is_meant));
        read.count()
    }

    /// The first record of a topic.
    pub fn first<K, P>(&self, topic: Topic<K, P>) -> &Record {
        let mut partitions = (0..PARTITIONS).filter_map(|n| self.topics.get(&TopicPartition::new(topic.name, n)));
        partitions.find_map(|records| records.first()).expect("a record")
    }

    /// What lies on a topic, partition after partition: key, time, and payload or tombstone.
    pub fn read<K, P: Contract>(&self, topic: Topic<K, P>) -> Vec<(String, i64, Option<P>)> {
        let partitions = (0..PARTITIONS).map(|partition| TopicPartition::new(topic.name, partition));
        let codec = self.codecs.of::<P>(topic.name).expect("its codec");
        let records = partitions.filter_map(|partition| self.topics.get(&partition)).flatten();
        records.map(|record| read(codec, record)).collect()
    }
}

/// Key, time, and payload or tombstone.
pub fn read<P: Contract>(codec: &Codec<P>, record: &Record) -> (String, i64, Option<P>) {
    let key = String::from_utf8(record.key.as_ref().expect("a key").to_vec()).expect("text");
    let payload = record.value.as_ref().map(|value| codec.decode(value).expect("a record").payload);
    (key, record.timestamp, payload)
}

fn placed(output: Output, cause: &Record) -> (TopicPartition, Record) {
    let (partition, key) = match output.place {
        Place::Key(key) => (partition_of(&key, PARTITIONS), Some(key)),
        Place::Partition(partition) => (partition, None),
        Place::Same(key) => (cause.source.partition, key),
    };
    let to = TopicPartition::new(output.topic.as_ref(), partition);
    let record = Record {
        source: to.clone(),
        offset: 0,
        timestamp: output.timestamp.millis(),
        key,
        value: output.value,
        headers: output.headers,
    };
    (to, record)
}
