//! How soon a transaction may follow the last one.
//!
//! The coordinator answers a commit before it has written all its markers. A transaction that comes earlier is sent
//! away, and librdkafka tries again 20 ms later. (One record a commit without a pause between them, two busy cores: 21
//! ms a commit; held back for 2 ms, 11 ms.) How long the markers take depends on the brokers, so it is learned.

use std::time::{Duration, Instant};

/// A flush that took so long has met librdkafka's retry.
const RETRY: Duration = Duration::from_millis(20);
const STEP: Duration = Duration::from_micros(500);
const LONGEST: Duration = Duration::from_millis(3);

#[derive(Default)]
pub struct Pace {
    hold: Duration,
    committed: Option<Instant>,
    /// Whether the present transaction came soon after the last.
    soon: bool,
}

impl Pace {
    /// How long the next transaction is better held back.
    pub fn left(&self) -> Duration {
        self.committed.map_or(Duration::ZERO, |at| self.hold.saturating_sub(at.elapsed()))
    }

    pub fn begun(&mut self) {
        self.soon = self.committed.is_some_and(|at| at.elapsed() < LONGEST);
    }

    /// Learns from how long the transaction's records took to be written.
    pub fn flushed(&mut self, took: Duration) {
        if !self.soon {
            return;
        }
        self.hold = if took >= RETRY { LONGEST.min(self.hold + STEP) } else { self.hold * 63 / 64 };
    }

    pub fn committed(&mut self) {
        self.committed = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(flushes: &[u64]) -> Duration {
        let mut pace = Pace { soon: true, ..Pace::default() };
        flushes.iter().for_each(|took| pace.flushed(Duration::from_millis(*took)));
        pace.hold
    }

    #[test]
    fn retries_lengthen_the_pause_up_to_a_limit() {
        assert_eq!(after(&[3, 3]), Duration::ZERO);
        assert_eq!(after(&[25]), STEP);
        assert_eq!(after(&[25; 100]), LONGEST);
    }

    #[test]
    fn the_pause_shrinks_while_there_are_none() {
        let mut flushes = vec![25; 4];
        flushes.extend([3; 200]);
        assert!(after(&flushes) < STEP / 2);
    }

    #[test]
    fn a_transaction_that_came_late_teaches_nothing() {
        let mut pace = Pace::default();
        pace.begun();
        pace.flushed(Duration::from_millis(25));
        assert_eq!(pace.hold, Duration::ZERO);
        assert_eq!(pace.left(), Duration::ZERO);
    }
}
