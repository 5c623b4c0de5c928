use reqwest::StatusCode;

/// Why it is not known what became of a call. The gateway may have carried it out, now or in an earlier attempt.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    #[error("the gateway did not answer in time")]
    TimedOut(#[source] reqwest::Error),
    /// This attempt was not carried out; an earlier one may have been.
    #[error("the gateway could not be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the connection to the gateway broke before the whole answer was there")]
    Broken(#[source] reqwest::Error),
    #[error("the gateway failed with {status}")]
    ServerError { status: StatusCode },
    /// Too many requests, or another request with the same key is under way. Repeating later settles it.
    #[error("the gateway is busy ({status})")]
    Busy { status: StatusCode },
    /// Nothing is settled until the configured key is put right.
    #[error("the gateway did not accept the secret key ({status})")]
    Unauthorised { status: StatusCode },
    /// A fault of ours that repeating does not mend: what the first call with the key did has to be looked up.
    #[error("the idempotency key was used before, for another call: {message}")]
    KeyReused { message: String },
    #[error("the gateway's answer ({status}) is not understood: {reason}")]
    Garbage { status: StatusCode, reason: String },
}

impl Doubt {
    /// What a transport error leaves in doubt. The address is left out of it: it names ids.
    pub(super) fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_connect() {
            Self::Unreachable(error)
        } else if error.is_timeout() {
            Self::TimedOut(error)
        } else {
            Self::Broken(error)
        }
    }
}
