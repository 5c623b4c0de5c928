//! A client of the edge, as patient as a good one is.

use std::time::{Duration, Instant};

use reqwest::{
    Method, RequestBuilder,
    header::{HeaderMap, HeaderValue},
};
use serde_json::{Value, json};

/// How long a client keeps at one request, over restarts of the platform too.
const PATIENCE: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(100);
/// The edge waits 30 s at most; more is a lost answer.
const ANSWER: Duration = Duration::from_secs(45);

/// Somebody who talks to an edge.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    /// A consistency token.
    seen: Option<HeaderValue>,
}

/// What the edge said.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The problem's code, or nothing.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The id of the order that it names.
    pub fn order_id(&self) -> &str {
        let id = self.body["id"].as_str().or_else(|| self.body["order_id"].as_str());
        id.unwrap_or_else(|| panic!("no order is named: {self:?}"))
    }

    pub fn is_replay(&self) -> bool {
        self.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
    }

    /// The body, if the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 429 | 502 | 503 | 504)
    }
}

impl Client {
    /// A guest at this edge (`http://host:port`).
    pub fn guest(base: &str) -> Self {
        let http = reqwest::Client::builder().timeout(ANSWER).no_proxy().build().expect("an HTTP client");
        Self { http, base: base.to_owned(), token: None, seen: None }
    }

    /// The same client with another access token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same client, who is answered from views that have what this answer has.
    pub fn having_seen(&self, answer: &Answer) -> Self {
        Self { seen: answer.headers.get("consistency-token").cloned(), ..self.clone() }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Logs in.
    pub async fn log_in(&self, email: &str, password: &str) -> Self {
        let session = self.post("/v1/sessions", "", &json!({"email": email, "password": password})).await.expect(201);
        self.with_token(session["access_token"].as_str().expect("a session has a token"))
    }

    /// Registers, and logs in.
    pub async fn register(&self, email: &str, password: &str) -> Self {
        let user = json!({"email": email, "password": password, "name": "Ada Buyer"});
        self.decided("/v1/users", email, &user).await.expect(201);
        self.log_in(email, password).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.settle(|| self.request(Method::GET, path)).await
    }

    /// Posts, again and again where no answer comes, under an idempotency key unless it is empty.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.settle(|| keyed(self.request(Method::POST, path), key).json(body)).await
    }

    pub async fn put(&self, path: &str, etag: &str, body: &Value) -> Answer {
        self.settle(|| self.request(Method::PUT, path).header("if-match", etag).json(body)).await
    }

    /// Posts, and asks under the same key until it is decided.
    pub async fn decided(&self, path: &str, key: &str, body: &Value) -> Answer {
        let began = Instant::now();
        loop {
            let answer = self.post(path, key, body).await;
            if answer.status != 202 {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "{path} stays undecided: {}", answer.body);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Places an order, until it is decided: 201, or why not.
    pub async fn place(&self, key: &str, order: &Value) -> Answer {
        self.decided("/v1/orders", key, order).await
    }

    /// A request, as it is sent once and by whoever wants to meddle with it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        match &self.seen {
            Some(seen) => request.header("consistency-token", seen),
            None => request,
        }
    }

    /// Sends once; `None` where no whole answer comes.
    pub async fn once(&self, request: RequestBuilder) -> Option<Answer> {
        sent(request).await.ok()
    }

    async fn settle(&self, request: impl Fn() -> RequestBuilder) -> Answer {
        let began = Instant::now();
        loop {
            match sent(request()).await {
                Ok(answer) if !answer.is_passing() => return answer,
                last => assert!(began.elapsed() < PATIENCE, "{} gives no answer: {last:?}", self.base),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn sent(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await?;
    Ok(Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() })
}

/// With an idempotency key, unless it is empty.
pub fn keyed(request: RequestBuilder, key: &str) -> RequestBuilder {
    if key.is_empty() { request } else { request.header("idempotency-key", key) }
}

/// An order of one line, by card.
pub fn order(sku: &str, quantity: i64, card: &str) -> Value {
    json!({
        "lines": [{"sku": sku, "quantity": quantity}],
        "shipping_address": {
            "name": "Ada Buyer", "line1": "1 Quay", "city": "Hamburg", "postal_code": "20457", "country": "DE",
        },
        "payment_method": {"type": "card", "token": card},
    })
}
