//! The registry for those in the same process: no HTTP in between.

use std::{collections::HashMap, sync::Arc};

use tradewind_schemas::{SchemaSource, SchemaSourceError};
use tradewind_topics::list::Declared;

use super::{Fault, Registry};
use crate::{ResolveError, Resolved, subject_of};

impl Registry {
    /// Registers the schemas of these topics, and answers what [`Client::resolve`](crate::client::Client::resolve)
    /// would.
    pub fn resolve(self: &Arc<Self>, declared: &[Declared]) -> Result<Resolved, ResolveError> {
        let mut ids = HashMap::new();
        for topic in declared {
            let text = serde_json::to_string(&(topic.schema)(topic.name))
                .map_err(|cause| ResolveError::Unwritable { topic: topic.name, cause })?;
            let subject = subject_of(topic.name);
            let id = self.register(&subject, &text).map_err(|fault| match fault {
                fault @ Fault::Incompatible { .. } => ResolveError::Incompatible {
                    subject: subject.clone(),
                    at: "this data directory".to_owned(),
                    details: fault.to_string(),
                },
                source => ResolveError::Embedded { subject: subject.clone(), source },
            })?;
            ids.insert(topic.name, id);
        }
        Ok(Resolved::new(ids, Arc::new(LocalSource(self.clone()))))
    }
}

/// Schemas by id, from the registry of this process.
struct LocalSource(Arc<Registry>);

impl SchemaSource for LocalSource {
    fn schema(&self, id: u32) -> Result<String, SchemaSourceError> {
        // It is all in memory: there is nothing that could be unavailable.
        self.0.schema(id).map_err(|_| SchemaSourceError::NotFound(id))
    }
}
