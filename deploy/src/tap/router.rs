//! Taps of a running platform, over its admin port.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, Query, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tradewind_runtime::Layout;
use tradewind_schemas::SchemaSource;
use tradewind_topics::Log;

use super::{
    beginning::Beginning,
    decoding::Decoder,
    stream::{Tap, TapError, Wanted},
};

/// Each takes a thread.
const MOST_TAPS: usize = 16;
/// Batches of lines that wait for a slow client.
const WAITING: usize = 2;
/// How soon a tap notices that it is not wanted any more.
const WAIT: Duration = Duration::from_millis(200);

#[derive(Clone)]
struct Taps {
    log: Arc<dyn Log>,
    layout: Layout,
    decoder: Arc<Decoder>,
    stop: watch::Receiver<bool>,
    permits: Arc<Semaphore>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default = "end")]
    from: String,
    #[serde(default)]
    follow: bool,
}

fn end() -> String {
    "end".to_owned()
}

/// GET `/tap/{topic}?from=beginning|end|TIME&follow=true|false`: a line of JSON for each record, as they come. Taps end
/// when `stop` turns true, so that they do not hold up the server's end.
pub fn router(log: Arc<dyn Log>, layout: Layout, source: Arc<dyn SchemaSource>, stop: watch::Receiver<bool>) -> Router {
    let decoder = Arc::new(Decoder::new(source));
    let taps = Taps { log, layout, decoder, stop, permits: Arc::new(Semaphore::new(MOST_TAPS)) };
    Router::new().route("/tap/{topic}", get(tap)).with_state(taps)
}

async fn tap(State(taps): State<Taps>, Path(topic): Path<String>, Query(asked): Query<Asked>) -> Response {
    let from: Beginning = match asked.from.parse() {
        Ok(from) => from,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let Ok(permit) = taps.permits.clone().try_acquire_owned() else {
        let detail = format!("there are {MOST_TAPS} taps already: end one, then ask again");
        return problem(StatusCode::SERVICE_UNAVAILABLE, &detail);
    };
    let wanted = Wanted { topic, from, follow: asked.follow };
    let (log, namespace, decoder) = (taps.log.clone(), taps.layout.namespace.clone(), taps.decoder.clone());
    let opened = tokio::task::spawn_blocking(move || Tap::open(log.as_ref(), &namespace, decoder, &wanted));
    let opened = match opened.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error @ TapError::UnknownTopic { .. })) => return problem(StatusCode::NOT_FOUND, &error.to_string()),
        Ok(Err(error)) => return problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        Err(panicked) => return problem(StatusCode::INTERNAL_SERVER_ERROR, &panicked.to_string()),
    };
    let (send, receive) = mpsc::channel(WAITING);
    let stop = taps.stop.clone();
    tokio::task::spawn_blocking(move || pour(opened, &send, &stop, permit));
    let lines = stream::unfold(receive, |mut receive| async { receive.recv().await.map(|lines| (lines, receive)) });
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// Sends lines until the tap ends, its client goes, or the server does.
fn pour(
    mut tap: Tap,
    to: &mpsc::Sender<io::Result<Bytes>>,
    stop: &watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) {
    while !*stop.borrow() && !to.is_closed() {
        let batch = match tap.next(WAIT) {
            Ok(None) => return,
            Ok(Some(lines)) if lines.is_empty() => continue,
            Ok(Some(lines)) => Ok(Bytes::from(lines)),
            Err(error) => {
                tracing::warn!(%error, "a tap ends");
                Err(io::Error::other(error))
            }
        };
        let failed = batch.is_err();
        // The client has gone: nobody is left to tell.
        if to.blocking_send(batch).is_err() || failed {
            return;
        }
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({ "type": "about:blank", "status": status.as_u16(), "detail": detail });
    (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
