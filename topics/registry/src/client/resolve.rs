//! Getting the ids of this release's schemas, at start.

use std::{
    collections::HashMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use reqwest::Client as Http;
use schema_registry_converter::{
    async_impl::schema_registry::{SrSettings, perform_sr_call, post_schema},
    schema_registry_common::{SchemaType, SrCall, SuppliedSchema},
};
use serde_json::json;
use tradewind_topics::list::Declared;

use super::{Client, Refusal, level};
use crate::{ResolveError, Resolved, subject_of};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often waiting is mentioned.
const REMINDER: Duration = Duration::from_secs(10);

impl Client {
    /// The ids of these topics' schemas. A schema that its subject does not have yet is registered; a subject that is
    /// new is given the level BACKWARD_TRANSITIVE first.
    ///
    /// While the registry cannot be reached, waits for it, up to `patience` in all, and logs that it does.
    pub fn resolve(self: &Arc<Self>, declared: &[Declared], patience: Duration) -> Result<Resolved, ResolveError> {
        let mut waiting = Waiting::new(patience);
        let mut ids = HashMap::new();
        for topic in declared {
            let text = serde_json::to_string(&(topic.schema)(topic.name))
                .map_err(|cause| ResolveError::Unwritable { topic: topic.name, cause })?;
            let subject = subject_of(topic.name);
            let id = loop {
                match self.ask(subject.clone(), text.clone()) {
                    Ok(id) => break id,
                    Err(Refusal::Unreachable(cause)) => waiting.pause(&self.addresses.to_string(), cause)?,
                    Err(refusal) => return Err(self.refused(subject, refusal)),
                }
            };
            waiting.over(&self.addresses.to_string());
            ids.insert(topic.name, id);
        }
        Ok(Resolved::new(ids, self.clone()))
    }

    fn ask(&self, subject: String, text: String) -> Result<u32, Refusal> {
        let (settings, http) = (self.settings.clone(), self.http.clone());
        let bases = self.addresses.all().to_vec();
        self.wait(async move { id_of(&settings, &http, &bases, subject, text).await })
    }

    fn refused(&self, subject: String, refusal: Refusal) -> ResolveError {
        let at = self.addresses.to_string();
        match refusal {
            Refusal::Incompatible(details) => ResolveError::Incompatible { subject, at, details },
            Refusal::Refused { code, message } => ResolveError::Refused { subject, at, code, message },
            other => ResolveError::Foreign { subject, at, what: other.to_string() },
        }
    }
}

/// Looks first, so that a registry that lets this role only read is enough once the schemas are there.
async fn id_of(
    settings: &SrSettings,
    http: &Http,
    bases: &[String],
    subject: String,
    text: String,
) -> Result<u32, Refusal> {
    let question = json!({ "schema": text, "schemaType": "AVRO" }).to_string();
    match perform_sr_call(settings, SrCall::PostForVersion(&subject, &question)).await.map_err(Refusal::from) {
        Ok(found) => return found.id.ok_or_else(|| Refusal::Foreign("it names no id".to_owned())),
        Err(Refusal::NoSuchSchema) => {}
        Err(Refusal::NoSuchSubject) => raise(http, bases, &subject).await?,
        Err(refusal) => return Err(refusal),
    }
    let supplied = SuppliedSchema::new(None, SchemaType::Avro, text);
    let registered = post_schema(settings, subject, supplied).await.map_err(Refusal::from)?;
    Ok(registered.id)
}

/// At the first address that can be reached.
async fn raise(http: &Http, bases: &[String], subject: &str) -> Result<(), Refusal> {
    let mut outcome = Ok(());
    for base in bases {
        outcome = level::raise(http, base, subject).await;
        if !matches!(outcome, Err(Refusal::Unreachable(_))) {
            break;
        }
    }
    outcome
}

/// Waiting for a registry that cannot be reached.
struct Waiting {
    since: Instant,
    patience: Duration,
    pause: Duration,
    mentioned: Option<Instant>,
}

impl Waiting {
    fn new(patience: Duration) -> Self {
        Self { since: Instant::now(), patience, pause: FIRST_PAUSE, mentioned: None }
    }

    /// Waits a little, or says that it was enough.
    fn pause(&mut self, at: &str, cause: String) -> Result<(), ResolveError> {
        let waited = self.since.elapsed();
        let Some(left) = self.patience.checked_sub(waited).filter(|left| !left.is_zero()) else {
            return Err(ResolveError::Unreachable { at: at.to_owned(), waited, cause });
        };
        if self.mentioned.is_none_or(|last| last.elapsed() >= REMINDER) {
            tracing::warn!(registry = at, cause, seconds_left = left.as_secs(), "waiting for the schema registry");
            self.mentioned = Some(Instant::now());
        }
        thread::sleep(self.pause.min(left));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }

    fn over(&mut self, at: &str) {
        if self.mentioned.take().is_some() {
            tracing::info!(registry = at, "the schema registry answers");
        }
        self.pause = FIRST_PAUSE;
    }
}
