//! Requests to the edge, repeated until they are decided.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use hmac::{Hmac, Mac};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header::RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{sync::RwLock, time::sleep};

/// How long an edge may be gone, while it is restarted say, before the import gives up.
const GONE: Duration = Duration::from_secs(60);
/// How long one request may stay undecided.
const UNDECIDED: Duration = Duration::from_secs(15 * 60);
/// Between tries where the edge does not say how long.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest that the edge is asked to wait for a decision, and some more for its answer.
const REQUEST: Duration = Duration::from_secs(45);

/// Whom to log in as.
pub struct Credentials {
    pub email: String,
    pub password: SecretString,
}

impl Credentials {
    /// A password for a customer: nobody else can guess it, and the next import knows it again.
    pub fn password_of(&self, customer: &str) -> String {
        // HMAC takes a key of any length.
        let mac = Hmac::<Sha256>::new_from_slice(self.password.expose_secret().as_bytes());
        let tag = mac.map(|mac| mac.chain_update("northwind customer ").chain_update(customer).finalize().into_bytes());
        tag.map(|tag| tag[..16].iter().map(|byte| format!("{byte:02x}")).collect()).unwrap_or_default()
    }
}

/// The edge, and the administrator's session there.
pub struct Edge {
    http: Client,
    base: String,
    pub credentials: Credentials,
    token: RwLock<String>,
    /// It has answered before.
    met: AtomicBool,
}

/// An answer that is final.
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
    asked: String,
}

impl Answer {
    /// The problem's code; empty where it is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The body of a success.
    ///
    /// # Errors
    /// What was asked, and what the edge said.
    pub fn success(self) -> Result<Value> {
        if self.status.is_success() { Ok(self.body) } else { Err(self.refusal()) }
    }

    pub fn refusal(&self) -> anyhow::Error {
        let what = if self.body.is_null() { "without a problem detail".to_owned() } else { self.body.to_string() };
        anyhow!("{} was answered {}: {what}", self.asked, self.status)
    }
}

/// Who asks.
#[derive(Clone, Copy)]
pub enum As<'a> {
    Administrator,
    Guest,
    /// Whoever has this access token.
    Bearer(&'a str),
}

impl Edge {
    /// # Errors
    /// Where there is no edge, or it does not know the credentials.
    pub async fn log_in(base: &str, credentials: Credentials) -> Result<Self> {
        let http = Client::builder().timeout(REQUEST).no_proxy().build()?;
        let base = base.trim_end_matches('/').to_owned();
        let (token, met) = (RwLock::default(), AtomicBool::new(false));
        let edge = Self { http, base, credentials, token, met };
        edge.renew("").await.map(|()| edge)
    }

    fn login(&self) -> Value {
        json!({"email": self.credentials.email, "password": self.credentials.password.expose_secret()})
    }

    /// Another access token, unless somebody had the old one renewed already.
    async fn renew(&self, old: &str) -> Result<()> {
        let mut token = self.token.write().await;
        if *token != old {
            return Ok(());
        }
        let answer = self.settle(&Method::POST, "/v1/sessions", As::Guest, None, Some(&self.login())).await?;
        if answer.status == StatusCode::UNAUTHORIZED && answer.code() == "invalid_credentials" {
            bail!(
                "the edge at {} does not accept the password of {}: name its administrator with --admin-email and --admin-password (TRADEWIND_ADMIN_EMAIL, TRADEWIND_ADMIN_PASSWORD)",
                self.base,
                self.credentials.email
            );
        }
        let session = answer.success().with_context(|| format!("cannot log in at {}; is that an edge?", self.base))?;
        let fresh = session["access_token"].as_str();
        *token = fresh.with_context(|| format!("what answers at {} is no edge", self.base))?.to_owned();
        Ok(())
    }

    pub async fn get(&self, path: &str, who: As<'_>) -> Result<Value> {
        self.ask(&Method::GET, path, who, None, None).await?.success()
    }

