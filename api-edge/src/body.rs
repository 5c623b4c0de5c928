//! Bodies of requests: JSON, bounded in size, time and depth, with no field that is not asked for.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::problem::{Code, Problem};

/// 1 MiB.
pub const MAX_BYTES: usize = 1 << 20;
const MAX_DEPTH: usize = 32;
const PATIENCE: Duration = Duration::from_secs(10);

/// What the client sent, as JSON. No body is `{}`.
#[derive(Debug)]
pub struct Sent(pub Value);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body).await?;
        if bytes.is_empty() {
            return Ok(Self(Value::Object(serde_json::Map::new())));
        }
        if !is_json(&parts.headers) {
            return Err(Problem::new(Code::UnsupportedMediaType, "Send application/json."));
        }
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|e| Problem::new(Code::MalformedBody, format!("The body is not JSON: {e}.")))?;
        if depth(&value) > MAX_DEPTH {
            return Err(Problem::new(Code::MalformedBody, format!("The body is nested deeper than {MAX_DEPTH}.")));
        }
        Ok(Self(value))
    }
}

impl Sent {
    /// Reads it as a `T`; what does not fit is named by its JSON pointer.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_path_to_error::deserialize(&self.0).map_err(|error| {
            let why = error.inner().to_string();
            let mut pointer = pointer(error.path());
            let code = if let Some(field) = quoted(&why, "missing field `") {
                pointer.push_str(&escaped(field));
                "missing_field"
            } else if why.starts_with("unknown field `") {
                "unknown_field"
            } else {
                "invalid"
            };
            let pointer = pointer.trim_end_matches('/').to_owned();
            let detail = format!("The body does not fit at '{pointer}': {why}.");
            Problem::new(Code::InvalidBody, detail).at(pointer, code, why)
        })
    }
}

async fn read(body: Body) -> Result<axum::body::Bytes, Problem> {
    match tokio::time::timeout(PATIENCE, to_bytes(body, MAX_BYTES)).await {
        Err(_) => Err(Problem::new(Code::RequestTimeout, "The body did not arrive within 10 s.")),
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(cause)) if is_too_large(&cause) => Err(Problem::new(Code::TooLarge, "The body is larger than 1 MiB.")),
        Ok(Err(_)) => Err(Problem::new(Code::MalformedBody, "The body broke off.")),
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media = parts.next().unwrap_or_default();
    let utf8 = |part: String| part.strip_prefix("charset=").is_none_or(|set| set.trim_matches('"') == "utf-8");
    let json = media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"));
    json && parts.all(utf8)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The path as a JSON pointer with a `/` behind it.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::from("/");
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&escaped(key)),
            Segment::Enum { variant } => pointer.push_str(&escaped(variant)),
            Segment::Unknown => continue,
        }
        pointer.push('/');
    }
    pointer
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn quoted<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    text.strip_prefix(prefix)?.split('`').next()
}
