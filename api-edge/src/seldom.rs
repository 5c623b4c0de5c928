//! Warnings that a client can cause are given at a bounded rate, whatever the client does.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

const EVERY: Duration = Duration::from_secs(5);

/// One kind of warning.
pub struct Seldom {
    said: Mutex<Option<Instant>>,
    left_out: AtomicU64,
}

impl Seldom {
    pub const fn new() -> Self {
        Self { said: Mutex::new(None), left_out: AtomicU64::new(0) }
    }

    /// Whether to warn now: if so, how many warnings were left out since the last.
    pub fn due(&self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<u64> {
        let mut said = self.said.lock();
        if said.is_some_and(|at| now.saturating_duration_since(at) < EVERY) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        *said = Some(now);
        Some(self.left_out.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_in_a_while_and_what_was_left_out_is_counted() {
        let (seldom, start) = (Seldom::new(), Instant::now());
        let said: Vec<_> = (0..10).map(|n| seldom.due_at(start + EVERY * n / 4)).collect();
        assert_eq!(said, [Some(0), None, None, None, Some(3), None, None, None, Some(3), None]);
    }
}
