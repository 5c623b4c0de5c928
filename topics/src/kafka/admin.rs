//! Topics, ends and the offsets of groups.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use futures::executor::block_on;
use rdkafka::{
    Offset as Native, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::RDKafkaErrorCode as Code,
};

use super::{
    contexts::Logging,
    faults::{Fault, failed},
    positions::{answers, list_at, list_of},
    raw,
    settings::{Isolation, Settings},
};
use crate::{Admin, Cleanup, End, LogError, Offset, TopicInfo, TopicPartition, TopicSpec};

/// New topics have leaders, and groups a coordinator, within this time.
const LEADERS_WITHIN: Duration = Duration::from_secs(30);
/// A broker that has just come back may have been told of its topics within this time: until then it says that they are
/// not there.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

pub struct KafkaAdmin {
    settings: Arc<Settings>,
    committed: BaseConsumer<Logging>,
    /// Asked only for written ends.
    uncommitted: OnceLock<BaseConsumer<Logging>>,
}

impl KafkaAdmin {
    /// Succeeds once the brokers answer.
    pub fn connect(settings: Arc<Settings>) -> Result<Self, LogError> {
        let committed = questioner(&settings, Isolation::Committed)?;
        let admin = Self { settings, committed, uncommitted: OnceLock::new() };
        let deadline = Instant::now() + admin.settings.options.connect_timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Err(error) = admin.committed.fetch_metadata(None, left.min(Duration::from_secs(1))) else {
                return Ok(admin);
            };
            // Serves what librdkafka has to say about the connection, until it has said all.
            while admin.committed.poll(Duration::from_millis(50)).is_some() {}
            if left.is_zero() {
                let reason = admin.committed.context().last_reason().unwrap_or_else(|| error.to_string());
                return Err(LogError::Unavailable(format!(
                    "no Kafka broker answers at {} within {:?}: {reason}",
                    admin.settings.brokers, admin.settings.options.connect_timeout,
                )));
            }
        }
    }

    /// Partition counts by topic, internal topics included; 0 where a partition has no leader yet.
    fn partition_counts(&self) -> Result<HashMap<String, u32>, LogError> {
        let metadata = self.committed.fetch_metadata(None, self.settings.answer_within());
        let metadata = metadata.map_err(failed("listing topics"))?;
        let count = |topic: &rdkafka::metadata::MetadataTopic| {
            let led = topic.partitions().iter().all(|partition| partition.leader() >= 0);
            if led { topic.partitions().len() as u32 } else { 0 }
        };
        Ok(metadata.topics().iter().map(|topic| (topic.name().to_owned(), count(topic))).collect())
    }

    /// Those of these topics that are not there; an error when one is there with another partition count.
    fn missing<'a>(&self, wanted: &'a [TopicSpec]) -> Result<Vec<&'a TopicSpec>, LogError> {
        let there = self.partition_counts()?;
        let mut missing = Vec::new();
        for spec in wanted {
            match there.get(&*spec.name) {
                Some(&there) if there != 0 && there != spec.partitions => {
                    let (name, wanted) = (spec.name.clone(), spec.partitions);
                    return Err(LogError::PartitionCount { name, there, wanted });
                }
                Some(_) => {}
                None => missing.push(spec),
            }
        }
        Ok(missing)
    }

    fn make(&self, topics: &[&TopicSpec]) -> Result<(), LogError> {
        let configs: Vec<_> = topics.iter().map(|spec| (*spec, config_of(spec.cleanup))).collect();
        let replication = self.settings.options.replication.map_or(-1, i32::from);
        let new: Vec<NewTopic<'_>> = configs
            .iter()
            .map(|(spec, config)| {
                let new = NewTopic::new(&spec.name, spec.partitions as i32, TopicReplication::Fixed(replication));
                config.iter().fold(new, |new, (name, value)| new.set(name, value))
            })
            .collect();
        let client: AdminClient<Logging> = self
            .settings
            .questions(Isolation::Committed)
            .create_with_context(Logging::default())
            .map_err(failed("creating topics"))?;
        let within = Some(self.settings.answer_within());
        let options = AdminOptions::new().request_timeout(within).operation_timeout(within);
        let results = block_on(client.create_topics(&new, &options)).map_err(failed("creating topics"))?;
        for result in results {
            match result {
                // Another process was quicker; its partition count is checked afterwards.
                Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
                Err((name, code)) => return Err(Fault::new(code).while_doing(format!("creating the topic {name}"))),
            }
        }
        Ok(())
    }

    fn await_leaders(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        let deadline = Instant::now() + LEADERS_WITHIN;
        loop {
            self.missing(topics)?;
            let there = self.partition_counts()?;
            let Some(late) = topics.iter().find(|spec| there.get(&*spec.name).is_none_or(|&count| count == 0)) else {
                return Ok(());
            };
            if Instant::now() > deadline {
                return Err(LogError::Unavailable(format!("the topic {} has no leader yet", late.name)));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks for the positions of these partitions that the brokers know as [`Native::Beginning`] or [`Native::End`].
    fn bounds(
        &self,
        partitions: &[TopicPartition],
        bound: Native,
        isolation: Isolation,
    ) -> Result<Vec<Offset>, LogError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let client = match (isolation, self.uncommitted.get()) {
            (Isolation::Committed, _) => &self.committed,
            (Isolation::Uncommitted, Some(client)) => client,
            (Isolation::Uncommitted, None) => {
                let client = questioner(&self.settings, isolation)?;
                self.uncommitted.get_or_init(|| client)
            }
        };
        let asked = list_at(partitions.iter().map(|partition| (partition, bound)))?;
        let ask = || {
            let answer = client.offsets_for_times(asked.clone(), self.settings.answer_within())?;
            partitions.iter().map(|partition| bound_in(&answer, partition)).collect::<Result<Vec<_>, _>>()
        };
        let led = || patiently(LEADERS_WITHIN, Fault::lacks_leader, ask);
        let answer = patiently(KNOWN_WITHIN, Fault::is_unknown_topic, led);
        answer.map_err(failed(match partitions {
            [one] => format!("asking for the beginning or end of {one}"),
            [first, ..] => format!("asking for the beginnings or ends of {first} and {} others", partitions.len() - 1),
            [] => String::new(),
        }))
    }

    fn group(&self, group: &str) -> Result<BaseConsumer<Logging>, LogError> {
        self.settings
            .group_offsets(group)
            .create_with_context(Logging::default())
            .map_err(failed(format!("asking for the offsets of the group {group}")))
    }
}

/// Asks until it is answered, as long as only this stands in the way.
fn patiently<T>(within: Duration, passing: fn(&Fault) -> bool, ask: impl Fn() -> Result<T, Fault>) -> Result<T, Fault> {
    let deadline = Instant::now() + within;
    loop {
        match ask() {
            Err(fault) if passing(&fault) && Instant::now() < deadline => thread::sleep(Duration::from_millis(50)),
            answer => return answer,
        }
    }
}

fn bound_in(answer: &TopicPartitionList, partition: &TopicPartition) -> Result<Offset, Fault> {
    let of = answer.find_partition(&partition.topic, partition.partition as i32);
    let of = of.ok_or_else(|| Fault::new(Code::UnknownTopicOrPartition))?;
    of.error()?;
    match of.offset() {
        Native::Offset(offset) => Ok(offset),
        _ => Err(Fault::new(Code::NoOffset)),
    }
}

fn questioner(settings: &Settings, isolation: Isolation) -> Result<BaseConsumer<Logging>, LogError> {
    settings.questions(isolation).create_with_context(Logging::default()).map_err(failed("connecting"))
}

fn config_of(cleanup: Cleanup) -> Vec<(&'static str, String)> {
    let mut config = match cleanup {
        Cleanup::Delete { after } => {
            vec![("cleanup.policy", "delete".into()), ("retention.ms", after.as_millis().to_string())]
        }
        Cleanup::Keep => vec![("cleanup.policy", "delete".into()), ("retention.ms", "-1".into())],
        Cleanup::Compact { tombstones_for } => {
            vec![("cleanup.policy", "compact".into()), ("delete.retention.ms", tombstones_for.as_millis().to_string())]
        }
    };
    config.push(("retention.bytes", "-1".into()));
    // Records carry the writer's clock, and a clock that runs ahead is no reason to refuse an order.
    config.push(("message.timestamp.after.max.ms", i64::MAX.to_string()));
    config
}

impl Admin for KafkaAdmin {
    fn create(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        let missing = self.missing(topics)?;
        if missing.is_empty() {
            return Ok(());
        }
        self.make(&missing)?;
        self.await_leaders(topics)
    }

    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        let names: Vec<String> = self.partition_counts()?.into_keys().collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let described = raw::describe_topics(self.committed.client(), &names, self.settings.answer_within());
        let described = described.map_err(failed("describing topics"))?;
        let mut topics: Vec<TopicInfo> = described
            .into_iter()
            .filter(|topic| !topic.internal)
            .map(|topic| TopicInfo { name: topic.name.into(), partitions: topic.partitions, id: topic.id.into() })
            .collect();
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(topics)
    }

    fn ends(&self, partitions: &[TopicPartition], which: End) -> Result<Vec<Offset>, LogError> {
        let isolation = match which {
            End::Stable => Isolation::Committed,
            End::Written => Isolation::Uncommitted,
        };
        self.bounds(partitions, Native::End, isolation)
    }

    fn beginnings(&self, partitions: &[TopicPartition]) -> Result<Vec<Offset>, LogError> {
        self.bounds(partitions, Native::Beginning, Isolation::Committed)
    }

    fn initialise_group(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        let partitions: Vec<TopicPartition> = positions.iter().map(|(at, _)| at.clone()).collect();
        let there = self.group_offsets(group, &partitions)?;
        let new: Vec<_> = positions.iter().zip(there).filter(|(_, there)| there.is_none()).collect();
        if new.is_empty() {
            return Ok(());
        }
        let list = list_at(new.iter().map(|((at, offset), _)| (at, Native::Offset(*offset))))?;
        let client = self.group(group)?;
        patiently(LEADERS_WITHIN, Fault::lacks_coordinator, || Ok(client.commit(&list, CommitMode::Sync)?))
            .map_err(failed(format!("setting the first offsets of the group {group}")))
    }

    fn group_offsets(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError> {
        let doing = format!("asking for the offset of the group {group} in");
        let (client, within) = (self.group(group)?, self.settings.answer_within());
        let list = patiently(LEADERS_WITHIN, Fault::lacks_coordinator, || {
            Ok(client.committed_offsets(list_of(partitions), within)?)
        });
        answers(&list.map_err(failed(format!("asking for the offsets of the group {group}")))?, partitions, &doing)
    }
}
