//! The audit of a running platform, over its admin port.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::sync::Semaphore;
use tradewind_runtime::{Codecs, Layout};
use tradewind_topics::Log;

use super::reading::read;

#[derive(Clone)]
struct Audited {
    log: Arc<dyn Log>,
    layout: Layout,
    codecs: Codecs,
    /// It reads everything there is: one at a time is enough.
    turns: Arc<Semaphore>,
}

/// GET /audit: reads the topics while the platform runs, and answers with the verdict; 200 whether it is clean or not.
pub fn router(log: Arc<dyn Log>, layout: Layout, codecs: Codecs) -> Router {
    let audited = Audited { log, layout, codecs, turns: Arc::new(Semaphore::new(1)) };
    Router::new().route("/audit", get(audit)).with_state(audited)
}

async fn audit(State(audited): State<Audited>) -> Response {
    let Ok(turn) = audited.turns.clone().try_acquire_owned() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "another audit is under way: ask again when it is done");
    };
    let work = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        read(audited.log.as_ref(), &audited.layout, &audited.codecs, &mut |_| {})
    });
    match work.await {
        Ok(Ok(books)) => {
            let verdict = books.verdict();
            let violations: Vec<_> = verdict.violations.iter().map(ToString::to_string).collect();
            let open: Vec<_> = verdict.open.iter().map(ToString::to_string).collect();
            let answer = json!({
                "clean": verdict.is_clean(),
                "summary": verdict.to_string(),
                "violation_count": verdict.violation_count,
                "violations": violations,
                "open": open,
            });
            Json(answer).into_response()
        }
        Ok(Err(error)) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        Err(panicked) => problem(StatusCode::INTERNAL_SERVER_ERROR, &panicked.to_string()),
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({ "type": "about:blank", "status": status.as_u16(), "detail": detail });
    (status, [("content-type", "application/problem+json")], body.to_string()).into_response()
}
