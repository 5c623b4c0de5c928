//! Says for which tasks of others this worker stands by.

mod placement;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::task::JoinHandle;
use tradewind_runtime::{Layout, Standbys};

use super::queries::{Members, Owner};
use crate::platform::Stage;

const LOOK: Duration = Duration::from_millis(500);
/// The members are followed once they have stayed the same for so many looks: while tasks move, they do not.
const SETTLED: u32 = 4;

/// Follows the members, and moves the standbys of this process as they come and go.
pub struct Placing(JoinHandle<()>);

impl Placing {
    /// `count` standbys of each task, where there are as many members besides its owner.
    pub fn start(
        stages: &[&'static Stage],
        layout: Layout,
        members: Members,
        standbys: Standbys,
        instance: String,
        count: usize,
    ) -> Self {
        let stages = stages.to_vec();
        Self(tokio::spawn(async move {
            let (mut last, mut same) = (BTreeMap::new(), 0);
            let mut told = BTreeMap::new();
            loop {
                let owners: BTreeMap<_, _> =
                    stages.iter().map(|stage| (stage.name, members.of_stage(stage.name))).collect();
                same = if owners == last { same + 1 } else { 0 };
                last = owners;
                if same == SETTLED {
                    for stage in &stages {
                        let partitions = layout.partitions(stage.source).unwrap_or_default();
                        let wanted = wanted(&last[stage.name], partitions, &instance, count);
                        if told.get(stage.name) != Some(&wanted) {
                            tracing::info!(stage = stage.name, partitions = ?wanted, "stands by for others");
                            standbys.set(stage.name, wanted.clone());
                            told.insert(stage.name, wanted);
                        }
                    }
                }
                tokio::time::sleep(LOOK).await;
            }
        }))
    }
}

impl Drop for Placing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The partitions of a stage that this member is to stand by for. Only who owns something is known to be a member.
fn wanted(owners: &BTreeMap<u32, Owner>, partitions: u32, us: &str, count: usize) -> BTreeSet<u32> {
    let members: BTreeSet<_> = owners.values().map(|owner| &*owner.instance).chain([us]).collect();
    let ours = |owner: &str, partition| {
        owner != us && placement::standbys(&members, partitions, partition, owner, count).contains(&us)
    };
    owners
        .iter()
        .filter(|(partition, owner)| ours(&owner.instance, **partition))
        .map(|(partition, _)| *partition)
        .collect()
}
