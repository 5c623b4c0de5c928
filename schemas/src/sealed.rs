//! Personal data: encrypted before it reaches a topic, opaque to everything but an edge or a connector.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

/// A ciphertext (AES-256-GCM) under one key of the person it is about. Whoever holds no keys can copy and store it, no
/// more; when the key is gone, so is what it says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind")]
pub struct Sealed {
    /// Which of the person's keys.
    pub key_id: String,
    /// 12 bytes.
    #[avro(with)]
    #[serde(with = "apache_avro::serde::bytes")]
    pub nonce: Vec<u8>,
    /// Ciphertext and tag.
    #[avro(with)]
    #[serde(with = "apache_avro::serde::bytes")]
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// Where something is sent. It travels sealed, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    pub name: String,
    pub line1: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    pub city: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub postal_code: String,
    /// ISO 3166-1 alpha-2, such as `DE`.
    pub country: String,
}

impl Address {
    /// In bytes, of a sealed one: it has a few hundred.
    pub const LONGEST_SEALED: usize = 16 * 1024;
}
