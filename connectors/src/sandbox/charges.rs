//! `GET /v1/sandbox/charges`: what was done for every payment, by count and by sum in minor units.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::form::Form;
use super::ledger::Fault;
use super::problem::Problem;
use super::search::Page;

/// All payments, or one. Intents without `metadata[payment_id]` are listed together, under null.
pub(super) struct Query {
    payment_id: Option<String>,
    page: Page,
}

impl Query {
    pub fn of(mut form: Form) -> Result<Self, Problem> {
        let page = Page::of(&mut form)?;
        let payment_id = form.optional("payment_id");
        form.finish()?;
        Ok(Self { payment_id, page })
    }
}

const SUMS: &str = "
    sum(authorised = 0), sum(iif(authorised = 0, amount, 0)),
    sum(authorised > 0), sum(authorised),
    sum(captured > 0), sum(captured),
    sum(authorised > 0 AND status = 'canceled'), sum(iif(status = 'canceled', authorised, 0)),
    sum((SELECT count(*) FROM refunds WHERE payment_intent = payment_intents.id)), sum(refunded)
    FROM payment_intents LEFT JOIN metadata ON owner = id AND name = 'payment_id'
    WHERE ?1 IS NULL OR value = ?1";

/// The sums over all that the query names, whatever the page, and a row for each payment and currency of the page.
/// The order is that of the first intents, so pages stay put while charges are added.
pub(super) fn totals(ledger: &Connection, query: &Query) -> Result<Value, Fault> {
    let total = ledger.prepare_cached(&format!("SELECT {SUMS}"))?.query_row([&query.payment_id], |row| sums(0, row))?;
    let mut rows: Vec<Value> = ledger
        .prepare_cached(&format!(
            "SELECT value, currency, {SUMS} GROUP BY value, currency ORDER BY min(seq) LIMIT ?2 + 1 OFFSET ?3"
        ))?
        .query_map((&query.payment_id, query.page.limit, query.page.after), |row| {
            let mut charge = json!({
                "payment_id": row.get::<_, Option<String>>(0)?,
                "currency": row.get::<_, String>(1)?,
            });
            if let (Value::Object(charge), Value::Object(sums)) = (&mut charge, sums(2, row)?) {
                charge.extend(sums);
            }
            Ok(charge)
        })?
        .collect::<Result<_, _>>()?;
    let limit = usize::try_from(query.page.limit).unwrap_or(rows.len());
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = more.then(|| (query.page.after + query.page.limit).to_string());
    Ok(json!({
        "object": "list",
        "url": "/v1/sandbox/charges",
        "has_more": more,
        "next_page": next,
        "totals": total,
        "data": rows,
    }))
}

/// Reads the columns of [`SUMS`], which begin at `first`. They are null where there is no intent at all.
fn sums(first: usize, row: &rusqlite::Row<'_>) -> Result<Value, rusqlite::Error> {
    let pair = |at: usize| -> Result<Value, rusqlite::Error> {
        let number = |column: usize| row.get::<_, Option<i64>>(column).map(Option::unwrap_or_default);
        Ok(json!({ "count": number(first + at)?, "amount": number(first + at + 1)? }))
    };
    Ok(json!({
        "declined": pair(0)?,
        "authorised": pair(2)?,
        "captured": pair(4)?,
        "canceled": pair(6)?,
        "refunded": pair(8)?,
    }))
}
