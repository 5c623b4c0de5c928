//! The registry's records: JSON, keyed as in Confluent's `_schemas`, so that the latest of each key is all there is to
//! know.

use serde::{Deserialize, Serialize};
use tradewind_topics::Record;

use crate::compatibility::Level;

#[derive(Serialize, Deserialize)]
#[serde(tag = "keytype")]
enum Key {
    #[serde(rename = "SCHEMA")]
    Schema { subject: String, version: u32, magic: u32 },
    #[serde(rename = "CONFIG")]
    Config { subject: Option<String>, magic: u32 },
    #[serde(rename = "NOOP")]
    Noop {},
}

#[derive(Serialize, Deserialize)]
struct SchemaValue {
    subject: String,
    version: u32,
    id: u32,
    schema: String,
    deleted: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigValue {
    compatibility_level: String,
}

/// What a record says.
pub enum Entry {
    Schema { subject: String, version: u32, id: u32, text: String },
    Level { subject: Option<String>, level: Level },
}

impl Entry {
    pub fn schema(subject: &str, version: u32, id: u32, text: String) -> Self {
        Self::Schema { subject: subject.to_owned(), version, id, text }
    }

    pub fn level(subject: Option<&str>, level: Level) -> Self {
        Self::Level { subject: subject.map(str::to_owned), level }
    }

    /// The record's key and value.
    pub fn encode(&self) -> serde_json::Result<(Vec<u8>, Vec<u8>)> {
        match self {
            Self::Schema { subject, version, id, text } => Ok((
                serde_json::to_vec(&Key::Schema { subject: subject.clone(), version: *version, magic: 1 })?,
                serde_json::to_vec(&SchemaValue {
                    subject: subject.clone(),
                    version: *version,
                    id: *id,
                    schema: text.clone(),
                    deleted: false,
                })?,
            )),
            Self::Level { subject, level } => Ok((
                serde_json::to_vec(&Key::Config { subject: subject.clone(), magic: 0 })?,
                serde_json::to_vec(&ConfigValue { compatibility_level: level.to_string() })?,
            )),
        }
    }

    /// What a record says; `None` if it says nothing.
    ///
    /// # Errors
    /// In words, if it was written by something else or by a newer version.
    pub fn decode(record: &Record) -> Result<Option<Self>, String> {
        let (Some(key), Some(value)) = (&record.key, &record.value) else {
            return Err("it has no key or no value".to_owned());
        };
        let json = |error: serde_json::Error| error.to_string();
        match serde_json::from_slice(key).map_err(json)? {
            Key::Schema { subject, version, .. } => {
                let value: SchemaValue = serde_json::from_slice(value).map_err(json)?;
                if value.deleted {
                    return Err(format!("it deletes version {version} of {subject}, which this registry does not do"));
                }
                Ok(Some(Self::Schema { subject, version, id: value.id, text: value.schema }))
            }
            Key::Config { subject, .. } => {
                let ConfigValue { compatibility_level: level } = serde_json::from_slice(value).map_err(json)?;
                let level = level.parse().map_err(|()| format!("there is no compatibility level {level}"))?;
                Ok(Some(Self::Level { subject, level }))
            }
            Key::Noop {} => Ok(None),
        }
    }
}
