//! Reading the gateway's answers. Whatever is not exactly what was hoped for or a proper refusal is a doubt.

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::doubt::Doubt;
use super::outcome::{Outcome, Receipt};

/// An answer's body: JSON, unless it is garbage.
pub(super) type Body = Result<Value, serde_json::Error>;

/// Which kind of call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Authorise,
    Capture,
    Cancel,
    Refund,
}

impl Action {
    /// The action of a recorded request.
    pub fn of_path(path: &str) -> Option<Self> {
        match path.trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
            ["v1", "payment_intents"] => Some(Self::Authorise),
            ["v1", "payment_intents", _, "capture"] => Some(Self::Capture),
            ["v1", "payment_intents", _, "cancel"] => Some(Self::Cancel),
            ["v1", "refunds"] => Some(Self::Refund),
            _ => None,
        }
    }
}

/// What a success must say to be believed; where nothing is given, anything will do.
#[derive(Clone, Copy, Default)]
pub(super) struct Asked<'a> {
    pub payment_intent: Option<&'a str>,
    pub amount: Option<i64>,
    pub currency: Option<&'a str>,
}

#[derive(Deserialize)]
struct PaymentIntent {
    id: String,
    object: String,
    status: String,
    amount: i64,
    amount_received: i64,
    currency: String,
}

#[derive(Deserialize)]
struct Refund {
    id: String,
    object: String,
    status: String,
    amount: i64,
    currency: String,
    payment_intent: String,
}

#[derive(Deserialize)]
struct Failure {
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    r#type: String,
    code: Option<String>,
    message: Option<String>,
    param: Option<String>,
}

/// What an answer to `action` says of it.
pub(super) fn judge(action: Action, asked: Asked<'_>, status: StatusCode, body: Body, replayed: bool) -> Outcome {
    let judged = if status.is_success() {
        succeeded(action, asked, body, replayed).map_err(|reason| Doubt::Garbage { status, reason })
    } else {
        failed(status, body)
    };
    judged.unwrap_or_else(Outcome::Unknown)
}

fn succeeded(action: Action, asked: Asked<'_>, body: Body, replayed: bool) -> Result<Outcome, String> {
    let (payment_intent, receipt) = if action == Action::Refund { refund(body)? } else { intent(action, body)? };
    if asked.payment_intent.is_some_and(|asked| asked != payment_intent) {
        return Err("it is about another payment intent".to_owned());
    }
    if asked.amount.is_some_and(|asked| asked != receipt.amount) {
        return Err(format!("it is about another amount, {}", receipt.amount));
    }
    if asked.currency.is_some_and(|asked| !asked.eq_ignore_ascii_case(&receipt.currency)) {
        return Err(format!("it is about another currency, {}", receipt.currency));
    }
    Ok(Outcome::Succeeded(Receipt { replayed, ..receipt }))
}

fn intent(action: Action, body: Body) -> Result<(String, Receipt), String> {
    let intent: PaymentIntent = body.and_then(serde_json::from_value).map_err(|error| error.to_string())?;
    let (status, amount) = match action {
        Action::Capture => ("succeeded", intent.amount_received),
        Action::Cancel => ("canceled", intent.amount),
        Action::Authorise | Action::Refund => ("requires_capture", intent.amount),
    };
    if intent.object != "payment_intent" || intent.id.is_empty() || intent.status != status {
        return Err(format!("a {} of status {} where {status} was expected", intent.object, intent.status));
    }
    Ok((intent.id.clone(), receipt(intent.id, amount, &intent.currency)))
}

fn refund(body: Body) -> Result<(String, Receipt), String> {
    let refund: Refund = body.and_then(serde_json::from_value).map_err(|error| error.to_string())?;
    // A pending refund is accepted: the gateway tells later, by a webhook, if the bank does not take it.
    let accepted = matches!(refund.status.as_str(), "succeeded" | "pending");
    if refund.object != "refund" || refund.id.is_empty() || !accepted {
        return Err(format!("a {} of status {} where a refund was expected", refund.object, refund.status));
    }
    Ok((refund.payment_intent, receipt(refund.id, refund.amount, &refund.currency)))
}

fn receipt(reference: String, amount: i64, currency: &str) -> Receipt {
    Receipt { reference, amount, currency: currency.to_ascii_uppercase(), replayed: false }
}

fn failed(status: StatusCode, body: Body) -> Result<Outcome, Doubt> {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Doubt::Unauthorised { status }),
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            return Err(Doubt::Busy { status });
        }
        _ if status.is_server_error() => return Err(Doubt::ServerError { status }),
        _ => {}
    }
    let Failure { error } = body
        .and_then(serde_json::from_value)
        .map_err(|error| Doubt::Garbage { status, reason: format!("not an error of the gateway's: {error}") })?;
    let code = error.code.unwrap_or_else(|| error.r#type.clone());
    let message = error.message.unwrap_or_default();
    match (status, error.r#type.as_str()) {
        (StatusCode::BAD_REQUEST, "idempotency_error") => Err(Doubt::KeyReused { message }),
        (StatusCode::PAYMENT_REQUIRED, "card_error") => Ok(Outcome::Declined { code, message }),
        (StatusCode::BAD_REQUEST, "invalid_request_error") => Ok(Outcome::Refused { code, message }),
        // Only where the gateway says that the object is missing; another 404 is about the address.
        (StatusCode::NOT_FOUND, "invalid_request_error") if code == "resource_missing" => {
            Ok(Outcome::Refused { code, message })
        }
        (_, kind) => Err(Doubt::Garbage { status, reason: format!("{kind}, {code}: {message}") }),
    }
}

/// Whether this answer says that the gateway has no record of an idempotency key.
pub(super) fn says_unseen(status: StatusCode, body: &Body) -> bool {
    let Ok(Ok(Failure { error })) = body.as_ref().map(Failure::deserialize) else { return false };
    status == StatusCode::NOT_FOUND
        && error.code.as_deref() == Some("resource_missing")
        && error.param.as_deref() == Some("idempotency_key")
}
