//! Stock keeping units.

use std::{fmt, str::FromStr};

use apache_avro::{
    AvroSchemaComponent, Schema,
    schema::{Name, NamespaceRef, RecordField},
};
use serde::{Deserialize, Serialize};

use crate::Key;

/// What is counted in a warehouse: 1 to 64 ASCII letters, digits, `-`, `_` or `.`, written as its owner writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sku(String);

impl Sku {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// That is no SKU.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a SKU is 1 to 64 ASCII letters, digits, '-', '_' or '.'")]
pub struct NoSku;

impl FromStr for Sku {
    type Err = NoSku;
    fn from_str(text: &str) -> Result<Self, NoSku> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Sku {
    type Error = NoSku;
    fn try_from(text: String) -> Result<Self, NoSku> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if (1..=64).contains(&text.len()) && text.bytes().all(fits) { Ok(Self(text)) } else { Err(NoSku) }
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> Self {
        sku.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Key for Sku {
    fn text(&self) -> String {
        self.0.clone()
    }
}

impl AvroSchemaComponent for Sku {
    fn get_schema_in_ctxt(_: &mut std::collections::HashSet<Name>, _: NamespaceRef) -> Schema {
        Schema::String
    }
    fn get_record_fields_in_ctxt(_: &mut std::collections::HashSet<Name>, _: NamespaceRef) -> Option<Vec<RecordField>> {
        None
    }
}
