//! One key, one effect: the first request with a key is carried out and its answer recorded in the same commit;
//! every later one gets that answer.

use axum::http::StatusCode;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::clock;
use super::ledger::Fault;
use super::payment_intents::{self, Cancel, Capture, Create};
use super::problem::Problem;
use super::refunds::{self, CreateRefund};

/// A request that changes something.
pub(super) struct Change {
    pub idempotency_key: String,
    pub fingerprint: Fingerprint,
    pub path: String,
    pub traceparent: Option<String>,
    pub effect: Effect,
}

pub(super) enum Effect {
    Create(Create),
    Capture(Capture),
    Cancel(Cancel),
    Refund(CreateRefund),
}

/// Tells whether two requests with one key are the same request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a POST to `path` with `params` in the order of their names.
    pub fn of(path: &str, params: &[(String, String)]) -> Self {
        let mut digest = Sha256::new();
        let texts = params.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        for text in std::iter::once(path).chain(texts) {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        Self(digest.finalize().into())
    }
}

/// Replays what is recorded for the key, or carries the change out and records its answer, a refusal too.
pub(super) fn settle(ledger: &Connection, change: Change) -> Result<Answer, Fault> {
    let Change { idempotency_key, fingerprint, path, traceparent, effect } = change;
    if let Some((recorded, answer)) = find(ledger, &idempotency_key)? {
        return if recorded == fingerprint { Ok(answer) } else { Err(Problem::key_reused().into()) };
    }
    let outcome = match effect {
        Effect::Create(create) => payment_intents::create(ledger, create),
        Effect::Capture(capture) => payment_intents::capture(ledger, &capture),
        Effect::Cancel(cancel) => payment_intents::cancel(ledger, &cancel),
        Effect::Refund(refund) => refunds::create(ledger, refund),
    };
    let answer: Answer = match outcome {
        Ok(object) => object.into(),
        Err(Fault::Refused(problem)) => (*problem).into(),
        Err(fault @ Fault::Database(_)) => return Err(fault),
    };
    ledger
        .prepare_cached(
            "INSERT INTO requests (idempotency_key, fingerprint, created, path, traceparent, status, answer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            &idempotency_key,
            fingerprint.0,
            clock::now(),
            &path,
            &traceparent,
            answer.status.as_u16(),
            &answer.body,
        ))?;
    Ok(answer)
}

fn find(ledger: &Connection, idempotency_key: &str) -> Result<Option<(Fingerprint, Answer)>, rusqlite::Error> {
    ledger
        .prepare_cached("SELECT fingerprint, status, answer FROM requests WHERE idempotency_key = ?1")?
        .query_row([idempotency_key], |row| {
            let body = row.get(2)?;
            Ok((Fingerprint(row.get(0)?), Answer { status: status(row.get(1)?, 1)?, body, replayed: true }))
        })
        .optional()
}

fn status(code: u16, column: usize) -> Result<StatusCode, rusqlite::Error> {
    StatusCode::from_u16(code).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Integer, Box::new(error))
    })
}

/// What became of the request made with a key, with the answer it got.
pub(super) fn lookup(ledger: &Connection, idempotency_key: &str) -> Result<Value, Fault> {
    let found = ledger
        .prepare_cached("SELECT created, path, traceparent, status, answer FROM requests WHERE idempotency_key = ?1")?
        .query_row([idempotency_key], |row| {
            let answer: String = row.get(4)?;
            let answer: Value = serde_json::from_str(&answer).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(error))
            })?;
            Ok(json!({
                "object": "sandbox.request",
                "idempotency_key": idempotency_key,
                "created": row.get::<_, i64>(0)?,
                "method": "POST",
                "path": row.get::<_, String>(1)?,
                "traceparent": row.get::<_, Option<String>>(2)?,
                "status": row.get::<_, u16>(3)?,
                "answer": answer,
            }))
        })
        .optional()?;
    found.ok_or_else(|| Problem::missing("request", idempotency_key, "idempotency_key").into())
}
