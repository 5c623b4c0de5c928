//! Payment intents and their life: `requires_capture` (authorised), then `succeeded` (captured) or `canceled`; a
//! declined one stays at `requires_payment_method`.

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::clock;
use super::ledger::Fault;
use super::problem::Problem;
use super::tokens::Card;

/// Asks for money of a card: authorised now, captured later.
pub(super) struct Create {
    pub amount: i64,
    pub currency: String,
    pub card: Card,
    pub metadata: Vec<(String, String)>,
}

/// Takes all that was authorised, or `amount` of it; the rest is let go.
pub(super) struct Capture {
    pub id: String,
    pub amount: Option<i64>,
}

pub(super) struct Cancel {
    pub id: String,
    pub reason: Option<String>,
}

/// A payment intent as the ledger has it. Amounts are in minor units of its currency.
pub(super) struct PaymentIntent {
    pub id: String,
    pub created: i64,
    pub amount: i64,
    pub currency: String,
    pub payment_method: String,
    pub status: String,
    pub latest_charge: String,
    pub authorised: i64,
    pub captured: i64,
    pub refunded: i64,
    pub canceled_at: Option<i64>,
    pub cancellation_reason: Option<String>,
    pub metadata: Map<String, Value>,
}

impl PaymentIntent {
    pub fn into_object(self) -> Value {
        let capturable = if self.status == "requires_capture" { self.authorised } else { 0 };
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": capturable,
            "amount_received": self.captured,
            "amount_refunded": self.refunded,
            "canceled_at": self.canceled_at,
            "cancellation_reason": self.cancellation_reason,
            "capture_method": "manual",
            "created": self.created,
            "currency": self.currency,
            "latest_charge": self.latest_charge,
            "livemode": false,
            "metadata": self.metadata,
            "payment_method": self.payment_method,
            "status": self.status,
        })
    }

    /// The refusal of something that the intent's status does not allow.
    pub fn unexpected_state(self, asked: &str) -> Problem {
        let message = format!("This PaymentIntent could not be {asked} because it has a status of {}.", self.status);
        Problem::invalid("payment_intent_unexpected_state", message)
    }
}

pub(super) fn create(ledger: &Connection, create: Create) -> Result<Value, Fault> {
    let id = format!("pi_{}", Uuid::now_v7().simple());
    let charge = format!("ch_{}", Uuid::now_v7().simple());
    let approved = create.card.approves();
    let (status, authorised) =
        if approved { ("requires_capture", create.amount) } else { ("requires_payment_method", 0) };
    ledger
        .prepare_cached(
            "INSERT INTO payment_intents
                 (id, created, amount, currency, payment_method, status, latest_charge, authorised)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            &id,
            clock::now(),
            create.amount,
            create.currency,
            create.card.token(),
            status,
            charge,
            authorised,
        ))?;
    keep_metadata(ledger, &id, &create.metadata)?;
    let object = get(ledger, &id)?.into_object();
    if approved { Ok(object) } else { Err(Problem::declined(object).into()) }
}

pub(super) fn capture(ledger: &Connection, capture: &Capture) -> Result<Value, Fault> {
    let intent = get(ledger, &capture.id)?;
    if intent.status != "requires_capture" {
        return Err(intent.unexpected_state("captured").into());
    }
    let amount = capture.amount.unwrap_or(intent.authorised);
    if amount > intent.authorised {
        let message = format!("The amount to capture is greater than the {} authorised.", intent.authorised);
        return Err(Problem::invalid("amount_too_large", message).about("amount_to_capture").into());
    }
    ledger
        .prepare_cached("UPDATE payment_intents SET status = 'succeeded', captured = ?2 WHERE id = ?1")?
        .execute((&capture.id, amount))?;
    Ok(get(ledger, &capture.id)?.into_object())
}

pub(super) fn cancel(ledger: &Connection, cancel: &Cancel) -> Result<Value, Fault> {
    let intent = get(ledger, &cancel.id)?;
    if !matches!(intent.status.as_str(), "requires_capture" | "requires_payment_method") {
        return Err(intent.unexpected_state("canceled").into());
    }
    ledger
        .prepare_cached(
            "UPDATE payment_intents SET status = 'canceled', canceled_at = ?2, cancellation_reason = ?3 WHERE id = ?1",
        )?
        .execute((&cancel.id, clock::now(), &cancel.reason))?;
    Ok(get(ledger, &cancel.id)?.into_object())
}

pub(super) fn get(ledger: &Connection, id: &str) -> Result<PaymentIntent, Fault> {
    let found = ledger
        .prepare_cached(
            "SELECT id, created, amount, currency, payment_method, status, latest_charge, authorised, captured,
                    refunded, canceled_at, cancellation_reason
             FROM payment_intents WHERE id = ?1",
        )?
        .query_row([id], |row| {
            Ok(PaymentIntent {
                id: row.get(0)?,
                created: row.get(1)?,
                amount: row.get(2)?,
                currency: row.get(3)?,
                payment_method: row.get(4)?,
                status: row.get(5)?,
                latest_charge: row.get(6)?,
                authorised: row.get(7)?,
                captured: row.get(8)?,
                refunded: row.get(9)?,
                canceled_at: row.get(10)?,
                cancellation_reason: row.get(11)?,
                metadata: Map::new(),
            })
        })
        .optional()?;
    let intent = found.ok_or_else(|| Problem::missing("payment_intent", id, "intent"))?;
    Ok(PaymentIntent { metadata: metadata_of(ledger, id)?, ..intent })
}

pub(super) fn keep_metadata(
    ledger: &Connection,
    owner: &str,
    metadata: &[(String, String)],
) -> Result<(), rusqlite::Error> {
    let mut insert = ledger.prepare_cached("INSERT INTO metadata (owner, name, value) VALUES (?1, ?2, ?3)")?;
    for (name, value) in metadata {
        insert.execute((owner, name, value))?;
    }
    Ok(())
}

pub(super) fn metadata_of(ledger: &Connection, owner: &str) -> Result<Map<String, Value>, rusqlite::Error> {
    ledger
        .prepare_cached("SELECT name, value FROM metadata WHERE owner = ?1 ORDER BY name")?
        .query_map([owner], |row| Ok((row.get(0)?, Value::String(row.get(1)?))))?
        .collect()
}
