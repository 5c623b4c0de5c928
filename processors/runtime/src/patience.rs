//! What is done about a log that cannot be reached.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tradewind_topics::LogError;

/// How long it is left alone before it is tried again.
pub(crate) const AGAIN: Duration = Duration::from_millis(500);

/// Tries again while the log cannot be reached, until the process is told to stop. Any other fault is for the caller.
pub fn patiently<T>(
    stop: &AtomicBool,
    doing: &str,
    mut attempt: impl FnMut() -> Result<T, LogError>,
) -> Result<T, LogError> {
    loop {
        match attempt() {
            Err(LogError::Unavailable(why)) if !stop.load(Ordering::Relaxed) => {
                tracing::warn!(doing, why, "the log cannot be reached: trying again");
                std::thread::sleep(AGAIN);
            }
            settled => return settled,
        }
    }
}
