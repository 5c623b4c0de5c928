//! The registry over HTTP.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Registry,
    answers::{Answer, Submitted, Wanted, parse, which},
    fault::{Fault, messages},
};
use crate::compatibility::Level;

type Answered = Result<Answer, Fault>;
type Served = State<Arc<Registry>>;

impl Registry {
    /// The routes of Confluent's registry that clients of topics use.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", get(async || Answer(json!({}))))
            .route("/schemas/types", get(async || Answer(json!(["AVRO"]))))
            .route("/schemas/ids/{id}", get(schema))
            .route("/schemas/ids/{id}/versions", get(uses))
            .route("/subjects", get(subjects))
            .route("/subjects/{subject}", post(lookup))
            .route("/subjects/{subject}/versions", get(versions).post(register))
            .route("/subjects/{subject}/versions/{version}", get(version))
            .route("/compatibility/subjects/{subject}/versions", post(check_all))
            .route("/compatibility/subjects/{subject}/versions/{version}", post(check))
            .route("/config", get(level).put(set_level))
            .route("/config/{subject}", get(subject_level).put(set_subject_level))
            .route("/mode", get(async || Answer(json!({ "mode": "READWRITE" }))))
            .route("/mode/{subject}", get(mode))
            .fallback(async || Fault::NoSuchPath)
            .method_not_allowed_fallback(async || Fault::NoSuchMethod)
            .with_state(self.clone())
    }
}

/// Does what waits for the disk where waiting is allowed. It is finished even if the client goes away.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Fault::Panicked))
}

async fn register(State(registry): Served, Path(subject): Path<String>, body: Bytes) -> Answered {
    let text = Submitted::text(&body)?;
    let id = blocking(move || registry.register(&subject, &text)).await?;
    Ok(Answer(json!({ "id": id })))
}

async fn lookup(State(registry): Served, Path(subject): Path<String>, body: Bytes) -> Answered {
    let text = Submitted::text(&body)?;
    let found = blocking(move || registry.lookup(&subject, &text)).await?;
    Ok(Answer(of_version(&found)))
}

async fn subjects(State(registry): Served) -> Answer {
    Answer(json!(registry.tables.read().subjects()))
}

async fn versions(State(registry): Served, Path(subject): Path<String>) -> Answered {
    let versions = registry.tables.read().versions(&subject)?;
    Ok(Answer(versions.iter().map(|version| version.version).collect()))
}

async fn version(State(registry): Served, Path((subject, version)): Path<(String, String)>) -> Answered {
    let found = registry.tables.read().version(&subject, which(&version)?)?;
    Ok(Answer(of_version(&found)))
}

async fn schema(State(registry): Served, Path(id): Path<String>) -> Answered {
    Ok(Answer(json!({ "schema": registry.schema(parse_id(&id)?)? })))
}

async fn uses(State(registry): Served, Path(id): Path<String>) -> Answered {
    let id = parse_id(&id)?;
    registry.schema(id)?;
    let uses = registry.tables.read().uses(id);
    Ok(Answer(uses.iter().map(|used| json!({ "subject": used.subject, "version": used.version })).collect()))
}

#[derive(Deserialize)]
struct Verbosity {
    #[serde(default)]
    verbose: bool,
}

async fn check(
    State(registry): Served,
    Path((subject, version)): Path<(String, String)>,
    Query(verbosity): Query<Verbosity>,
    body: Bytes,
) -> Answered {
    let (against, text) = (Some(which(&version)?), Submitted::text(&body)?);
    let findings = blocking(move || registry.check(&subject, against, &text)).await?;
    Ok(verdict(&messages(&findings), verbosity.verbose))
}

async fn check_all(
    State(registry): Served,
    Path(subject): Path<String>,
    Query(verbosity): Query<Verbosity>,
    body: Bytes,
) -> Answered {
    let text = Submitted::text(&body)?;
    let findings = blocking(move || registry.check(&subject, None, &text)).await?;
    Ok(verdict(&messages(&findings), verbosity.verbose))
}

async fn level(State(registry): Served) -> Answer {
    of_level(registry.tables.read().level())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fallback {
    #[serde(default)]
    default_to_global: bool,
}

async fn subject_level(
    State(registry): Served,
    Path(subject): Path<String>,
    Query(fallback): Query<Fallback>,
) -> Answered {
    let tables = registry.tables.read();
    let level = match fallback.default_to_global {
        true => Some(tables.level_of(&subject)),
        false => tables.own_level(&subject),
    };
    level.map(of_level).ok_or(Fault::NoLevel(subject))
}

async fn set_level(State(registry): Served, body: Bytes) -> Answered {
    set(registry, None, &body).await
}

async fn set_subject_level(State(registry): Served, Path(subject): Path<String>, body: Bytes) -> Answered {
    set(registry, Some(subject), &body).await
}

async fn set(registry: Arc<Registry>, subject: Option<String>, body: &Bytes) -> Answered {
    let Wanted { compatibility } = parse(body)?;
    let level: Level = compatibility.parse().map_err(|()| Fault::InvalidLevel(compatibility))?;
    blocking(move || registry.set_level(subject.as_deref(), level)).await?;
    Ok(Answer(json!({ "compatibility": level.to_string() })))
}

async fn mode(Path(subject): Path<String>, Query(fallback): Query<Fallback>) -> Answered {
    match fallback.default_to_global {
        true => Ok(Answer(json!({ "mode": "READWRITE" }))),
        false => Err(Fault::NoMode(subject)),
    }
}

fn of_version(found: &super::Version) -> serde_json::Value {
    json!({ "subject": found.subject, "version": found.version, "id": found.id, "schema": found.text() })
}

fn of_level(level: Level) -> Answer {
    Answer(json!({ "compatibilityLevel": level.to_string() }))
}

fn verdict(messages: &[String], verbose: bool) -> Answer {
    let mut verdict = json!({ "is_compatible": messages.is_empty() });
    if verbose {
        verdict["messages"] = json!(messages);
    }
    Answer(verdict)
}

/// What is no number cannot be an id that exists.
fn parse_id(id: &str) -> Result<u32, Fault> {
    id.parse().map_err(|_| Fault::NoSuchPath)
}
