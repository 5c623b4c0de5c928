//! Values within requests and answers, and what is checked of them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tradewind_schemas::{FieldError, Timestamp};
use utoipa::ToSchema;

use crate::problem::{Code, Problem};

/// A time on the wire: RFC 3339, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Timestamp::parse(&text).map(Self).map_err(|_| de::Error::custom("not a time of RFC 3339"))
    }
}

/// An amount in minor units of a currency. This and the next are what the documentation calls them; the values
/// themselves are those of the contracts.
#[derive(ToSchema)]
#[schema(as = Money)]
#[allow(dead_code, reason = "documents a type of another crate")]
pub struct MoneyDoc {
    /// In minor units, such as cents.
    #[schema(example = 1999)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
}

#[derive(ToSchema)]
#[schema(as = Address)]
#[allow(dead_code, reason = "documents a type of another crate")]
pub struct AddressDoc {
    name: String,
    line1: String,
    line2: Option<String>,
    city: String,
    region: Option<String>,
    postal_code: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "DE")]
    country: String,
}

/// RFC 9457, with a stable code.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code, reason = "documents what the outermost layer writes")]
pub struct ProblemDoc {
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    /// Stable; docs/problems.md lists them.
    code: String,
    trace_id: String,
    errors: Vec<FieldErrorDoc>,
    /// Of an order that was placed, and rejected.
    order_id: Option<uuid::Uuid>,
}

#[derive(ToSchema)]
#[schema(as = FieldError)]
#[allow(dead_code, reason = "documents a type of another crate")]
pub struct FieldErrorDoc {
    /// A JSON pointer into the request.
    pointer: String,
    code: String,
    detail: String,
}

/// Collects what is wrong with a request's values.
#[derive(Default)]
pub struct Checks {
    found: Vec<(Code, FieldError)>,
}

impl Checks {
    /// This is wrong, and it makes the whole request `code`, if it is the first.
    pub fn wrong(&mut self, code: Code, pointer: impl Into<String>, what: &str, detail: impl Into<String>) {
        let error = FieldError { pointer: pointer.into(), code: what.to_owned(), detail: detail.into() };
        self.found.push((code, error));
    }

    pub fn that(&mut self, holds: bool, pointer: &str, what: &str, detail: &str) {
        if !holds {
            self.wrong(Code::ValidationFailed, pointer, what, detail);
        }
    }

    /// A text of so many characters at most, without control characters, and not blank unless `least` is 0.
    pub fn text(&mut self, text: &str, pointer: &str, least: usize, most: usize) {
        let length = text.trim().chars().count();
        self.that(
            (least..=most).contains(&length),
            pointer,
            "length",
            &format!("must have {least} to {most} characters"),
        );
        let plain = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
        self.that(plain, pointer, "invalid", "must have no control characters");
    }

    /// # Errors
    /// All that was found, under the code of the first.
    pub fn done(self) -> Result<(), Problem> {
        let Some((code, first)) = self.found.first() else { return Ok(()) };
        let place = if first.pointer.is_empty() { "The request".to_owned() } else { format!("'{}'", first.pointer) };
        let mut problem = Problem::new(*code, format!("{place}: {}.", first.detail));
        problem.errors = self.found.into_iter().map(|(_, error)| error).collect();
        Err(problem)
    }
}
