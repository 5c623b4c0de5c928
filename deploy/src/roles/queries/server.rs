//! A worker's side.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use prometheus::{Encoder, Registry, TextEncoder};
use secrecy::{ExposeSecret, SecretString};
use tradewind_runtime::{Queries, Question};

use super::PATH;

struct Desk {
    queries: Arc<dyn Queries>,
    password: SecretString,
}

/// Answers the questions of those who know the password; bodies are postcard both ways. Whether the process lives, and
/// what it measures of itself, is for everybody who reaches this port.
pub fn router(queries: Arc<dyn Queries>, password: String, metrics: Registry) -> Router {
    let desk = Arc::new(Desk { queries, password: SecretString::from(password) });
    let router = Router::new().route(PATH, post(answer)).route("/livez", get(|| async { "ok" }));
    router.route("/metrics", get(move || async move { text(&metrics) })).with_state(desk)
}

/// In Prometheus's text format.
fn text(metrics: &Registry) -> Response {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&metrics.gather(), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn answer(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !same(shown, &format!("Bearer {}", desk.password.expose_secret())) {
        return (StatusCode::UNAUTHORIZED, "only edges of this shop are answered").into_response();
    }
    let question: Question = match postcard::from_bytes(&body) {
        Ok(question) => question,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("that is no question: {error}")).into_response(),
    };
    match postcard::to_stdvec(&desk.queries.ask(question).await) {
        Ok(answer) => answer.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Takes as long for any two texts of a length.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |unlike, (a, b)| unlike | (a ^ b)) == 0
}
