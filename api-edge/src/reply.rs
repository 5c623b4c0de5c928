//! Answers of "yes".

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::{Code, Problem};

/// A resource, or a page of them, or nothing.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    body: Option<Vec<u8>>,
    location: Option<String>,
    link: Option<String>,
    replayed: bool,
    secret: bool,
}

impl Reply {
    pub fn ok(resource: &impl Serialize) -> Result<Self, Problem> {
        Self::with(StatusCode::OK, resource)
    }

    pub fn created(resource: &impl Serialize, location: impl Into<String>) -> Result<Self, Problem> {
        Ok(Self { location: Some(location.into()), ..Self::with(StatusCode::CREATED, resource)? })
    }

    /// It will be decided; `location` is where to ask.
    pub fn accepted(resource: &impl Serialize, location: impl Into<String>) -> Result<Self, Problem> {
        Ok(Self { location: Some(location.into()), ..Self::with(StatusCode::ACCEPTED, resource)? })
    }

    pub fn no_content() -> Self {
        let status = StatusCode::NO_CONTENT;
        Self { status, body: None, location: None, link: None, replayed: false, secret: false }
    }

    /// The first answer of this request was another's, or an earlier one's.
    pub fn replayed(self, replayed: bool) -> Self {
        Self { replayed, ..self }
    }

    /// Where the next page is.
    pub fn next(self, link: Option<String>) -> Self {
        Self { link, ..self }
    }

    /// Nobody on the way may keep it.
    pub fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// The ETag that it goes out with.
    pub fn tag(&self) -> String {
        self.body.as_deref().map(etag).unwrap_or_default()
    }

    fn with(status: StatusCode, resource: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(resource).map_err(|cause| {
            tracing::error!(%cause, "an answer cannot be written");
            Problem::new(Code::Internal, "The answer could not be written.")
        })?;
        Ok(Self { status, body: Some(body), ..Self::no_content() })
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let tag = self.body.as_ref().filter(|_| !self.secret).map(|body| etag(body));
        let mut response = match self.body {
            Some(body) => (self.status, body).into_response(),
            None => self.status.into_response(),
        };
        let headers = response.headers_mut();
        if headers.contains_key(header::CONTENT_TYPE) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let text = |value: Option<String>| value.and_then(|value| HeaderValue::from_str(&value).ok());
        for (name, value) in [
            (header::ETAG, text(tag.filter(|_| self.status != StatusCode::ACCEPTED))),
            (header::LOCATION, text(self.location)),
            (header::LINK, text(self.link)),
            (
                header::CACHE_CONTROL,
                Some(HeaderValue::from_static(if self.secret { "no-store" } else { "private, no-cache" })),
            ),
        ] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        if self.replayed {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}

/// A strong one: of the very bytes.
fn etag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let hex: String = digest[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// A page of a list.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
}

/// What a request that is not decided yet will be known as.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Pending {
    pub id: String,
    /// `pending`, or `placed` of an order.
    pub status: &'static str,
}
