//! A consumer group: a stage, who runs it, and who holds which partition.

use std::{collections::BTreeMap, sync::Arc};

use tradewind_runtime::{Layout, Names, Stage};

use crate::member::MemberId;

pub struct Group {
    pub names: Names,
    /// `None` where the members are no workers.
    pub stage: Option<Arc<dyn Stage>>,
    /// Whether a record put aside holds back its key.
    pub parks: bool,
    pub partitions: u32,
    /// Who holds which partition of the source, in the group's present generation.
    pub owners: BTreeMap<u32, MemberId>,
    /// How often each has been given to somebody: what a generation is to a partition.
    pub grants: BTreeMap<u32, u64>,
}

impl Group {
    pub fn of_stage(layout: &Layout, stage: Arc<dyn Stage>, parks: bool) -> Self {
        let names = Names::new(layout.clone(), stage.name(), stage.source());
        let partitions = layout.partitions(stage.source()).unwrap_or_default();
        Self { names, stage: Some(stage), parks, partitions, owners: BTreeMap::new(), grants: BTreeMap::new() }
    }

    /// One whose members read a topic without being workers.
    pub fn of_topic(layout: &Layout, name: &str, source: &str) -> Self {
        let names = Names::new(layout.clone(), name, source);
        let partitions = layout.partitions(source).unwrap_or_default();
        Self { names, stage: None, parks: false, partitions, owners: BTreeMap::new(), grants: BTreeMap::new() }
    }

    pub fn drop_member(&mut self, id: MemberId) {
        self.owners.retain(|_, owner| *owner != id);
    }

    /// Gives it a partition; which grant of it this is.
    pub fn grant(&mut self, partition: u32, id: MemberId) -> u64 {
        self.owners.insert(partition, id);
        let grants = self.grants.entry(partition).or_default();
        *grants += 1;
        *grants
    }
}
