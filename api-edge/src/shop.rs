//! What a request can do: ask the views, send commands, and wait for what is decided.

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;
use tradewind_runtime::{Freshness, Outcome, Page, QueryError};
use tradewind_schemas::{
    Actor, CodecError, Contract, Envelope, Key, MessageId, ReplyTo, Request, RowKey, UserId, View, edge::Settled,
};
use tradewind_topics::{Append, LogError, Offset, Topic, TopicPartition, list::CATALOG_COMMANDS, partition_of};
use uuid::Uuid;

use crate::{
    app::{App, now},
    body::Sent,
    call::Trace,
    catalogue::Catalogue,
    idempotency::canonical,
    positions::Carried,
    problem::{Code, Problem},
    replies::{Expected, Told},
    seldom::Seldom,
    waiting::Wait,
};

/// The log takes a command within this time, or the client is told to try again.
const APPEND: Duration = Duration::from_secs(10);
/// How often an undecided command of an earlier request is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// One request's view of the [`App`]. To have one, what the client's consistency tokens name has been waited for.
pub struct Shop {
    app: Arc<App>,
    trace: Trace,
    carried: Carried,
    pub wait: Wait,
}

impl Deref for Shop {
    type Target = App;
    fn deref(&self) -> &App {
        &self.app
    }
}

impl FromRequestParts<Arc<App>> for Shop {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let trace = parts.extensions.get::<Trace>().cloned().unwrap_or_else(|| Trace::of(&parts.headers));
        let carried = parts.extensions.get::<Carried>().cloned();
        let carried = carried.unwrap_or_else(|| Carried::of(&parts.headers, &app.tokens));
        let shop = Self { app: app.clone(), trace, carried, wait: Wait::of(&parts.headers) };
        shop.catch_up().await?;
        Ok(shop)
    }
}

/// A command, ready to be sent.
pub struct Command<K, P> {
    pub topic: Topic<K, P>,
    pub key: K,
    pub id: Uuid,
    pub actor: Actor,
    /// Whom it is about.
    pub subject: Option<UserId>,
    /// Of the client's body.
    pub digest: String,
    pub payload: P,
}

/// How a command ended, as far as this request has seen.
pub struct Ended {
    outcome: Option<Settled>,
    /// What a view must have read to show it.
    fresh: Freshness,
    pub replayed: bool,
}

impl Ended {
    /// How fresh a view must be to show what was accepted; `None` while it is not decided.
    ///
    /// # Errors
    /// What was refused, as a problem.
    pub fn accepted(&self) -> Result<Option<Freshness>, Problem> {
        let problem = match &self.outcome {
            None => return Ok(None),
            Some(Settled::Accepted {}) => return Ok(Some(self.fresh)),
            Some(Settled::Rejected { rejection }) => Problem::from(rejection.clone()),
            Some(Settled::KeyReused {}) => return Err(key_reused()),
            Some(Settled::DeadLettered { reason }) => {
                tracing::error!(reason, "a command was put aside");
                Problem::new(Code::Undecidable, Code::Undecidable.meaning())
            }
        };
        Err(problem.replayed(self.replayed))
    }

    pub fn fresh(&self) -> Freshness {
        self.fresh
    }
}

impl Shop {
    /// Not a client's: the edge asks for itself.
    pub(crate) fn own(app: Arc<App>, patience: Duration) -> Self {
        let nobody = axum::http::HeaderMap::new();
        let (trace, carried) = (Trace::of(&nobody), Carried::of(&nobody, &app.tokens));
        Self { app, trace, carried, wait: Wait { patience, applied: None } }
    }

    /// For what has no answer but the decision: it is waited for, whatever the client prefers.
    pub fn patient(self) -> Self {
        let patience = self.wait.patience.max(Wait::DEFAULT.patience);
        Self { wait: Wait { patience, ..self.wait }, ..self }
    }

    /// What makes two bodies the same.
    pub fn digest(&self, sent: &Sent) -> String {
        self.fingerprints.fingerprint(&canonical(&sent.json))
    }

    /// What became of this request when it came before. An undecided one is waited for.
    ///
    /// # Errors
    /// `IdempotencyKeyReused` where it came with another body.
    pub async fn known<K: Key, P>(
        &self,
        topic: Topic<K, P>,
        key: &K,
        id: Uuid,
        digest: &str,
        freshness: Freshness,
    ) -> Result<Option<Ended>, Problem> {
        let id = MessageId::new(id);
        let Some(known) = self.outcome(topic, key, id, freshness).await? else { return Ok(None) };
        if known.digest != digest {
            return Err(key_reused());
        }
        let outcome = match known.settled {
            Some(settled) => Some(settled),
            None => {
                let expected = self.replies.expect(id, digest).map_err(|_| key_reused())?;
                self.settled(expected, topic, key, id, 0).await.map(|told| told.settled)
            }
        };
        Ok(Some(Ended { outcome, fresh: Freshness::SourceEnd, replayed: true }))
    }

