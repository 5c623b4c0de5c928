use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

/// What a secret key of the sandbox begins with, so that a live key is never put here by mistake.
const KEY_PREFIX: &str = "sk_sandbox_";
const LONGEST_HOLD: Duration = Duration::from_secs(600);

/// How a sandbox gateway behaves.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) secret_key: SecretString,
    pub(super) timeout_hold: Duration,
    pub(super) slow_hold: Duration,
}

/// Why options were refused.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("the sandbox gateway's secret key must be `{KEY_PREFIX}` followed by letters, digits or underscores")]
    SecretKey,
    #[error("an answer cannot be held back for {0:?}; the most is {LONGEST_HOLD:?}")]
    Hold(Duration),
}

impl Options {
    /// Options with the usual delays: `tok_timeout_charged` is held for 30 s, `tok_slow_3s` for 3 s.
    ///
    /// # Errors
    /// When the key is not a sandbox key.
    pub fn new(secret_key: SecretString) -> Result<Self, OptionsError> {
        let well_formed = secret_key.expose_secret().strip_prefix(KEY_PREFIX).is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        });
        if !well_formed {
            return Err(OptionsError::SecretKey);
        }
        Ok(Self { secret_key, timeout_hold: Duration::from_secs(30), slow_hold: Duration::from_secs(3) })
    }

    /// Holds the first answer to `tok_timeout_charged` for `hold` after the charge was recorded.
    ///
    /// # Errors
    /// When it is longer than ten minutes.
    pub fn hold_timeouts_for(self, hold: Duration) -> Result<Self, OptionsError> {
        Ok(Self { timeout_hold: bounded(hold)?, ..self })
    }

    /// Holds the first answer to `tok_slow_3s` for `hold`.
    ///
    /// # Errors
    /// When it is longer than ten minutes.
    pub fn hold_slow_for(self, hold: Duration) -> Result<Self, OptionsError> {
        Ok(Self { slow_hold: bounded(hold)?, ..self })
    }
}

fn bounded(hold: Duration) -> Result<Duration, OptionsError> {
    if hold > LONGEST_HOLD { Err(OptionsError::Hold(hold)) } else { Ok(hold) }
}
