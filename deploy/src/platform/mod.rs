//! What every role stands on: the log, its topics, the schema ids, and the names of a run.

mod at_rest;
pub mod own;
mod stages;
mod topics;

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use tradewind_registry::{Resolved, client, server::Registry};
use tradewind_runtime::{Codecs, Layout};
use tradewind_schemas::SchemaSource;
use tradewind_topics::{
    Log, TopicInfo,
    embedded::{self, EmbeddedLog},
    kafka::{self, KafkaLog},
    list,
};

use crate::{
    cli::{LogArgs, RunArgs},
    config::Origins,
    data_dir::LOG,
};
pub use stages::{STAGES, Settings, Stage, sources, stage};
pub use topics::{apply, plan};

/// How long a role waits for a registry that is not up yet.
const REGISTRY_PATIENCE: Duration = Duration::from_secs(60);

/// The topic in which the embedded registry keeps its schemas.
const REGISTRY_TOPIC: &str = "registry.schemas";

/// A log and what belongs to it.
pub struct Platform {
    pub log: Arc<dyn Log>,
    pub layout: Layout,
    pub codecs: Codecs,
    /// The schemas of all releases, by id.
    pub source: Arc<dyn SchemaSource>,
    /// The embedded registry, where it is ours.
    pub registry: Option<Arc<Registry>>,
    /// Whose topics these are, and where, for messages to people.
    pub place: String,
}

impl Platform {
    /// The embedded log below this directory, its topics created, its registry open.
    pub fn embedded(args: &RunArgs, data_dir: &Path) -> Result<Self> {
        let log = open(&args.log, data_dir, embedded::Options::default())?;
        topics::apply(log.as_ref(), args)?;
        let registry = Registry::open(&log, &format!("{}.{REGISTRY_TOPIC}", args.log.namespace))?;
        let resolved = registry.resolve(&list::all())?;
        let codecs = codecs(&resolved)?;
        let layout = layout(log.as_ref(), args)?;
        let place = in_directory(&args.log, data_dir);
        Ok(Self { log, layout, codecs, source: resolved.source, registry: Some(registry), place })
    }

    /// Kafka. Its topics must be there; `create` makes those that are not.
    pub fn kafka(args: &RunArgs, brokers: &str, create: bool) -> Result<Self> {
        let client = registry_client(&args.log)?;
        let log: Arc<dyn Log> = connect(brokers, &args.log.origins)?;
        if create {
            topics::apply(log.as_ref(), args)?;
        }
        let resolved = resolve(&client, &args.log)?;
        let codecs = codecs(&resolved)?;
        let layout = layout(log.as_ref(), args)?;
        let place = on_brokers(&args.log, brokers);
        Ok(Self { log, layout, codecs, source: resolved.source, registry: None, place })
    }
}

fn open(args: &LogArgs, data_dir: &Path, options: embedded::Options) -> Result<Arc<dyn Log>> {
    let log = EmbeddedLog::open(&data_dir.join(LOG), options);
    Ok(log.with_context(|| format!("the data directory {} ({})", data_dir.display(), args.origins.of("data_dir")))?)
}

fn in_directory(args: &LogArgs, data_dir: &Path) -> String {
    format!("the namespace {} of the log below {}", args.namespace, data_dir.display())
}

fn on_brokers(args: &LogArgs, brokers: &str) -> String {
    format!("the namespace {} on Kafka at {brokers}", args.namespace)
}

fn registry_client(args: &LogArgs) -> Result<Arc<client::Client>> {
    let Some(url) = &args.registry else {
        bail!("Kafka needs a schema registry: give its URL with --registry or TRADEWIND_REGISTRY");
    };
    Ok(Arc::new(client::Client::new(url).with_context(|| told_of_registry(args))?))
}

fn resolve(client: &Arc<client::Client>, args: &LogArgs) -> Result<Resolved> {
    client.resolve(&list::all(), REGISTRY_PATIENCE).with_context(|| told_of_registry(args))
}

fn told_of_registry(args: &LogArgs) -> String {
    format!("the schema registry ({})", args.origins.of("registry"))
}

/// Kafka, without regard to what is on it.
pub fn connect(brokers: &str, origins: &Origins) -> Result<Arc<KafkaLog>> {
    let log = KafkaLog::connect(brokers, kafka::Options::default());
    log.with_context(|| {
        format!("Kafka at {brokers} ({}): is it running, and is that its address?", origins.of("brokers"))
    })
}

fn codecs(resolved: &Resolved) -> Result<Codecs> {
    Codecs::all(|topic| resolved.id(topic), &resolved.source).context("the codecs of the topics could not be made")
}

/// The topics of this namespace, by their names without it, with how many partitions each has.
fn there(log: &dyn Log, namespace: &str) -> Result<HashMap<String, u32>> {
    let prefix = format!("{namespace}.");
    let named = |topic: &TopicInfo| Some((topic.name.strip_prefix(&prefix)?.to_owned(), topic.partitions));
    Ok(log.admin().topics()?.iter().filter_map(named).collect())
}

/// The topics of this run, all of which must be there.
fn layout(log: &dyn Log, args: &RunArgs) -> Result<Layout> {
    let namespace = &args.log.namespace;
    let (partitions, prefix) = (there(log, namespace)?, format!("{namespace}."));
    for wanted in topics::specs(args) {
        let name = wanted.name.strip_prefix(&prefix).unwrap_or(&wanted.name);
        match partitions.get(name) {
            None => bail!("there is no topic {}: run `tradewind topics apply`", wanted.name),
            Some(there) if topics::must_agree(name) && *there != wanted.partitions => bail!(
                "topic {} has {there} partitions, not {} ({}): a topic keeps its partition count for life; say {there} there, or use another namespace",
                wanted.name,
                wanted.partitions,
                args.log.origins.of("partitions")
            ),
            Some(_) => {}
        }
    }
    Ok(Layout::new(namespace, partitions))
}
