//! Who has which task, as workers have announced it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use parking_lot::RwLock;
use tradewind_runtime::{Codecs, Layout};
use tradewind_schemas::runtime::Member;
use tradewind_topics::{Log, Record, Start, TopicPartition, list::RUNTIME_MEMBERS};

const AGAIN: Duration = Duration::from_millis(500);

/// Where a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Where it is asked, as host:port.
    pub address: String,
    /// The worker's identity.
    pub instance: String,
}

/// The owners as they were last announced.
#[derive(Clone, Default)]
pub struct Members(Arc<RwLock<HashMap<String, BTreeMap<u32, Owner>>>>);

impl Members {
    /// Follows the topic on a thread of its own, for as long as the process lives.
    pub fn follow(log: &Arc<dyn Log>, codecs: &Codecs, layout: &Layout) -> Result<Self> {
        let partitions = layout.partitions(RUNTIME_MEMBERS.name).context("the members topic is missing")?;
        let topic = layout.physical(RUNTIME_MEMBERS.name);
        let from: Vec<_> = (0..partitions).map(|p| (TopicPartition::new(topic.clone(), p), Start::Beginning)).collect();
        let mut reader = log.reader()?;
        reader.assign(&from)?;
        let (members, codecs) = (Self::default(), codecs.clone());
        let followed = members.clone();
        std::thread::Builder::new().name("members".to_owned()).spawn(move || {
            loop {
                match reader.poll(AGAIN) {
                    Ok(records) => records.iter().for_each(|record| members.take(&codecs, record)),
                    Err(error) => {
                        tracing::warn!(%error, "the members cannot be followed");
                        std::thread::sleep(AGAIN);
                    }
                }
            }
        })?;
        Ok(followed)
    }

    fn take(&self, codecs: &Codecs, record: &Record) {
        let Some(value) = &record.value else { return };
        let read = codecs.of::<Member>(RUNTIME_MEMBERS.name).and_then(|codec| codec.decode(value));
        match read.map(|envelope| envelope.payload) {
            Ok(Member::Owner { stage, partition, address, instance, .. }) => {
                let partition = u32::try_from(partition).unwrap_or_default();
                self.0.write().entry(stage).or_default().insert(partition, Owner { address, instance });
            }
            Err(error) => tracing::warn!(%error, source = %record.source, "a member's record cannot be read"),
        }
    }

    /// Who has the stage's partitions.
    pub fn of_stage(&self, stage: &str) -> BTreeMap<u32, Owner> {
        self.0.read().get(stage).cloned().unwrap_or_default()
    }

    pub fn owner(&self, stage: &str, partition: u32) -> Option<Owner> {
        self.0.read().get(stage)?.get(&partition).cloned()
    }
}
