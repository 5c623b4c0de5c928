use axum::http::StatusCode;
use serde_json::{Value, json};

/// A refusal in Stripe's shape: `{"error": {type, code, message, param}}`.
#[derive(Debug)]
pub(super) struct Problem {
    pub status: StatusCode,
    error: Value,
}

impl Problem {
    /// The caller's mistake, or something the payment's state does not allow.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", code, message)
    }

    pub fn missing_parameter(name: &str) -> Self {
        Self::invalid("parameter_missing", format!("Missing required param: {name}.")).about(name)
    }

    /// A card that was refused, with the intent that records the attempt.
    pub fn declined(payment_intent: Value) -> Self {
        let mut problem =
            Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", "card_declined", "Your card was declined.");
        problem.error["decline_code"] = "generic_decline".into();
        problem.error["payment_intent"] = payment_intent;
        problem
    }

    pub fn missing(what: &str, id: &str, param: &str) -> Self {
        let message = format!("No such {what}: '{id}'");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", "resource_missing", message).about(param)
    }

    pub fn unauthorised() -> Self {
        let message = "Provide the sandbox's secret key as `Authorization: Bearer sk_sandbox_…`.";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", "invalid_api_key", message)
    }

    pub fn key_reused() -> Self {
        let message = "This idempotency key was first used for a request with another path or other parameters.";
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", "idempotency_key_reused", message)
    }

    /// The gateway's own fault: the ledger could not settle the request.
    pub fn internal() -> Self {
        let message = "The gateway could not settle the request; ask again with the same idempotency key.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", "internal_error", message)
    }

    pub fn closing() -> Self {
        let message = "The gateway is shutting down; ask again with the same idempotency key.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "api_error", "shutting_down", message)
    }

    /// A refusal by the HTTP layer (unknown URL, method, media type, body size).
    pub fn of_transport(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, "invalid_request_error", "request_not_understood", message)
    }

    pub fn about(mut self, param: &str) -> Self {
        self.error["param"] = param.into();
        self
    }

    pub fn into_body(self) -> Value {
        json!({ "error": self.error })
    }

    fn new(status: StatusCode, kind: &str, code: &str, message: impl Into<String>) -> Self {
        Self { status, error: json!({ "type": kind, "code": code, "message": message.into() }) }
    }
}
