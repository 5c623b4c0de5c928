//! The one envelope around every record.

use apache_avro::{AvroSchema, AvroSchemaComponent};
use serde::{Deserialize, Serialize};

use crate::{MessageId, Timestamp, UserId};

/// What a user may do; a table in docs/roles.md says which role may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind")]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Customer,
    Merchant,
    Admin,
}

/// On whose behalf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind")]
pub struct Actor {
    /// `None` for guests and for the platform itself.
    pub user_id: Option<UserId>,
    pub roles: Vec<Role>,
    /// The capability or connector, where it speaks for itself.
    pub service: Option<String>,
}

impl Actor {
    pub fn user(user_id: UserId, roles: Vec<Role>) -> Self {
        Self { user_id: Some(user_id), roles, service: None }
    }

    pub fn guest() -> Self {
        Self { user_id: None, roles: Vec::new(), service: None }
    }

    pub fn service(name: &str) -> Self {
        Self { user_id: None, roles: Vec::new(), service: Some(name.to_owned()) }
    }

    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Merchants and administrators: those who run the shop.
    pub fn is_staff(&self) -> bool {
        self.is(Role::Merchant) || self.is(Role::Admin)
    }

    pub fn is_service(&self) -> bool {
        self.service.is_some()
    }
}

/// Which edge waits for an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind")]
pub struct ReplyTo {
    /// The partition of `edge.replies` that it reads.
    pub partition: i32,
    /// Which run of it: an earlier one's waiters are gone.
    pub instance: String,
}

/// A client's request behind a command: what makes a retry recognisable, and who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind")]
pub struct Request {
    /// SHA-256, in hex, of the canonical JSON that the client sent.
    pub digest: String,
    pub reply_to: Option<ReplyTo>,
}

/// A place in a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind")]
pub struct Position {
    /// Without the namespace of the run.
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

/// What every record carries around its payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
pub struct Envelope<P: AvroSchemaComponent> {
    pub id: MessageId,
    /// The record's key, as text.
    pub key: String,
    /// The person whom this record is about, where it is about one.
    pub subject_id: Option<UserId>,
    /// The message that led to this one.
    pub causation_id: Option<MessageId>,
    /// The message that began it all.
    pub correlation_id: MessageId,
    pub actor: Actor,
    /// When it happened; decisions know no other time.
    pub at: Timestamp,
    /// In commands from an edge.
    pub request: Option<Request>,
    /// The client's command that this goes back to, where it has a place: what a consistency token names.
    pub cause: Option<Position>,
    pub payload: P,
}

impl<P: AvroSchemaComponent> Envelope<P> {
    /// The same around another payload.
    pub fn with<Q: AvroSchemaComponent>(self, payload: Q) -> Envelope<Q> {
        let Self { id, key, subject_id, causation_id, correlation_id, actor, at, request, cause, payload: _ } = self;
        Envelope { id, key, subject_id, causation_id, correlation_id, actor, at, request, cause, payload }
    }

    /// The payload, and what was around it.
    pub fn split(self) -> (P, Envelope<()>) {
        let Self { id, key, subject_id, causation_id, correlation_id, actor, at, request, cause, payload } = self;
        let around =
            Envelope { id, key, subject_id, causation_id, correlation_id, actor, at, request, cause, payload: () };
        (payload, around)
    }
}
