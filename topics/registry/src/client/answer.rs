//! What a registry's no means.

use std::error::Error;

use schema_registry_converter::{error::SRCError, schema_registry_common::RawError};

/// A request that was not met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody answered, or the registry itself is in trouble: asking again later may help.
    #[error("{0}")]
    Unreachable(String),
    #[error("no such subject")]
    NoSuchSubject,
    #[error("no such schema")]
    NoSuchSchema,
    #[error("{0}")]
    Incompatible(String),
    #[error("{message} (error code {code})")]
    Refused { code: u32, message: String },
    /// Something answered that is no registry.
    #[error("{0}")]
    Foreign(String),
}

impl From<SRCError> for Refusal {
    fn from(error: SRCError) -> Self {
        let raw = error.source().and_then(|source| source.downcast_ref::<RawError>());
        match raw {
            // The code is 0 where the answer was no registry's.
            Some(raw) if raw.error_code != 0 => Self::of_code(raw.error_code, raw.message.clone()),
            _ if error.retriable => Self::Unreachable(causes(&error)),
            _ => Self::Foreign(causes(&error)),
        }
    }
}

impl Refusal {
    pub fn of_code(code: u32, message: String) -> Self {
        match code {
            40401 => Self::NoSuchSubject,
            40403 => Self::NoSuchSchema,
            409 | 40900..=40999 => Self::Incompatible(message),
            429 | 42900..=42999 | 500..=599 | 50000..=59999 => Self::Unreachable(message),
            _ => Self::Refused { code, message },
        }
    }
}

/// The error with its causes: the outermost alone says only that a call failed.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = match error.downcast_ref::<SRCError>() {
        Some(own) => own.error.clone(),
        None => error.to_string(),
    };
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}
