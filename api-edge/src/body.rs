//! Bodies of requests: JSON, bounded in size, time and depth, with no field that is not asked for.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::{
    app::App,
    bodies::{Bodies, Held},
    problem::{Code, Problem},
};

/// 1 MiB.
const MOST_BYTES: usize = 1 << 20;
/// Of what anybody may send without saying who they are: 8 KiB.
const MOST_FROM_STRANGERS: usize = 8 << 10;
/// Of a body that is too large: 4 MiB.
const MOST_DISCARDED: usize = 4 << 20;
const MAX_DEPTH: usize = 32;
/// A value takes far more room than its text: without this, the bytes that are counted would say little.
const MOST_VALUES: usize = 20_000;
const PATIENCE: Duration = Duration::from_secs(10);

/// What the client sent, as JSON. No body is `{}`.
#[derive(Debug)]
pub struct Sent {
    pub json: Value,
    _held: Held,
}

/// What a stranger sent: of routes that need no token.
pub struct Strangers(pub Sent);

impl FromRequest<Arc<App>> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        read(request, &app.bodies, MOST_BYTES).await
    }
}

impl FromRequest<Arc<App>> for Strangers {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        read(request, &app.bodies, MOST_FROM_STRANGERS).await.map(Self)
    }
}

async fn read(request: Request, bodies: &Bodies, most: usize) -> Result<Sent, Problem> {
    let (parts, body) = request.into_parts();
    let (bytes, held) = match tokio::time::timeout(PATIENCE, collect(body, bodies, most)).await {
        Ok(collected) => collected?,
        Err(_) => return Err(Problem::new(Code::RequestTimeout, "The body did not arrive within 10 s.")),
    };
    if bytes.is_empty() {
        return Ok(Sent { json: Value::Object(serde_json::Map::new()), _held: held });
    }
    if !is_json(&parts.headers) {
        return Err(Problem::new(Code::UnsupportedMediaType, "Send application/json."));
    }
    // At least as many as there are values; few texts have so many of these without.
    if bytes.iter().filter(|byte| matches!(byte, b',' | b':' | b'[' | b'{')).count() > MOST_VALUES {
        return Err(Problem::new(Code::TooLarge, format!("The body has more than {MOST_VALUES} values.")));
    }
    let json: Value = serde_json::from_slice(&bytes)
        .map_err(|e| Problem::new(Code::MalformedBody, format!("The body is not JSON: {e}.")))?;
    if depth(&json) > MAX_DEPTH {
        return Err(Problem::new(Code::MalformedBody, format!("The body is nested deeper than {MAX_DEPTH}.")));
    }
    Ok(Sent { json, _held: held })
}

/// The whole body, counted as it arrives.
async fn collect(mut body: Body, bodies: &Bodies, most: usize) -> Result<(Bytes, Held), Problem> {
    let (mut whole, mut held) = (Vec::new(), Held::default());
    while let Some(data) = next(&mut body).await? {
        if whole.len() + data.len() > most {
            drop((whole, held));
            discard(body).await;
            return Err(Problem::new(Code::TooLarge, format!("The body is larger than {} KiB.", most >> 10)));
        }
        held.grow(bodies, data.len())?;
        whole.extend_from_slice(&data);
    }
    Ok((whole.into(), held))
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(Code::MalformedBody, "The body broke off."))?;
        // Trailers say nothing to us.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Clients hear an answer for sure only once they have sent what they wanted to; beyond some size that is their affair.
async fn discard(mut body: Body) {
    let mut left = MOST_DISCARDED;
    while let Ok(Some(data)) = next(&mut body).await
        && data.len() < left
    {
        left -= data.len();
    }
}

impl Sent {
    /// Reads it as a `T`; what does not fit is named by its JSON pointer.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_path_to_error::deserialize(&self.json).map_err(|error| {
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
