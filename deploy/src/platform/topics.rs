//! The topics of a run: what there must be, and making it so.

use anyhow::{Context, Result};
use tradewind_runtime::{TOMBSTONES_FOR, changelog, dead_letters};
use tradewind_topics::{Cleanup, Log, TopicPartition, TopicSpec, list};

use super::STAGES;
use crate::cli::RunArgs;

const CHANGELOG: Cleanup = Cleanup::Compact { tombstones_for: TOMBSTONES_FOR };

/// Consumer groups that are no stages: the connector's.
const CONNECTORS: [(&str, &str); 1] = [("connector.stripe", "payment.intents")];

/// Every topic that a run needs, by physical name.
pub fn specs(args: &RunArgs) -> Vec<TopicSpec> {
    let physical = |name: &str| format!("{}.{name}", args.log.namespace).into();
    let spec = |name: &str, cleanup| TopicSpec { name: physical(name), partitions: args.partitions, cleanup };
    let mut specs: Vec<_> = list::all().iter().map(|topic| spec(topic.name, topic.cleanup)).collect();
    for stage in STAGES {
        specs.push(spec(&changelog(stage.name), CHANGELOG));
    }
    let mut sources: Vec<_> = STAGES.iter().map(|stage| stage.source).collect();
    sources.extend(CONNECTORS.iter().map(|(_, source)| *source));
    specs.extend(sources.iter().map(|source| spec(&dead_letters(source), Cleanup::Keep)));
    specs
}

/// Whether a topic's partition count is one that others rely on.
pub fn must_agree(name: &str) -> bool {
    name != super::REGISTRY_TOPIC
}

/// What [`apply`] would create.
pub fn plan(log: &dyn Log, args: &RunArgs) -> Result<Vec<TopicSpec>> {
    let there = log.admin().topics()?;
    let missing = |spec: &TopicSpec| there.iter().all(|topic| topic.name != spec.name);
    Ok(specs(args).into_iter().filter(missing).collect())
}

/// Creates the topics that are not there, and gives every group its first offsets.
pub fn apply(log: &dyn Log, args: &RunArgs) -> Result<()> {
    let admin = log.admin();
    admin.create(&specs(args)).with_context(|| {
        let (partitions, origin) = (args.partitions, args.log.origins.of("partitions"));
        format!("topics of {partitions} partitions ({origin}) in the namespace {}", args.log.namespace)
    })?;
    let groups = STAGES.iter().map(|stage| (stage.name, stage.source)).chain(CONNECTORS);
    for (group, source) in groups {
        let source = format!("{}.{source}", args.log.namespace);
        let first: Vec<_> = (0..args.partitions).map(|p| (TopicPartition::new(source.as_str(), p), 0)).collect();
        admin.initialise_group(&format!("{}.{group}", args.log.namespace), &first)?;
    }
    Ok(())
}
