//! What a role knows after it has asked a registry for its ids.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tradewind_schemas::SchemaSource;

/// The subject of a topic's values: TopicNameStrategy on the name without the run's namespace, so that a replay into
/// another namespace shares the live one's schemas.
pub fn subject_of(topic: &str) -> String {
    format!("{topic}-value")
}

/// The ids of this release's schemas, and where the ids of other releases are looked up.
#[derive(Clone)]
pub struct Resolved {
    ids: HashMap<&'static str, u32>,
    pub source: Arc<dyn SchemaSource>,
}

impl Resolved {
    pub(crate) fn new(ids: HashMap<&'static str, u32>, source: Arc<dyn SchemaSource>) -> Self {
        Self { ids, source }
    }

    /// The id of our schema of this topic, by its name without the namespace. `None` where the topic was not among
    /// those that were resolved.
    pub fn id(&self, topic: &str) -> Option<u32> {
        self.ids.get(topic).copied()
    }
}

/// Why a role has no ids.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("the schema registry's address {url:?} is of no use: {why}; give one like http://127.0.0.1:8081")]
    Address { url: String, why: String },
    #[error("the schema registry's HTTP client could not be set up: {0}")]
    Setup(String),
    #[error("the schema registry at {at} could not be asked for {}s: {cause}; is it running, and is that its address?", .waited.as_secs())]
    Unreachable { at: String, waited: Duration, cause: String },
    #[error(
        "the schema of {subject} is not compatible with what the schema registry at {at} has for it: {details}. \
         Fields may only be added, and with defaults: make the change so, or start the release that belongs to the \
         registered schema"
    )]
    Incompatible { subject: String, at: String, details: String },
    #[error("the schema registry at {at} refused {subject}: {message} (error code {code})")]
    Refused { subject: String, at: String, code: u32, message: String },
    #[error(
        "what answers at {at} does not speak as a schema registry does, when asked for {subject}: {what}; is that the \
         registry's address?"
    )]
    Foreign { subject: String, at: String, what: String },
    #[error("the embedded schema registry could not take {subject}")]
    Embedded { subject: String, source: crate::server::Fault },
    #[error("the schema of topic {topic} cannot be written as JSON: {cause}")]
    Unwritable { topic: &'static str, cause: serde_json::Error },
}
