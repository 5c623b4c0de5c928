//! A sandbox gateway on a free port of this machine, and the ways to speak to it.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::Path;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tradewind_connectors::sandbox::{Gateway, Options};
use tradewind_connectors::stripe::{Authorisation, Call, Client, Config};
use uuid::Uuid;

pub const KEY: &str = "sk_sandbox_for_tests";

/// A gateway that is being served.
pub struct Sandbox {
    pub url: String,
    http: reqwest::Client,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Sandbox {
    pub async fn on(dir: &Path) -> Self {
        Self::with(dir, options()).await
    }

    pub async fn with(dir: &Path, options: Options) -> Self {
        let gateway = Gateway::open(dir, options).expect("the gateway opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(gateway.serve(listener, async {
            stopped.await.ok();
        }));
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { url, http, stop, server }
    }

    pub fn client(&self) -> Client {
        client(&self.url, Duration::from_secs(60))
    }

    /// A client that gives up after `patience`.
    pub fn impatient(&self, patience: Duration) -> Client {
        client(&self.url, patience)
    }

    /// A request with the right key, for what the client would not send.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(KEY)
    }

    pub async fn post(&self, path: &str, key: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).header("idempotency-key", key).form(form);
        Answer::of(request.send().await.expect("an answer")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.expect("an answer")).await
    }

    /// The sums over all charges.
    pub async fn totals(&self) -> Value {
        self.get("/v1/sandbox/charges").await.body["totals"].clone()
    }

    pub async fn stop(self) {
        self.stop.send(()).ok();
        self.server.await.expect("the server ends").expect("the server ends well");
    }
}

/// An answer of the gateway's, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub replayed: bool,
    pub text: String,
    pub body: Value,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let status = response.status();
        let replayed = response.headers().contains_key("idempotent-replayed");
        let text = response.text().await.expect("a whole answer");
        let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
        Self { status, replayed, text, body }
    }

    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub fn id(&self) -> &str {
        self.body["id"].as_str().expect("an object with an id")
    }
}

pub fn options() -> Options {
    Options::new(SecretString::from(KEY)).expect("good options")
}

pub fn client(url: &str, patience: Duration) -> Client {
    let config = Config::new(url, SecretString::from(KEY)).expect("a good configuration");
    Client::new(&config.with_timeouts(patience, patience).expect("good time-outs")).expect("a client")
}

/// A call for a new intent.
pub fn call() -> Call<'static> {
    Call { intent_id: Uuid::now_v7(), traceparent: None }
}

/// 19.99 euros of the card behind `token`.
pub fn charge(token: &str) -> Authorisation<'_> {
    Authorisation { payment_id: Uuid::now_v7(), amount: 1999, currency: "EUR", payment_method: token }
}

/// The same as a form.
pub fn charge_form(token: &str) -> Vec<(&str, &str)> {
    vec![
        ("amount", "1999"),
        ("currency", "eur"),
        ("payment_method", token),
        ("confirm", "true"),
        ("capture_method", "manual"),
        ("metadata[payment_id]", "p-1"),
    ]
}
