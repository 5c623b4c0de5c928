//! How requests come in and answers go out: Confluent's shapes.

use axum::{
    body::Bytes,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Which, fault::Fault};

const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// An answer in the registry's content type.
pub struct Answer(pub Value);

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, CONTENT_TYPE)], self.0.to_string()).into_response()
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let code = self.code();
        let status = if code > 999 { code / 100 } else { code };
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(error = &self as &dyn std::error::Error, "the schema registry failed");
        }
        (status, Answer(json!({ "error_code": code, "message": self.to_string() }))).into_response()
    }
}

/// A schema in a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    schema: String,
    schema_type: Option<String>,
    #[serde(default)]
    references: Vec<Value>,
}

impl Submitted {
    pub fn text(body: &Bytes) -> Result<String, Fault> {
        let submitted: Self = parse(body)?;
        match submitted.schema_type.as_deref() {
            None | Some("AVRO") => {}
            Some(other) => return Err(Fault::InvalidSchema(format!("this registry keeps AVRO, not {other}"))),
        }
        match submitted.references.is_empty() {
            true => Ok(submitted.schema),
            false => Err(Fault::InvalidSchema("this registry does not keep references between schemas".to_owned())),
        }
    }
}

/// A compatibility level in a request.
#[derive(Deserialize)]
pub struct Wanted {
    pub compatibility: String,
}

/// Whatever the content type says: Confluent's own takes JSON under several names.
pub fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| Fault::Malformed(error.to_string()))
}

pub fn which(version: &str) -> Result<Which, Fault> {
    // -1 is how older clients say "latest".
    if version == "latest" || version == "-1" {
        return Ok(Which::Latest);
    }
    let number = version.parse().ok().filter(|number: &u32| (1..=i32::MAX as u32).contains(number));
    number.map(Which::Number).ok_or_else(|| Fault::InvalidVersion(version.to_owned()))
}
