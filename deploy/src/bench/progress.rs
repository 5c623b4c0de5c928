//! How far the application has come, counted by its stages and told to whoever measures it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use tradewind_runtime::now;

/// Counters of an application, without a lock on the way of a record.
#[derive(Default)]
pub struct Progress {
    /// When the first record came, in milliseconds; 0 before.
    first: AtomicI64,
    processed: AtomicU64,
}

impl Progress {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The first stage has a record in hand.
    pub fn begun(&self) {
        if self.first.load(Ordering::Relaxed) == 0 {
            self.first.store(now().millis(), Ordering::Relaxed);
        }
    }

    /// The last stage is done with a record.
    pub fn processed(&self) {
        self.processed.fetch_add(1, Ordering::Relaxed);
    }

    pub fn first_ms(&self) -> i64 {
        self.first.load(Ordering::Relaxed)
    }

    pub fn count(&self) -> u64 {
        self.processed.load(Ordering::Relaxed)
    }
}