    /// Sends a command, and waits for its outcome as long as the client wants to.
    ///
    /// # Errors
    /// `Unavailable` where the log does not take it: nobody knows then whether it did.
    pub async fn send<K: Key, P: Contract>(&self, command: Command<K, P>) -> Result<Ended, Problem> {
        let id = MessageId::new(command.id);
        let (topic, digest) = (command.topic, command.digest.clone());
        // Before it is sent: the outcome may be back before the log has answered.
        let expected = self.replies.expect(id, &digest).map_err(|_| key_reused())?;
        let key = command.key.text();
        let after = self.append(command, Some(self.replies.address())).await?;
        let told = self.settled(expected, topic, &Text(key), id, after).await;
        // A command that takes several records to be decided is seen where the last of them is.
        let seen = told.as_ref().map_or(after, |told| told.position.max(after));
        Ok(Ended { outcome: told.map(|told| told.settled), fresh: Freshness::AtLeast(seen), replayed: false })
    }

    /// Writes a record that nobody answers.
    pub async fn publish<K: Key, P: Contract>(&self, command: Command<K, P>) -> Result<Offset, Problem> {
        self.append(command, None).await
    }

    async fn append<K: Key, P: Contract>(
        &self,
        command: Command<K, P>,
        reply_to: Option<ReplyTo>,
    ) -> Result<Offset, Problem> {
        let Command { topic, key, id, actor, subject, digest, payload } = command;
        let (key, id, at) = (key.text(), MessageId::new(id), now());
        let envelope = Envelope {
            id,
            key: key.clone(),
            subject_id: subject,
            causation_id: None,
            correlation_id: id,
            actor,
            at,
            request: Some(Request { digest, reply_to }),
            cause: None,
            payload,
        };
        let value = self.codecs.of::<P>(topic.name).and_then(|codec| codec.encode(&envelope)).map_err(unwritable)?;
        let Some(partitions) = self.layout.partitions(topic.name) else {
            return Err(unavailable(&format!("the run has no topic {}", topic.name)));
        };
        let partition = partition_of(key.as_bytes(), partitions);
        let append = Append {
            to: TopicPartition::new(self.layout.physical(topic.name), partition),
            timestamp: at.millis(),
            key: Some(key.into()),
            value: Some(value.into()),
            headers: vec![("traceparent".into(), self.trace.parent().into())],
        };
        let offset = match tokio::time::timeout(APPEND, self.writer.append(append)).await {
            Ok(Ok(offset)) => offset,
            Ok(Err(LogError::TooLarge { .. })) => {
                return Err(Problem::new(Code::TooLarge, "That is too much for one request."));
            }
            Ok(Err(cause)) => return Err(unavailable(&cause.to_string())),
            Err(_) => return Err(unavailable("the log took longer than 10 s")),
        };
        self.carried.add(topic.name, partition, offset + 1);
        Ok(offset + 1)
    }

    /// The outcome, if it comes within the client's patience: told by the processor, or found where it is remembered.
    async fn settled<K: Key, P>(
        &self,
        mut expected: Expected,
        topic: Topic<K, P>,
        key: &impl Key,
        id: MessageId,
        after: Offset,
    ) -> Option<Told> {
        let deadline = tokio::time::Instant::now() + self.wait.patience;
        let mut look = LOOK;
        while tokio::time::Instant::now() < deadline {
            let rest = deadline.saturating_duration_since(tokio::time::Instant::now());
            if let Some(told) = expected.within(rest.min(look)).await {
                return Some(told);
            }
            if let Ok(Some(Outcome { settled: Some(settled), .. })) = self.outcome(topic, key, id, Freshness::Any).await
            {
                // Where it was found, it is seen.
                return Some(Told { settled, position: after });
            }
            // Told as a rule; asked ever more rarely.
            look = (look * 2).min(Duration::from_secs(1));
        }
        None
    }

    async fn outcome<K: Key, P>(
        &self,
        topic: Topic<K, P>,
        key: &impl Key,
        id: MessageId,
        freshness: Freshness,
    ) -> Result<Option<Outcome>, Problem> {
        self.queries.outcome(topic.owner, key, id, freshness).await.map_err(unanswered)
    }

    /// The row of a view.
    pub async fn row<R: RowKey, V: DeserializeOwned>(
        &self,
        view: View<R, V>,
        key: &impl Key,
        row: &R,
        freshness: Freshness,
    ) -> Result<Option<V>, Problem> {
        self.queries.row(view, key, row, freshness).await.map_err(unanswered)
    }

