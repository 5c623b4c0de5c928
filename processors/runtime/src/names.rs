//! The physical names of one stage's topics.

use std::{collections::HashMap, sync::Arc};

use tradewind_state::StateError;
use tradewind_topics::{LogError, TopicPartition};

use crate::{driver::WorkerError, task::Refusal};

/// How a run calls its topics, and how many partitions each has.
#[derive(Clone, Debug)]
pub struct Layout {
    pub namespace: Arc<str>,
    /// By name without the namespace.
    topics: Arc<HashMap<String, Topic>>,
}

#[derive(Debug)]
struct Topic {
    physical: Arc<str>,
    partitions: u32,
}

impl Layout {
    /// `partitions` by name without the namespace.
    pub fn new(namespace: &str, partitions: HashMap<String, u32>) -> Self {
        let topic = |(name, partitions)| {
            let physical = format!("{namespace}.{name}").into();
            (name, Topic { physical, partitions })
        };
        Self { namespace: namespace.into(), topics: Arc::new(partitions.into_iter().map(topic).collect()) }
    }

    pub fn physical(&self, topic: &str) -> Arc<str> {
        match self.topics.get(topic) {
            Some(known) => known.physical.clone(),
            None => format!("{}.{topic}", self.namespace).into(),
        }
    }

    /// What a topic is called on the log, and how many partitions it has; `None` where the run has no such topic.
    pub fn topic(&self, name: &str) -> Option<(Arc<str>, u32)> {
        self.topics.get(name).map(|topic| (topic.physical.clone(), topic.partitions))
    }

    /// How many partitions a topic has; `None` where the run has no such topic.
    pub fn partitions(&self, topic: &str) -> Option<u32> {
        self.topics.get(topic).map(|topic| topic.partitions)
    }
}

/// The names that a stage's worker uses all the time.
#[derive(Clone, Debug)]
pub struct Names {
    pub layout: Layout,
    pub stage: String,
    source: Arc<str>,
    changelog: Arc<str>,
}

impl Names {
    pub fn new(layout: Layout, stage: &str, source: &str) -> Self {
        let (source, changelog) = (layout.physical(source), layout.physical(&changelog(stage)));
        Self { layout, stage: stage.to_owned(), source, changelog }
    }

    pub fn source(&self, partition: u32) -> TopicPartition {
        TopicPartition::new(self.source.clone(), partition)
    }

    pub fn changelog(&self, partition: u32) -> TopicPartition {
        TopicPartition::new(self.changelog.clone(), partition)
    }

    /// The consumer group of a stage.
    pub fn group(&self) -> Arc<str> {
        self.layout.physical(&self.stage)
    }

    pub(crate) fn refusal(&self, partition: u32, refusal: &Refusal) -> String {
        let (source, changelog) = (self.source(partition), self.changelog(partition));
        let (stage, group) = (&self.stage, self.group());
        format!("task {source} of stage {stage} (group {group}, changelog {changelog}) refuses to run: {refusal}")
    }

    /// Offsets that a task needs and that are not there mean that somebody has deleted records.
    pub(crate) fn explained(&self, error: WorkerError) -> WorkerError {
        let WorkerError::Log(LogError::OffsetOutOfRange { partition, offset }) = error else { return error };
        let refusal = Refusal::Deleted { from: offset, of: partition.to_string() };
        WorkerError::Halted(self.refusal(partition.partition, &refusal))
    }

    /// What to say when a task's store cannot be written.
    pub(crate) fn disk_fault(&self, partition: u32, fault: &StateError) -> String {
        let changelog = self.changelog(partition);
        format!(
            "{fault}. Nothing acknowledged is lost: what the store lacks is in the changelog {changelog}. Mend the disk and start again."
        )
    }
}

/// A stage's changelog, without the namespace.
pub fn changelog(stage: &str) -> String {
    format!("{stage}.changelog")
}

/// Where records of a topic go that cannot be processed, without the namespace.
pub fn dead_letters(topic: &str) -> String {
    format!("{topic}.dlq")
}
