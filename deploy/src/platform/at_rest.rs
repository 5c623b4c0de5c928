//! What is there already, for those who only read: nothing is made.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use tradewind_registry::{server::Registry, subject_of};
use tradewind_runtime::{Codecs, Layout};
use tradewind_schemas::{SchemaSource, SchemaSourceError};
use tradewind_topics::{
    Log,
    embedded::{Options, holds_log},
    list::{self, ORDER_EVENTS},
};

use super::{
    Platform, REGISTRY_TOPIC, codecs, connect, in_directory, on_brokers, open, registry_client, resolve, there,
};
use crate::{cli::LogArgs, data_dir::LOG};

/// Whoever only reads neither compacts nor lets records expire.
const NO_MAINTENANCE: Duration = Duration::from_secs(366 * 86_400);

/// Registries give no such id to a schema.
const NO_ID: u32 = u32::MAX;

impl Platform {
    /// An embedded log that nobody has open.
    pub fn embedded_at_rest(args: &LogArgs, data_dir: &Path) -> Result<Self> {
        if !holds_log(&data_dir.join(LOG))? {
            let origin = args.origins.of("data_dir");
            bail!(
                "there is no embedded log below {} ({origin}): is that the data directory of `tradewind up`?",
                data_dir.display()
            );
        }
        let options = Options { maintenance_interval: NO_MAINTENANCE, ..Options::default() };
        let log = open(args, data_dir, options)?;
        let layout = layout(log.as_ref(), args, &format!("the log below {}", data_dir.display()))?;
        let topic = layout.physical(REGISTRY_TOPIC);
        if layout.partitions(REGISTRY_TOPIC).is_none() {
            bail!("there is no topic {topic}: start `tradewind up` on this directory once, and it is made");
        }
        let registry = Registry::open(&log, &topic)?;
        let source: Arc<dyn SchemaSource> = Arc::new(Kept(registry.clone()));
        let codecs = Codecs::all(|topic| Some(own_id(&registry, topic)), &source)?;
        Ok(Self { log, layout, codecs, source, registry: None, place: in_directory(args, data_dir) })
    }

    /// Kafka, with whatever topics this namespace has there.
    pub fn kafka_at_rest(args: &LogArgs, brokers: &str) -> Result<Self> {
        let client = registry_client(args)?;
        let log: Arc<dyn Log> = connect(brokers, &args.origins)?;
        let layout = layout(log.as_ref(), args, &format!("Kafka at {brokers}"))?;
        let resolved = resolve(&client, args)?;
        let codecs = codecs(&resolved)?;
        let place = on_brokers(args, brokers);
        Ok(Self { log, layout, codecs, source: resolved.source, registry: None, place })
    }
}

/// The topics of the namespace as they are; it must have some.
fn layout(log: &dyn Log, args: &LogArgs, place: &str) -> Result<Layout> {
    let partitions = there(log, &args.namespace)?;
    // Another namespace may begin like this one.
    if !partitions.contains_key(ORDER_EVENTS.name) {
        let (namespace, origin) = (&args.namespace, args.origins.of("namespace"));
        let known = namespaces(log)?;
        let known = match known.is_empty() {
            true => "no namespace at all".to_owned(),
            false => known.into_iter().collect::<Vec<_>>().join(", "),
        };
        bail!("{place} has no topics of the namespace {namespace} ({origin}); there is {known}");
    }
    Ok(Layout::new(&args.namespace, partitions))
}

fn namespaces(log: &dyn Log) -> Result<BTreeSet<String>> {
    let suffix = format!(".{}", ORDER_EVENTS.name);
    let topics = log.admin().topics()?;
    Ok(topics.iter().filter_map(|topic| topic.name.strip_suffix(&suffix).map(str::to_owned)).collect())
}

/// The id of our own schema of a topic. One that the registry has not got was never written with.
fn own_id(registry: &Registry, topic: &str) -> u32 {
    let declared = list::all().into_iter().find(|declared| declared.name == topic);
    let text = declared.and_then(|declared| serde_json::to_string(&(declared.schema)(topic)).ok());
    let known = text.and_then(|text| registry.lookup(&subject_of(topic), &text).ok());
    known.map_or(NO_ID, |version| version.id)
}

/// Schemas by id, as the registry of the log has them.
struct Kept(Arc<Registry>);

impl SchemaSource for Kept {
    fn schema(&self, id: u32) -> Result<String, SchemaSourceError> {
        self.0.schema(id).map_err(|_| SchemaSourceError::NotFound(id))
    }
}
