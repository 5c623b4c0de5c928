use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::answer::{self, Action, Asked, Body};
use super::config::{Config, ConfigError};
use super::doubt::Doubt;
use super::outcome::{Lookup, Outcome};

/// No answer of the gateway's comes near this size.
const LONGEST_ANSWER: usize = 256 * 1024;

/// Speaks to one gateway. Cheap to clone; clones use the same connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
    authorization: HeaderValue,
}

/// What goes along with every call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The intent's id, sent as the idempotency key: the same intent is carried out at most once.
    pub intent_id: Uuid,
    /// The W3C trace context to go on with; one that cannot be sent is left out.
    pub traceparent: Option<&'a str>,
}

/// Holds `amount` minor units on a card, to be captured or let go later.
#[derive(Clone, Copy, Debug)]
pub struct Authorisation<'a> {
    pub payment_id: Uuid,
    pub amount: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// The gateway's token for the card.
    pub payment_method: &'a str,
}

/// Takes `amount` of what is held under `payment_intent`, at most all of it; the rest is let go.
#[derive(Clone, Copy, Debug)]
pub struct Capture<'a> {
    pub payment_intent: &'a str,
    pub amount: i64,
}

/// Lets go what is held under `payment_intent`.
#[derive(Clone, Copy, Debug)]
pub struct Cancellation<'a> {
    pub payment_intent: &'a str,
}

/// Gives back `amount` of what was captured under `payment_intent`.
#[derive(Clone, Copy, Debug)]
pub struct Refund<'a> {
    pub payment_id: Uuid,
    pub payment_intent: &'a str,
    pub amount: i64,
}

#[derive(Deserialize)]
struct Recorded {
    idempotency_key: String,
    path: String,
    status: u16,
    answer: Value,
}

impl Client {
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let http = reqwest::Client::builder()
            .connect_timeout(config.connect_timeout)
            .timeout(config.request_timeout)
            .redirect(redirect::Policy::none())
            // Where the gateway is comes from the configuration alone, not from the environment.
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .map_err(ConfigError::Http)?;
        Ok(Self { http, base_url: config.base_url.clone(), authorization: config.authorization()? })
    }

    pub async fn authorise(&self, call: Call<'_>, asked: &Authorisation<'_>) -> Outcome {
        let form = [
            ("amount", asked.amount.to_string()),
            ("currency", asked.currency.to_ascii_lowercase()),
            ("payment_method", asked.payment_method.to_owned()),
            ("confirm", "true".to_owned()),
            ("capture_method", "manual".to_owned()),
            ("metadata[payment_id]", asked.payment_id.to_string()),
        ];
        let expected = Asked { amount: Some(asked.amount), currency: Some(asked.currency), payment_intent: None };
        self.change(call, Action::Authorise, &["payment_intents"], &form, expected).await
    }

    pub async fn capture(&self, call: Call<'_>, asked: &Capture<'_>) -> Outcome {
        let form = [("amount_to_capture", asked.amount.to_string())];
        let expected = Asked { amount: Some(asked.amount), payment_intent: Some(asked.payment_intent), currency: None };
        self.change(call, Action::Capture, &["payment_intents", asked.payment_intent, "capture"], &form, expected).await
    }

    pub async fn cancel(&self, call: Call<'_>, asked: &Cancellation<'_>) -> Outcome {
        let expected = Asked { payment_intent: Some(asked.payment_intent), ..Asked::default() };
        self.change(call, Action::Cancel, &["payment_intents", asked.payment_intent, "cancel"], &[], expected).await
    }

    pub async fn refund(&self, call: Call<'_>, asked: &Refund<'_>) -> Outcome {
        let form = [
            ("payment_intent", asked.payment_intent.to_owned()),
            ("amount", asked.amount.to_string()),
            ("metadata[payment_id]", asked.payment_id.to_string()),
        ];
        let expected = Asked { amount: Some(asked.amount), payment_intent: Some(asked.payment_intent), currency: None };
        self.change(call, Action::Refund, &["refunds"], &form, expected).await
    }

    /// Asks what became of the call made for an intent, without repeating it. The receipt's amount is as it was
    /// recorded: whoever asks compares it with the intent.
    ///
    /// Only the sandbox has such a question. At Stripe itself the call is repeated with the same key, which Stripe
    /// keeps for 24 hours; this question comes back [`Lookup::Unknown`] there.
    pub async fn lookup(&self, call: Call<'_>) -> Lookup {
        let key = call.intent_id.to_string();
        let request = self.request(Method::GET, &["sandbox", "requests", &key], call.traceparent);
        let (status, body, _) = match settle(request).await {
            Ok(answer) => answer,
            Err(doubt) => return Lookup::Unknown(doubt),
        };
        if answer::says_unseen(status, &body) {
            return Lookup::Unseen;
        }
        if !status.is_success() {
            return match answer::judge(Action::Authorise, Asked::default(), status, body, false) {
                Outcome::Unknown(doubt) => Lookup::Unknown(doubt),
                said => Lookup::Unknown(Doubt::Garbage { status, reason: format!("to a lookup: {said:?}") }),
            };
        }
        match recorded(&key, body) {
            Ok((action, status, answer)) => {
                Lookup::Recorded(answer::judge(action, Asked::default(), status, Ok(answer), true))
            }
            Err(reason) => Lookup::Unknown(Doubt::Garbage { status, reason }),
        }
    }

    async fn change(
        &self,
        call: Call<'_>,
        action: Action,
        path: &[&str],
        form: &[(&str, String)],
        asked: Asked<'_>,
    ) -> Outcome {
        let request = self
            .request(Method::POST, path, call.traceparent)
            .header("idempotency-key", call.intent_id.to_string())
            .form(form);
        match settle(request).await {
            Ok((status, body, replayed)) => answer::judge(action, asked, status, body, replayed),
            Err(doubt) => Outcome::Unknown(doubt),
        }
    }

    fn request(&self, method: Method, path: &[&str], traceparent: Option<&str>) -> RequestBuilder {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        let request = self.http.request(method, url).header("authorization", self.authorization.clone());
        match traceparent.map(HeaderValue::from_str) {
            Some(Ok(traceparent)) => request.header("traceparent", traceparent),
            _ => request,
        }
    }
}

/// Sends a request and reads its whole answer: status, body, and whether it is a replay.
async fn settle(request: RequestBuilder) -> Result<(StatusCode, Body, bool), Doubt> {
    let mut response = request.send().await.map_err(Doubt::of)?;
    let status = response.status();
    let replayed = response.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
    let body = read(&mut response, status).await?;
    Ok((status, serde_json::from_slice(&body), replayed))
}

async fn read(response: &mut Response, status: StatusCode) -> Result<Vec<u8>, Doubt> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Doubt::of)? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Doubt::Garbage { status, reason: format!("longer than {LONGEST_ANSWER} bytes") });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Takes apart the record that a lookup found: what was called, and how it was answered.
fn recorded(key: &str, body: Body) -> Result<(Action, StatusCode, Value), String> {
    let record: Recorded = body.and_then(serde_json::from_value).map_err(|error| error.to_string())?;
    if record.idempotency_key != key {
        return Err("it is about another idempotency key".to_owned());
    }
    let action = Action::of_path(&record.path).ok_or_else(|| format!("{} is no known call", record.path))?;
    let status = StatusCode::from_u16(record.status).map_err(|error| error.to_string())?;
    Ok((action, status, record.answer))
}
