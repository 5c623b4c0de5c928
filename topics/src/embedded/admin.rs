//! Topics and groups from the outside.

use std::sync::Arc;

use super::{
    engine::Engine,
    keys::{offset_value, read_offset},
    rocks::Rocks,
};
use crate::{Admin, End, LogError, Offset, TopicInfo, TopicPartition, TopicSpec};

pub struct EmbeddedAdmin {
    engine: Arc<Engine>,
}

impl EmbeddedAdmin {
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

/// The group's offsets, once no commit is under way.
pub fn settled_offsets(
    engine: &Engine,
    group: &str,
    partitions: &[TopicPartition],
) -> Result<Vec<Option<Offset>>, LogError> {
    engine.read_settled(|rocks| {
        partitions.iter().map(|partition| group_offset(engine, rocks, group, partition)).collect()
    })
}

fn group_offset(
    engine: &Engine,
    rocks: &Rocks,
    group: &str,
    partition: &TopicPartition,
) -> Result<Option<Offset>, LogError> {
    let key = engine.topics.partition(partition)?.id.position(group);
    let value = rocks.get(rocks.positions(), &key)?;
    let nonsense = || rocks.nonsense(format!("the offset of group {group} for {partition}"));
    value.map(|value| read_offset(&value).ok_or_else(nonsense)).transpose()
}

impl Admin for EmbeddedAdmin {
    fn create(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        let registry = &self.engine.topics;
        self.engine.write(|rocks, batch| registry.prepare(topics, rocks, batch), |rocks, ()| registry.load(rocks))
    }

    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        Ok(self.engine.topics.infos())
    }

    /// Records here are decided when they are written, so both ends are one.
    fn ends(&self, partitions: &[TopicPartition], _which: End) -> Result<Vec<Offset>, LogError> {
        partitions.iter().map(|partition| Ok(self.engine.topics.partition(partition)?.end())).collect()
    }

    fn beginnings(&self, partitions: &[TopicPartition]) -> Result<Vec<Offset>, LogError> {
        partitions.iter().map(|partition| Ok(self.engine.topics.partition(partition)?.beginning())).collect()
    }

    fn initialise_group(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        self.engine.write(
            |rocks, batch| {
                for (partition, offset) in positions {
                    if group_offset(&self.engine, rocks, group, partition)?.is_none() {
                        let key = self.engine.topics.partition(partition)?.id.position(group);
                        batch.put_cf(rocks.positions(), key, offset_value(*offset));
                    }
                }
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }

    fn group_offsets(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError> {
        settled_offsets(&self.engine, group, partitions)
    }
}
