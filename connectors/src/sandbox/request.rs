//! How requests are read, with every refusal in the gateway's own shape.

use axum::extract::{self, FromRequest, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::form::Form;
use super::idempotency::{Change, Effect, Fingerprint};
use super::ledger::Ask;
use super::problem::Problem;

const LONGEST_KEY: usize = 255;
/// Trace contexts are 55 characters today; longer ones are not kept.
const LONGEST_TRACEPARENT: usize = 128;

/// The id in a request's path.
pub(super) struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(rejection) => Err(Problem::of_transport(rejection.status(), rejection.body_text())),
        }
    }
}

/// The parameters in a request's query.
pub(super) struct Asked(pub Form);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match extract::Query::from_request_parts(parts, state).await {
            Ok(extract::Query(pairs)) => Form::new(pairs).map(Self),
            Err(rejection) => Err(Problem::of_transport(rejection.status(), rejection.body_text())),
        }
    }
}

/// A request that wants something changed: its parameters, and what it brings beside them.
pub(super) struct Posted {
    pub form: Form,
    pub keyed: Keyed,
}

pub(super) struct Keyed {
    idempotency_key: String,
    fingerprint: Fingerprint,
    path: String,
    traceparent: Option<String>,
}

impl Keyed {
    pub fn with(self, effect: Effect) -> Ask {
        let Self { idempotency_key, fingerprint, path, traceparent } = self;
        Ask::Change(Change { idempotency_key, fingerprint, path, traceparent, effect })
    }
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Problem;

    async fn from_request(request: extract::Request, state: &S) -> Result<Self, Problem> {
        let idempotency_key = idempotency_key(request.headers())?;
        let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
        let traceparent = traceparent.filter(|value| value.len() <= LONGEST_TRACEPARENT).map(str::to_owned);
        let path = request.uri().path().to_owned();
        let form = Form::new(pairs(request, state).await?)?;
        let fingerprint = Fingerprint::of(&path, form.pairs());
        Ok(Self { form, keyed: Keyed { idempotency_key, fingerprint, path, traceparent } })
    }
}

async fn pairs<S: Send + Sync>(request: extract::Request, state: &S) -> Result<Vec<(String, String)>, Problem> {
    // A POST without parameters (capture all, cancel) need not say in which form it sends none.
    let sends_none = !request.headers().contains_key(header::CONTENT_TYPE)
        && !request.headers().contains_key(header::TRANSFER_ENCODING)
        && request.headers().get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
    if sends_none {
        return Ok(Vec::new());
    }
    match extract::Form::from_request(request, state).await {
        Ok(extract::Form(pairs)) => Ok(pairs),
        Err(rejection) => Err(Problem::of_transport(rejection.status(), rejection.body_text())),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    match (given.next().map(|value| value.to_str()), given.next()) {
        (None, _) => Err(Problem::invalid("idempotency_key_required", "Provide an Idempotency-Key header.")),
        (Some(Ok(key)), None) if (1..=LONGEST_KEY).contains(&key.len()) => Ok(key.to_owned()),
        _ => Err(Problem::invalid(
            "idempotency_key_invalid",
            format!("One Idempotency-Key is needed, of 1 to {LONGEST_KEY} visible ASCII characters."),
        )),
    }
}
