//! What every role stands on: the log, its topics, the schema ids, and the names of a run.

mod stages;
mod topics;

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use tradewind_registry::{Resolved, client, server::Registry};
use tradewind_runtime::{Codecs, Layout};
use tradewind_schemas::SchemaSource;
use tradewind_topics::{
    Log,
    embedded::{self, EmbeddedLog},
    kafka::{self, KafkaLog},
    list,
};

use crate::{cli::LogArgs, config::Origins};
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
}

impl Platform {
    /// The embedded log below this directory, its topics created, its registry open.
    pub fn embedded(args: &LogArgs, data_dir: &Path) -> Result<Self> {
        let log: Arc<dyn Log> = EmbeddedLog::open(&data_dir.join("log"), embedded::Options::default())
            .with_context(|| format!("the data directory {} ({})", data_dir.display(), args.origins.of("data_dir")))?;
        topics::apply(log.as_ref(), args)?;
        let registry = Registry::open(&log, &format!("{}.{REGISTRY_TOPIC}", args.namespace))?;
        let resolved = registry.resolve(&list::all())?;
        let codecs = codecs(&resolved)?;
        let layout = layout(log.as_ref(), args)?;
        Ok(Self { log, layout, codecs, source: resolved.source, registry: Some(registry) })
    }

    /// Kafka. Its topics must be there; `create` makes those that are not.
    pub fn kafka(args: &LogArgs, brokers: &str, create: bool) -> Result<Self> {
        let Some(url) = &args.registry else {
            bail!("Kafka needs a schema registry: give its URL with --registry or TRADEWIND_REGISTRY");
        };
        let registry = || format!("the schema registry ({})", args.origins.of("registry"));
        let client = Arc::new(client::Client::new(url).with_context(registry)?);
        let log: Arc<dyn Log> = connect(brokers, &args.origins)?;
        if create {
            topics::apply(log.as_ref(), args)?;
        }
        let resolved = client.resolve(&list::all(), REGISTRY_PATIENCE).with_context(registry)?;
        let codecs = codecs(&resolved)?;
        let layout = layout(log.as_ref(), args)?;
        Ok(Self { log, layout, codecs, source: resolved.source, registry: None })
    }
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

/// The topics of this run that exist.
fn layout(log: &dyn Log, args: &LogArgs) -> Result<Layout> {
    let prefix = format!("{}.", args.namespace);
    let mut partitions = HashMap::new();
    for topic in log.admin().topics()? {
        if let Some(name) = topic.name.strip_prefix(&prefix) {
            partitions.insert(name.to_owned(), topic.partitions);
        }
    }
    for wanted in topics::specs(args) {
        let name = wanted.name.strip_prefix(&prefix).unwrap_or(&wanted.name);
        match partitions.get(name) {
            None => bail!("there is no topic {}: run `tradewind topics apply`", wanted.name),
            Some(there) if topics::must_agree(name) && *there != wanted.partitions => bail!(
                "topic {} has {there} partitions, not {} ({}): a topic keeps its partition count for life; say {there} there, or use another namespace",
                wanted.name,
                wanted.partitions,
                args.origins.of("partitions")
            ),
            Some(_) => {}
        }
    }
    Ok(Layout::new(&args.namespace, partitions))
}
