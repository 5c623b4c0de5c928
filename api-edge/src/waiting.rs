//! How long a client waits for a decision.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

use crate::problem::Problem;

const DEFAULT: Duration = Duration::from_secs(5);
const MOST: u64 = 30;

/// What the `Prefer` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Zero: answer as soon as the command is durable.
    pub patience: Duration,
    /// Said back as `Preference-Applied`.
    pub applied: Option<Preference>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    RespondAsync,
    Wait(u64),
}

impl Wait {
    /// Not asked for: the default.
    pub const DEFAULT: Self = Self { patience: DEFAULT, applied: None };

    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let preferences = values.flat_map(|value| value.split([',', ';'])).map(|p| p.trim().to_ascii_lowercase());
        let mut wait = Self::DEFAULT;
        for preference in preferences {
            if preference == "respond-async" {
                return Self { patience: Duration::ZERO, applied: Some(Preference::RespondAsync) };
            }
            let seconds = preference.strip_prefix("wait=").and_then(|n| n.trim().trim_matches('"').parse::<u64>().ok());
            if let Some(seconds) = seconds.map(|seconds| seconds.min(MOST)) {
                wait = Self { patience: Duration::from_secs(seconds), applied: Some(Preference::Wait(seconds)) };
            }
        }
        wait
    }
}

impl Preference {
    pub fn text(self) -> String {
        match self {
            Self::RespondAsync => "respond-async".to_owned(),
            Self::Wait(seconds) => format!("wait={seconds}"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_that_are_not_understood_are_ignored() {
        for (sent, seconds) in [
            ("wait=7", 7),
            ("wait=99", 30),
            ("wait=0", 0),
            ("respond-async, wait=9", 0),
            ("wait=-1", 5),
            ("soon", 5),
            ("", 5),
        ] {
            let headers = HeaderMap::from_iter([("prefer".parse().unwrap(), sent.parse().unwrap())]);
            assert_eq!(Wait::of(&headers).patience, Duration::from_secs(seconds), "{sent}");
        }
    }
}
