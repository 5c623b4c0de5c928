//! `GET /v1/payment_intents/search?query=metadata['name']:'value'`: intents by one of their metadata.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::form::{Form, invalid};
use super::ledger::Fault;
use super::payment_intents;
use super::problem::Problem;

/// Which part of a listing is asked for.
#[derive(Clone, Copy)]
pub(super) struct Page {
    pub limit: i64,
    /// Opaque to the caller; where the last page ended.
    pub after: i64,
}

impl Page {
    pub fn of(form: &mut Form) -> Result<Self, Problem> {
        let number = |text: Option<String>, name: &str, default: i64| match text {
            None => Ok(default),
            Some(text) => {
                text.parse::<u32>().map(i64::from).map_err(|_| invalid(name, "Not a number that a page can have"))
            }
        };
        let limit = number(form.optional("limit"), "limit", 10)?;
        if !(1..=100).contains(&limit) {
            return Err(invalid("limit", "Must be between 1 and 100"));
        }
        Ok(Self { limit, after: number(form.optional("page"), "page", 0)? })
    }
}

pub(super) struct Query {
    name: String,
    value: String,
    page: Page,
}

impl Query {
    pub fn of(mut form: Form) -> Result<Self, Problem> {
        let page = Page::of(&mut form)?;
        let text = form.required("query")?;
        form.finish()?;
        let (name, value) = metadata_clause(&text)
            .ok_or_else(|| invalid("query", "The sandbox understands metadata['name']:'value' only"))?;
        Ok(Self { name: name.to_owned(), value: value.to_owned(), page })
    }
}

/// One clause on metadata, in single or double quotes.
fn metadata_clause(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.trim().strip_prefix("metadata[")?.split_once("]:")?;
    Some((unquoted(name)?, unquoted(value)?))
}

fn unquoted(text: &str) -> Option<&str> {
    let quote = ['\'', '"'].into_iter().find(|quote| text.starts_with(*quote))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains([quote, '\\'])).then_some(inner)
}

pub(super) fn payment_intents(ledger: &Connection, query: &Query) -> Result<Value, Fault> {
    let found: Vec<(i64, String)> = ledger
        .prepare_cached(
            "SELECT seq, id FROM metadata JOIN payment_intents ON id = owner
             WHERE name = ?1 AND value = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4 + 1",
        )?
        .query_map((&query.name, &query.value, query.page.after, query.page.limit), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<_, _>>()?;
    let shown = usize::try_from(query.page.limit).map_or(found.len(), |limit| limit.min(found.len()));
    let more = found.len() > shown;
    let data = found[..shown]
        .iter()
        .map(|(_, id)| payment_intents::get(ledger, id).map(payment_intents::PaymentIntent::into_object))
        .collect::<Result<Vec<_>, _>>()?;
    let next = found[..shown].last().filter(|_| more).map(|(seq, _)| seq.to_string());
    Ok(json!({
        "object": "search_result",
        "url": "/v1/payment_intents/search",
        "has_more": more,
        "next_page": next,
        "data": data,
    }))
}
