use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::Desk;
use super::problem::Problem;

/// Lets through who knows the secret key; everything else is asked only after this.
pub(super) async fn require_secret_key(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    match presented(request.headers()) {
        Some(key) if matches(&desk.options.secret_key, key) => next.run(request).await,
        _ => Problem::unauthorised().into_response(),
    }
}

fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, key) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(key)
}

/// Compares two MACs instead of the keys: `verify_slice` takes constant time, and neither the key's length nor
/// how much of it was right can be timed.
fn matches(secret: &SecretString, presented: &[u8]) -> bool {
    let mac_of = |message: &[u8]| {
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map(|mac| mac.chain_update(message))
    };
    match (mac_of(secret.expose_secret().as_bytes()), mac_of(presented)) {
        (Ok(expected), Ok(given)) => given.verify_slice(&expected.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}
