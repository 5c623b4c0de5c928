//! Refunds: money given back of what a payment intent has captured, never more.

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};
use uuid::Uuid;

use super::clock;
use super::ledger::Fault;
use super::payment_intents::{self, keep_metadata, metadata_of};
use super::problem::Problem;

/// Gives back `amount`, or all that is left.
pub(super) struct CreateRefund {
    pub payment_intent: String,
    pub amount: Option<i64>,
    pub metadata: Vec<(String, String)>,
}

pub(super) fn create(ledger: &Connection, refund: CreateRefund) -> Result<Value, Fault> {
    let intent = payment_intents::get(ledger, &refund.payment_intent)?;
    if intent.status != "succeeded" {
        return Err(intent.unexpected_state("refunded").into());
    }
    let left = intent.captured - intent.refunded;
    let amount = refund.amount.unwrap_or(left);
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", intent.latest_charge);
        return Err(Problem::invalid("charge_already_refunded", message).into());
    }
    if amount > left {
        let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).");
        return Err(Problem::invalid("amount_too_large", message).about("amount").into());
    }
    let id = format!("re_{}", Uuid::now_v7().simple());
    ledger
        .prepare_cached("INSERT INTO refunds (id, payment_intent, created, amount) VALUES (?1, ?2, ?3, ?4)")?
        .execute((&id, &intent.id, clock::now(), amount))?;
    ledger
        .prepare_cached("UPDATE payment_intents SET refunded = refunded + ?2 WHERE id = ?1")?
        .execute((&intent.id, amount))?;
    keep_metadata(ledger, &id, &refund.metadata)?;
    get(ledger, &id)
}

pub(super) fn get(ledger: &Connection, id: &str) -> Result<Value, Fault> {
    let metadata = metadata_of(ledger, id)?;
    let found = ledger
        .prepare_cached(
            "SELECT refunds.amount, refunds.created, payment_intent, latest_charge, currency
             FROM refunds JOIN payment_intents ON payment_intents.id = payment_intent WHERE refunds.id = ?1",
        )?
        .query_row([id], |row| {
            Ok(json!({
                "id": id,
                "object": "refund",
                "amount": row.get::<_, i64>(0)?,
                "charge": row.get::<_, String>(3)?,
                "created": row.get::<_, i64>(1)?,
                "currency": row.get::<_, String>(4)?,
                "metadata": metadata,
                "payment_intent": row.get::<_, String>(2)?,
                "status": "succeeded",
            }))
        })
        .optional()?;
    found.ok_or_else(|| Problem::missing("refund", id, "refund").into())
}
