//! The compatibility level of subjects that we are the first to write to.

use reqwest::{Client, RequestBuilder};
use schema_registry_converter::schema_registry_common::RawError;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Refusal, causes};
use crate::compatibility::Level;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configured {
    compatibility_level: String,
}

#[derive(Deserialize)]
struct Set {}

/// Makes a new subject ask for what replays need, where the registry's own default asks for less: Confluent's compares
/// with the last version alone. The library that makes our other calls knows no levels.
pub async fn raise(http: &Client, base: &str, subject: &str) -> Result<(), Refusal> {
    let path = format!("{base}/config/{}", subject.replace('/', "%2F"));
    let current: Configured = call(http.get(format!("{path}?defaultToGlobal=true"))).await?;
    let wanted = Level::default();
    let enough = [wanted, Level::FullTransitive];
    if current.compatibility_level.parse().is_ok_and(|level: Level| enough.contains(&level)) {
        return Ok(());
    }
    let Set {} = call(http.put(path).json(&json!({ "compatibility": wanted.to_string() }))).await?;
    Ok(())
}

async fn call<T: for<'d> Deserialize<'d>>(request: RequestBuilder) -> Result<T, Refusal> {
    let unreachable = |error: reqwest::Error| Refusal::Unreachable(causes(&error.without_url()));
    let answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(unreachable)?;
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|error| Refusal::Foreign(error.to_string()));
    }
    match serde_json::from_slice::<RawError>(&body) {
        Ok(raw) => Err(Refusal::of_code(raw.error_code, raw.message)),
        Err(_) if status.is_server_error() => Err(Refusal::Unreachable(format!("it answered {status}"))),
        Err(_) => Err(Refusal::Foreign(format!("it answered {status}"))),
    }
}
