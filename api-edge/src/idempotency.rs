//! Idempotency: ids that follow from the request, so that a retry meets what the first try made.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde_json::Value;
use uuid::Uuid;

use crate::problem::{Code, Problem};

/// The namespace of all derived ids. Never changes: another one would make every retry a new request.
const DERIVED: Uuid = Uuid::from_u128(0x5d4c_8f0e_3b7a_5c21_9e64_7a10_b2d3_f48e);
const MAX_LENGTH: usize = 255;

/// The `Idempotency-Key` header, if there is one.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut sent = parts.headers.get_all("idempotency-key").iter();
        let Some(key) = sent.next() else { return Ok(Self(None)) };
        let text = key.to_str().unwrap_or_default().trim();
        let fits = (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if !fits || sent.next().is_some() {
            return Err(Problem::new(Code::InvalidIdempotencyKey, Code::InvalidIdempotencyKey.meaning()));
        }
        Ok(Self(Some(text.to_owned())))
    }
}

impl IdempotencyKey {
    /// # Errors
    /// Where there is no such header.
    pub fn required(&self) -> Result<(), Problem> {
        match self.0 {
            Some(_) => Ok(()),
            None => Err(Problem::new(Code::IdempotencyKeyRequired, "Send an Idempotency-Key, such as a fresh UUID.")),
        }
    }

    /// The id of what this request makes or does: the same for the same principal, method, route and key; a fresh one
    /// where there is no key. `route` is the path with its ids: the same key elsewhere is another request.
    pub fn id(&self, principal: &str, method: &str, route: &str) -> Uuid {
        match &self.0 {
            // A line feed is in none of them.
            Some(key) => Uuid::new_v5(&DERIVED, [principal, method, route, key].join("\n").as_bytes()),
            None => Uuid::now_v7(),
        }
    }

    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }
}

/// An id that follows from a name alone.
pub fn derived(name: &str) -> Uuid {
    Uuid::new_v5(&DERIVED, name.as_bytes())
}

/// The client's JSON, always written the same: keys sorted, no spaces. What two requests must share to be the same.
pub fn canonical(body: &Value) -> String {
    fn write(value: &Value, to: &mut String) {
        match value {
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by(|a, b| a.0.cmp(b.0));
                to.push('{');
                for (i, (name, value)) in fields.into_iter().enumerate() {
                    if i > 0 {
                        to.push(',');
                    }
                    to.push_str(&Value::from(name.as_str()).to_string());
                    to.push(':');
                    write(value, to);
                }
                to.push('}');
            }
            Value::Array(items) => {
                to.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        to.push(',');
                    }
                    write(item, to);
                }
                to.push(']');
            }
            plain => to.push_str(&plain.to_string()),
        }
    }
    let mut text = String::with_capacity(128);
    write(body, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_fields_and_spaces_make_no_other_body() {
        let a: Value = serde_json::from_str(r#"{"b": [1, {"y": null, "x": "ä\""}], "a": 1}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":1,"b":[1,{"x":"\u00e4\"","y":null}]}"#).unwrap();
        assert_eq!(canonical(&a), canonical(&b));
        assert_eq!(canonical(&a), r#"{"a":1,"b":[1,{"x":"ä\"","y":null}]}"#);
        for other in [json!({"a": 1, "b": [{"x": "ä\"", "y": null}, 1]}), json!({"a": 1}), json!([]), json!({"a": "1"})]
        {
            assert_ne!(canonical(&a), canonical(&other));
        }
    }

    #[test]
    fn an_id_is_scoped_by_principal_method_route_and_key() {
        let key = |text: &str| IdempotencyKey(Some(text.to_owned()));
        let id = key("k").id("anna", "POST", "/v1/orders");
        assert_eq!(id, key("k").id("anna", "POST", "/v1/orders"));
        for other in [
            key("l").id("anna", "POST", "/v1/orders"),
            key("k").id("bert", "POST", "/v1/orders"),
            key("k").id("anna", "PUT", "/v1/orders"),
            key("k").id("anna", "POST", "/v1/products"),
            IdempotencyKey(None).id("anna", "POST", "/v1/orders"),
        ] {
            assert_ne!(id, other);
        }
    }
}
