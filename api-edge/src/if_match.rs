//! `If-Match`: a change is made only to what the client has seen.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use crate::problem::{Code, Problem};

/// The ETags in the header, if there is one.
#[derive(Clone, Debug)]
pub struct IfMatch(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let sent: Vec<&str> =
            parts.headers.get_all(header::IF_MATCH).iter().map(|value| value.to_str().unwrap_or_default()).collect();
        Ok(Self((!sent.is_empty()).then(|| sent.join(","))))
    }
}

impl IfMatch {
    /// Whether the resource must stay as it is until the change is decided; not where the client takes any (`*`, or no
    /// header). `tag` is the resource's ETag.
    ///
    /// # Errors
    /// `PreconditionFailed` where the client names others. Weak ones are others.
    pub fn met_by(&self, tag: &str) -> Result<bool, Problem> {
        let Some(sent) = &self.0 else { return Ok(false) };
        if sent.trim() == "*" {
            return Ok(false);
        }
        if sent.split(',').any(|named| named.trim() == tag) { Ok(true) } else { Err(precondition_failed()) }
    }
}

pub fn precondition_failed() -> Problem {
    Problem::new(Code::PreconditionFailed, Code::PreconditionFailed.meaning())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_may_be_changed() {
        let tag = "\"abc\"";
        for (sent, met) in [
            (None, Some(false)),
            (Some("*"), Some(false)),
            (Some("\"abc\""), Some(true)),
            (Some("\"x\", \"abc\""), Some(true)),
            (Some("\"x\""), None),
            (Some("W/\"abc\""), None),
            (Some("abc"), None),
            (Some(""), None),
        ] {
            assert_eq!(IfMatch(sent.map(ToOwned::to_owned)).met_by(tag).ok(), met, "{sent:?}");
        }
    }
}
