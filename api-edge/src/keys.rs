//! People's data keys: published before they are used, and learned from the topic by every edge.

use std::sync::Arc;

use tradewind_runtime::{Codecs, Failure, Replica};
use tradewind_schemas::{
    Address, Keyring, KeyringError, Sealed, UserId,
    identity::{SubjectKey, SubjectKeyId},
};
use tradewind_topics::{Log, LogError, Record, list::IDENTITY_KEYS};

use crate::problem::{Code, Problem};

/// A field that holds personal data: the topic and name it was first written under.
#[derive(Clone, Copy)]
pub struct Field {
    pub topic: &'static str,
    pub name: &'static str,
}

pub const EMAIL: Field = Field { topic: "identity.commands", name: "email" };
pub const NAME: Field = Field { topic: "identity.commands", name: "name" };
pub const ADDRESS: Field = Field { topic: "identity.commands", name: "address" };
pub const SHIPPING_ADDRESS: Field = Field { topic: "order.commands", name: "shipping_address" };

/// The keyring, kept current.
pub struct Keys {
    pub ring: Arc<Keyring>,
    replica: Replica,
}

impl Keys {
    pub fn follow(
        log: &Arc<dyn Log>,
        topic: Arc<str>,
        partitions: u32,
        codecs: Codecs,
        ring: Arc<Keyring>,
    ) -> Result<Self, LogError> {
        let filled = ring.clone();
        let apply = move |record: &Record| -> Result<(), Failure> {
            match (&record.key, &record.value) {
                (_, Some(value)) => {
                    let key = codecs.of::<SubjectKey>(IDENTITY_KEYS.name)?.decode(value)?.payload;
                    if let Err(cause) = filled.learn(&key) {
                        tracing::error!(offset = record.offset, %cause, "a data key is of no use");
                    }
                }
                (Some(key), None) => {
                    if let Some(id) = SubjectKeyId::parse(&String::from_utf8_lossy(key)) {
                        filled.forget(id.user_id);
                    }
                }
                (None, None) => {}
            }
            Ok(())
        };
        Ok(Self { ring, replica: Replica::follow(log, topic, partitions, Box::new(apply))? })
    }

    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Seals for a person, whose key may have been made by another edge a moment ago.
    pub async fn seal(&self, subject: UserId, field: Field, plaintext: &[u8]) -> Result<Sealed, Problem> {
        let seal = || self.ring.seal(subject, field.topic, field.name, plaintext);
        match seal() {
            Err(KeyringError::UnknownSubject(_)) => {
                self.replica.catch_up().await?;
                seal().map_err(problem)
            }
            sealed => sealed.map_err(problem),
        }
    }

    pub async fn seal_address(&self, subject: UserId, field: Field, address: &Address) -> Result<Sealed, Problem> {
        let json = serde_json::to_vec(address).map_err(|cause| {
            tracing::error!(%cause, "an address cannot be written");
            Problem::new(Code::Internal, "Personal data could not be read or written.")
        })?;
        self.seal(subject, field, &json).await
    }

    /// The address in clear; none of an erased person.
    pub async fn open_address(
        &self,
        subject: UserId,
        field: Field,
        sealed: &Sealed,
    ) -> Result<Option<Address>, Problem> {
        let text = self.open(subject, field, sealed).await?;
        Ok(serde_json::from_str(&text).ok())
    }

    /// The text in clear; that of an erased person is empty.
    pub async fn open(&self, subject: UserId, field: Field, sealed: &Sealed) -> Result<String, Problem> {
        let open = || self.ring.open(subject, field.topic, field.name, sealed);
        let opened = match open() {
            Err(KeyringError::UnknownSubject(_) | KeyringError::UnknownKey { .. }) => {
                self.replica.catch_up().await?;
                open()
            }
            opened => opened,
        };
        match opened {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(KeyringError::Erased(_)) => Ok(String::new()),
            Err(cause) => Err(problem(cause)),
        }
    }
}

fn problem(cause: KeyringError) -> Problem {
    tracing::error!(%cause, "personal data was not sealed or opened");
    Problem::new(Code::Internal, "Personal data could not be read or written.")
}
