//! What differs between the two workloads: their topics, their stages, their input, and where an output says which
//! record led to it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use clap::ValueEnum;
use tradewind_runtime::{Layout, Names, Stage, changelog, dead_letters};
use tradewind_topics::{Cleanup, Log, LogError, TopicPartition, TopicSpec};

use super::{
    ledger::{self, Ledger},
    progress::Progress,
    shuffle::{self, Aggregate, Match},
    wire::PARTITIONS,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Commands to SKUs, an event each, and a hash chain under each SKU.
    Ledger,
    /// Records without a key, matched with a rule each, and aggregated by rule behind a repartition topic.
    Shuffle,
}

impl Workload {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ledger => ledger::STAGE,
            Self::Shuffle => "shuffle",
        }
    }

    pub fn input(self) -> &'static str {
        match self {
            Self::Ledger => ledger::COMMANDS,
            Self::Shuffle => shuffle::IN,
        }
    }

    pub fn output(self) -> &'static str {
        match self {
            Self::Ledger => ledger::EVENTS,
            Self::Shuffle => shuffle::OUT,
        }
    }

    /// The stage that keeps the state.
    pub fn stateful(self) -> &'static str {
        match self {
            Self::Ledger => ledger::STAGE,
            Self::Shuffle => shuffle::AGGREGATE,
        }
    }

    /// Records of a drain, where nobody says how many.
    pub fn records(self) -> u64 {
        match self {
            Self::Ledger => 1_000_000,
            Self::Shuffle => 500_000,
        }
    }

    /// Where an output has the number of the input record that it belongs to.
    pub fn seq_at(self) -> usize {
        match self {
            Self::Ledger => 0,
            Self::Shuffle => shuffle::LAST_SEQ,
        }
    }

    /// In the order in which records pass through them.
    pub fn stages(self, keys: u64, progress: &Arc<Progress>) -> Vec<Arc<dyn Stage>> {
        match self {
            Self::Ledger => vec![Arc::new(Ledger::new(progress.clone()))],
            Self::Shuffle => {
                vec![Arc::new(Match::new(keys, progress.clone())), Arc::new(Aggregate::new(progress.clone()))]
            }
        }
    }

    fn topics(self) -> Vec<(String, Cleanup)> {
        let compact = Cleanup::Compact { tombstones_for: Duration::from_secs(24 * 3600) };
        let mut topics = vec![(self.output().to_owned(), Cleanup::Keep)];
        for stage in self.stages(1, &Progress::new()) {
            topics.push((stage.source().to_owned(), Cleanup::Keep));
            topics.push((changelog(stage.name()), compact));
            topics.push((dead_letters(stage.source()), Cleanup::Keep));
        }
        topics
    }

    /// How a run with this namespace calls its topics.
    pub fn layout(self, namespace: &str) -> Layout {
        let partitions: HashMap<_, _> = self.topics().into_iter().map(|(name, _)| (name, PARTITIONS)).collect();
        Layout::new(namespace, partitions)
    }

    /// Creates the topics of a run, and gives its groups their first offsets.
    pub fn prepare(self, log: &dyn Log, namespace: &str) -> Result<(), LogError> {
        let layout = self.layout(namespace);
        let spec =
            |(name, cleanup): (String, _)| TopicSpec { name: layout.physical(&name), partitions: PARTITIONS, cleanup };
        let admin = log.admin();
        admin.create(&self.topics().into_iter().map(spec).collect::<Vec<_>>())?;
        for stage in self.stages(1, &Progress::new()) {
            let names = Names::new(layout.clone(), stage.name(), stage.source());
            let first: Vec<_> = (0..PARTITIONS).map(|partition| (names.source(partition), 0)).collect();
            admin.initialise_group(&names.group(), &first)?;
        }
        Ok(())
    }
}

/// All partitions of a topic of this run.
pub fn partitions(layout: &Layout, topic: &str) -> Vec<TopicPartition> {
    let name = layout.physical(topic);
    (0..PARTITIONS).map(|partition| TopicPartition::new(name.clone(), partition)).collect()
}
