use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::problem::Problem;

/// What is sent back for a request: a status and the JSON text, as recorded.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: String,
    /// Whether this was recorded for an earlier request with the same idempotency key.
    pub replayed: bool,
}

impl Answer {
    /// Whether the ledger carried the request out just now.
    pub fn is_first(&self) -> bool {
        !self.replayed && self.status.is_success()
    }
}

impl From<Value> for Answer {
    fn from(object: Value) -> Self {
        Self { status: StatusCode::OK, body: object.to_string(), replayed: false }
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self { status: problem.status, body: problem.into_body().to_string(), replayed: false }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.replayed {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Answer::from(self).into_response()
    }
}
