//! Whether it lives, whether it is ready, what it measures, and the keys that verify its tokens.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    app::App,
    problem::{Code, Problem},
};

/// Whether the process lives.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, description = "It does.")))]
pub async fn live() -> &'static str {
    "live\n"
}

/// Whether requests can be served; what is missing is named.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, description = "They can."), (status = 503, description = "Not yet: `waiting_for` says for what.")))]
pub async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let waiting_for = app.waits_for();
    let status = if waiting_for.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": waiting_for.is_empty(), "waiting_for": waiting_for})))
}

/// The public keys that verify access tokens.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "session",
    responses((status = 200, description = "A JSON web key set (RFC 7517).")))]
pub async fn key_set(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(app.jwt.key_set()))
}

pub async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    app.metrics.waiting.set(app.replies.waiting() as i64);
    app.metrics.hashing.set(app.passwords.waiting() as i64);
    app.metrics.catalogue_lag.set(app.catalogue.replica().lag().map_or(f64::INFINITY, |lag| lag.as_secs_f64()));
    match app.metrics.text() {
        Ok(text) => Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()),
        Err(cause) => {
            tracing::error!(%cause, "the metrics cannot be written");
            Err(Problem::new(Code::Internal, "The metrics cannot be written."))
        }
    }
}
