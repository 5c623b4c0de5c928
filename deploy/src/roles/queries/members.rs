//! Who has which task: announced by workers, followed by edges.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, RwLock},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::task::JoinHandle;
use tradewind_runtime::{Codecs, Layout, Serving, now};
use tradewind_schemas::{
    Actor, Envelope, Key, MessageId,
    runtime::{Member, TaskKey},
};
use tradewind_topics::{Append, Log, Record, Start, TopicPartition, list::RUNTIME_MEMBERS, partition_of};

const LOOK: Duration = Duration::from_millis(50);
const AGAIN: Duration = Duration::from_millis(500);

/// Announces the tasks of this process, as they come.
pub struct Announcer(JoinHandle<()>);

impl Announcer {
    pub fn start(
        log: &Arc<dyn Log>,
        codecs: Codecs,
        layout: Layout,
        serving: Serving,
        address: String,
        instance: String,
    ) -> Result<Self> {
        let writer = log.writer()?;
        let task = tokio::spawn(async move {
            let mut announced = HashSet::new();
            loop {
                let here: HashSet<_> =
                    serving.positions().into_iter().map(|(stage, partition, _)| (stage, partition)).collect();
                announced.retain(|task| here.contains(task));
                for (stage, partition) in &here {
                    if announced.contains(&(stage.clone(), *partition)) {
                        continue;
                    }
                    let record = record(&codecs, &layout, stage, *partition, &address, &instance);
                    match record {
                        Ok(append) => match writer.append(append).await {
                            Ok(_) => {
                                announced.insert((stage.clone(), *partition));
                            }
                            Err(error) => tracing::warn!(%error, stage, partition, "a task could not be announced"),
                        },
                        Err(error) => tracing::error!(%error, stage, partition, "a task cannot be announced"),
                    }
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        Ok(Self(task))
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn record(
    codecs: &Codecs,
    layout: &Layout,
    stage: &str,
    partition: u32,
    address: &str,
    instance: &str,
) -> Result<Append> {
    let key = TaskKey { stage: stage.to_owned(), partition }.text();
    let (id, at) = (MessageId::new(uuid::Uuid::now_v7()), now());
    let envelope = Envelope {
        id,
        key: key.clone(),
        subject_id: None,
        causation_id: None,
        correlation_id: id,
        actor: Actor::service("runtime"),
        at,
        request: None,
        cause: None,
        payload: Member::Owner {
            stage: stage.to_owned(),
            partition: i32::try_from(partition)?,
            address: address.to_owned(),
            instance: instance.to_owned(),
            since: at,
        },
    };
    let value = codecs.of::<Member>(RUNTIME_MEMBERS.name)?.encode(&envelope)?;
    let partitions = layout.partitions(RUNTIME_MEMBERS.name).context("the members topic is missing")?;
    let to = TopicPartition::new(layout.physical(RUNTIME_MEMBERS.name), partition_of(key.as_bytes(), partitions));
    Ok(Append { to, timestamp: at.millis(), key: Some(key.into()), value: Some(value.into()), headers: Vec::new() })
}

/// The owners as they were last announced.
#[derive(Clone, Default)]
pub struct Members(Arc<RwLock<HashMap<(String, u32), String>>>);

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
            Ok(Member::Owner { stage, partition, address, .. }) => {
                let mut owners = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                owners.insert((stage, u32::try_from(partition).unwrap_or_default()), address);
            }
            Err(error) => tracing::warn!(%error, source = %record.source, "a member's record cannot be read"),
        }
    }

    pub fn owner(&self, stage: &str, partition: u32) -> Option<String> {
        let owners = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        owners.get(&(stage.to_owned(), partition)).cloned()
    }
}
