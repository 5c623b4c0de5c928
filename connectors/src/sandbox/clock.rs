use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, as Stripe's objects tell time. A clock set before 1970 reads as 0.
#[expect(clippy::disallowed_methods, reason = "a gateway has a clock of its own")]
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