    /// All items of a list.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let (mut items, mut next) = (Vec::new(), String::new());
        loop {
            let mut page = self.get(&format!("{path}?limit=100{next}"), As::Administrator).await?;
            if let Value::Array(found) = page["items"].take() {
                items.extend(found);
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return Ok(items),
            }
        }
    }

    /// Posts under an idempotency key: sent again, it has the same effect and answer.
    pub async fn post(&self, path: &str, who: As<'_>, key: &str, body: &Value) -> Result<Answer> {
        self.ask(&Method::POST, path, who, Some(key), Some(body)).await
    }

    pub async fn delete(&self, path: &str, who: As<'_>) -> Result<Answer> {
        self.ask(&Method::DELETE, path, who, None, None).await
    }

    async fn ask(
        &self,
        method: &Method,
        path: &str,
        who: As<'_>,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let token = self.token.read().await.clone();
        let answer = self.settle(method, path, who, key, body).await?;
        let expired = answer.status == StatusCode::UNAUTHORIZED && matches!(who, As::Administrator);
        if !expired {
            return Ok(answer);
        }
        self.renew(&token).await?;
        self.settle(method, path, who, key, body).await
    }

    /// Repeats a request until it is answered for good.
    async fn settle(
        &self,
        method: &Method,
        path: &str,
        who: As<'_>,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let asked = format!("{method} {path}");
        let began = Instant::now();
        let mut seen = Instant::now();
        loop {
            let request = self.request(method, path, who, key, body).await;
            let pause = match whole(request).await {
                Err(gone) if !self.met.load(Ordering::Relaxed) => {
                    return Err(gone.context(format!(
                        "no edge answers at {}: start one with `tradewind up`, or name it with --edge",
                        self.base
                    )));
                }
                Err(gone) if seen.elapsed() >= GONE => {
                    return Err(gone.context(format!(
                        "the edge at {} does not answer any more ({asked}); once it does, import again: what is there stays",
                        self.base
                    )));
                }
                Err(gone) => {
                    tracing::debug!(%gone, asked, "trying again");
                    PAUSE
                }
                Ok((status, pause, body)) => {
                    seen = Instant::now();
                    self.met.store(true, Ordering::Relaxed);
                    if !is_passing(status, key) || began.elapsed() >= UNDECIDED {
                        return Ok(Answer { status, body, asked });
                    }
                    pause
                }
            };
            sleep(pause).await;
        }
    }

    async fn request(
        &self,
        method: &Method,
        path: &str,
        who: As<'_>,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> RequestBuilder {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.header("idempotency-key", key).header("prefer", "wait=30");
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        match who {
            As::Administrator => request.bearer_auth(&*self.token.read().await),
            As::Guest => request,
            As::Bearer(token) => request.bearer_auth(token),
        }
    }
}

/// The status of an answer, when to ask again, and its body; null where it is no JSON.
async fn whole(request: RequestBuilder) -> Result<(StatusCode, Duration, Value)> {
    let response = request.send().await.map_err(reqwest::Error::without_url)?;
    let (status, pause) = (response.status(), retry_after(&response));
    let bytes = response.bytes().await.map_err(reqwest::Error::without_url)?;
    Ok((status, pause, serde_json::from_slice(&bytes).unwrap_or_default()))
}

/// Whether asking again may be answered otherwise. A request that was accepted is decided by the next one with its key.
fn is_passing(status: StatusCode, key: Option<&str>) -> bool {
    match status {
        StatusCode::ACCEPTED => key.is_some(),
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => true,
        _ => false,
    }
}

fn retry_after(response: &Response) -> Duration {
    let said = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    said.and_then(|seconds| seconds.parse().ok()).map_or(PAUSE, Duration::from_secs)
}

#[cfg(test)]
#[path = "edge_tests.rs"]
mod tests;
