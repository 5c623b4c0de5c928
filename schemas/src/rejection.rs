//! Business answers of "no".

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

/// What in a request was wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind")]
pub struct FieldError {
    /// A JSON pointer into the request, such as `/lines/0/quantity`.
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

/// A business answer of "no": recorded, and answered to the caller; never a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind")]
pub struct Rejection {
    /// Stable, snake_case; the list is in docs/problems.md.
    pub code: String,
    pub detail: String,
    pub errors: Vec<FieldError>,
}

impl Rejection {
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), errors: Vec::new() }
    }

    pub fn at(mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), code: code.to_owned(), detail: detail.into() });
        self
    }
}
