//! Who has which task, as workers have announced it.

use std::{collections::BTreeMap, sync::Arc};

use tradewind_runtime::{Codecs, Layout, Replicated};
use tradewind_schemas::runtime::{Member, TaskKey};
use tradewind_topics::{Log, LogError, list::RUNTIME_MEMBERS};

/// Where a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Where it is asked, as host:port.
    pub address: String,
    /// The worker's identity.
    pub instance: String,
}

impl Owner {
    fn of(member: &Member) -> Self {
        let Member::Owner { address, instance, .. } = member;
        Self { address: address.clone(), instance: instance.clone() }
    }
}

/// The owners as they were last announced.
#[derive(Clone)]
pub struct Members(Arc<Replicated<TaskKey, Member>>);

impl Members {
    /// Follows the topic for as long as somebody has this.
    pub fn follow(log: &Arc<dyn Log>, codecs: &Codecs, layout: &Layout) -> Result<Self, LogError> {
        Ok(Self(Arc::new(Replicated::follow(log, layout, RUNTIME_MEMBERS, codecs.clone())?)))
    }

    /// Who has the stage's partitions.
    pub fn of_stage(&self, wanted: &str) -> BTreeMap<u32, Owner> {
        self.0.look(|members, _| {
            let of_stage = |member: &Arc<Member>| {
                let Member::Owner { stage, partition, .. } = &**member;
                let partition = u32::try_from(*partition).ok().filter(|_| stage == wanted)?;
                Some((partition, Owner::of(member)))
            };
            members.values().filter_map(of_stage).collect()
        })
    }

    pub fn owner(&self, stage: &str, partition: u32) -> Option<Owner> {
        let task = TaskKey { stage: stage.to_owned(), partition };
        self.0.get(&task).0.map(|member| Owner::of(&member))
    }
}
