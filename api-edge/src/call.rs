//! One request from first to last byte: its trace, its metrics, and what every answer carries.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    app::App,
    positions::Carried,
    problem::{Code, Problem},
    waiting::{Preference, Wait},
};

/// The W3C trace context of a request: the caller's trace, or a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// 32 hex digits.
    pub id: String,
    span: String,
    flags: String,
}

impl Trace {
    pub fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get("traceparent").and_then(|value| value.to_str().ok());
        let (id, flags) = sent.and_then(parse).unwrap_or_else(|| (Uuid::new_v4().simple().to_string(), "01".into()));
        let span = Uuid::new_v4().simple().to_string()[..16].to_owned();
        Self { id, span, flags }
    }

    /// As it travels on, in headers of HTTP and of records.
    pub fn parent(&self) -> String {
        format!("00-{}-{}-{}", self.id, self.span, self.flags)
    }
}

/// Trace id and flags of `00-<trace id>-<span id>-<flags>`.
fn parse(text: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = text.trim().split('-').collect();
    let [version, id, span, flags, ..] = parts[..] else { return None };
    let hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let some = |part: &str| part.bytes().any(|b| b != b'0');
    let known = hex(version, 2) && version != "ff" && (version != "00" || parts.len() == 4);
    let valid = known && hex(id, 32) && some(id) && hex(span, 16) && some(span) && hex(flags, 2);
    valid.then(|| (id.to_owned(), flags.to_owned()))
}

/// The outermost layer of both routers.
pub async fn answer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let trace = Trace::of(request.headers());
    let request_id = request_id(request.headers());
    let carried = Carried::of(request.headers(), &app.tokens);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let wait = Wait::of(request.headers()).applied.filter(|_| !method.is_safe());
    let seen = request.headers().get(header::IF_NONE_MATCH).cloned();
    let span = tracing::info_span!("request", %method, route = route.as_deref(), trace_id = trace.id, %request_id);
    request.extensions_mut().insert(trace.clone());
    request.extensions_mut().insert(carried.clone());

    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let body = if method == Method::HEAD { Vec::new() } else { problem.body(&trace.id) };
        response = with_body(response, body);
    }
    response = unless_known(&method, seen.as_ref(), response);
    let headers = response.headers_mut();
    for (name, value) in [
        ("traceparent", Some(trace.parent())),
        ("x-request-id", Some(request_id)),
        ("consistency-token", Some(carried.token(&app.tokens))),
        ("preference-applied", wait.map(Preference::text)),
    ] {
        if let Some(Ok(value)) = value.map(|value| HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    headers.entry("x-content-type-options").or_insert(HeaderValue::from_static("nosniff"));
    let status = response.status().as_u16();
    app.metrics.answered(&method, route.as_deref(), status, began.elapsed());
    span.in_scope(|| tracing::debug!(status, micros = began.elapsed().as_micros() as u64, "answered"));
    response
}

/// A panic in a handler, as a problem.
pub fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let what = panic.downcast_ref::<String>().cloned();
    let what = what.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    tracing::error!(what = what.as_deref().unwrap_or("unknown"), "a handler panicked");
    Problem::new(Code::Internal, "Something went wrong on our side; the trace id says where.").into_response()
}

fn request_id(headers: &HeaderMap) -> String {
    let sent = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    let fits = |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    sent.filter(fits).map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned)
}

fn with_body(response: Response, body: Vec<u8>) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}

/// 304 where the client has what it asks for.
fn unless_known(method: &Method, seen: Option<&HeaderValue>, response: Response) -> Response {
    let is_read = matches!(*method, Method::GET | Method::HEAD) && response.status() == StatusCode::OK;
    let (Some(seen), Some(tag), true) = (seen, response.headers().get(header::ETAG), is_read) else { return response };
    let (Ok(seen), Ok(tag)) = (seen.to_str(), tag.to_str()) else { return response };
    let same = |known: &str| known.trim().trim_start_matches("W/") == tag || known.trim() == "*";
    if !seen.split(',').any(same) {
        return response;
    }
    let mut response = with_body(response, Vec::new());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_a_well_formed_trace_is_gone_on_with() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (sent, taken) in [
            (format!("00-{id}-00f067aa0ba902b7-01"), true),
            (format!("cc-{id}-00f067aa0ba902b7-01-more"), true),
            (format!("00-{id}-00f067aa0ba902b7-01-more"), false),
            (format!("ff-{id}-00f067aa0ba902b7-01"), false),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), false),
            (format!("00-{id}-0000000000000000-01"), false),
            (format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase()), false),
            ("nonsense".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(parse(&sent).is_some(), taken, "{sent}");
        }
    }
}