    /// The resource under its own id. One that was promised by a 202 and is not decided yet is waited for a little.
    pub async fn resource<K: Key, P, V: DeserializeOwned>(
        &self,
        topic: Topic<K, P>,
        view: View<(), V>,
        key: &K,
        id: Uuid,
    ) -> Result<V, Problem> {
        let deadline = tokio::time::Instant::now() + tradewind_runtime::REPLICA_PATIENCE;
        loop {
            if let Some(found) = self.row(view, key, &(), Freshness::SourceEnd).await? {
                return Ok(found);
            }
            match self.outcome(topic, key, MessageId::new(id), Freshness::Any).await? {
                Some(Outcome { settled: None, .. }) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(LOOK).await;
                }
                Some(Outcome { settled: None, .. }) => {
                    return Err(Problem::new(Code::Undecided, "It is not decided yet whether this comes to be."));
                }
                // Decided between the two questions: it will be there the next time.
                Some(Outcome { settled: Some(Settled::Accepted {}), .. }) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(LOOK).await;
                }
                _ => return Err(Problem::not_found()),
            }
        }
    }

    /// Rows of a view, in their order or backwards, after a row.
    pub async fn rows<R: RowKey, V: DeserializeOwned>(
        &self,
        view: View<R, V>,
        key: &impl Key,
        after: Option<Vec<u8>>,
        backwards: bool,
        limit: usize,
    ) -> Result<Page<V>, Problem> {
        let asked = self.queries.rows(view, key, &[], after, backwards, limit, Freshness::SourceEnd).await;
        asked.map_err(unanswered)
    }

    /// Waits for what the client's tokens name.
    async fn catch_up(&self) -> Result<(), Problem> {
        for ((topic, partition), after) in self.carried.brought()? {
            match topic.split_once('.') {
                Some((stage, "commands")) => {
                    let partitions = self.layout.partitions(topic).unwrap_or(1);
                    let Some(key) = key_in(*partition, partitions) else { continue };
                    let nothing = MessageId::new(Uuid::nil());
                    let asked = self.queries.outcome(stage, &key, nothing, Freshness::AtLeast(*after)).await;
                    asked.map_err(unanswered)?;
                }
                Some(("catalog", "products")) => self.catalogue.replica().reach(*partition, *after).await?,
                Some(("identity", "keys")) => self.keys.replica().reach(*partition, *after).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The catalogue, showing what the client's tokens name of it.
    pub async fn shown_catalogue(&self) -> Result<&Catalogue, Problem> {
        let brought = self.carried.brought()?.iter();
        let named = brought.filter(|((topic, _), _)| topic == CATALOG_COMMANDS.name);
        let positions: Vec<_> = named.map(|((_, partition), after)| (*partition, *after)).collect();
        self.catalogue.shows(&positions).await?;
        Ok(&self.catalogue)
    }
}

/// A key that is text already.
pub struct Text(pub String);

impl Key for Text {
    fn text(&self) -> String {
        self.0.clone()
    }
}

/// Some key that lies in this partition: tasks are asked by key.
fn key_in(partition: u32, partitions: u32) -> Option<Text> {
    let keys = (0..10_000_u32).map(|n| n.to_string());
    keys.into_iter().find(|key| partition_of(key.as_bytes(), partitions) == partition).map(Text)
}

fn key_reused() -> Problem {
    Problem::new(Code::IdempotencyKeyReused, "This Idempotency-Key came with another body before.")
}

fn unwritable(cause: CodecError) -> Problem {
    tracing::error!(%cause, "a command cannot be written");
    Problem::new(Code::Internal, "The request could not be passed on.")
}

fn unavailable(cause: &str) -> Problem {
    static NOT_TAKEN: Seldom = Seldom::new();
    if let Some(left_out) = NOT_TAKEN.due() {
        tracing::warn!(cause, left_out, "a command was not taken");
    }
    Problem::new(Code::Unavailable, "The request could not be passed on; try again with the same Idempotency-Key.")
}

pub(crate) fn unanswered(cause: QueryError) -> Problem {
    match cause {
        QueryError::Behind { .. } => Problem::new(Code::NotCaughtUp, "The views are not that fresh yet; try again."),
        QueryError::Unavailable { .. } => {
            static UNAVAILABLE: Seldom = Seldom::new();
            if let Some(left_out) = UNAVAILABLE.due() {
                tracing::warn!(%cause, left_out, "a question was not answered");
            }
            Problem::new(Code::Unavailable, "A part of the shop does not answer at the moment; try again.")
        }
        QueryError::Broken { .. } => {
            static BROKEN: Seldom = Seldom::new();
            if let Some(left_out) = BROKEN.due() {
                tracing::error!(%cause, left_out, "a question was not answered");
            }
            Problem::new(Code::Internal, "A part of the shop cannot be read.")
        }
    }
}
