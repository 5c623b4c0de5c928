//! What is done about old records, and when.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use parking_lot::{Condvar, Mutex};
use tracing::warn;

use super::{compaction, engine::Engine, retention};
use crate::{Cleanup, LogError, Millis};

/// How eager maintenance is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Only where it is worth it.
    Worthwhile,
    Whatever,
}

pub struct Maintenance {
    engine: Arc<Engine>,
    stopped: Mutex<bool>,
    stop: Condvar,
    /// One pass at a time.
    pass: Mutex<()>,
}

impl Maintenance {
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, stopped: Mutex::new(false), stop: Condvar::new(), pass: Mutex::new(()) }
    }

    /// The maintenance thread's work, until [`stop`](Self::stop).
    pub fn run(&self, interval: Duration) {
        loop {
            let next = Instant::now() + interval;
            let mut stopped = self.stopped.lock();
            while !*stopped && !self.stop.wait_until(&mut stopped, next).timed_out() {}
            if *stopped {
                return;
            }
            drop(stopped);
            if let Err(error) = self.work_through(Effort::Worthwhile) {
                warn!(%error, "compaction and retention did not get through, and will be tried again");
            }
        }
    }

    pub fn stop(&self) {
        *self.stopped.lock() = true;
        self.stop.notify_all();
    }

    pub fn work_through(&self, effort: Effort) -> Result<(), LogError> {
        let _alone = self.pass.lock();
        for topic in self.engine.topics.all() {
            for partition in &topic.partitions {
                if *self.stopped.lock() {
                    return Ok(());
                }
                match topic.cleanup {
                    Cleanup::Keep => {}
                    Cleanup::Delete { after } => retention::expire(&self.engine, partition, before(now(), after))?,
                    Cleanup::Compact { tombstones_for } => {
                        compaction::compact(&self.engine, partition, tombstones_for, now(), effort)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "what is old is told by the clock, as in a broker")]
fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// So long before that time.
pub fn before(time: Millis, duration: Duration) -> Millis {
    time.saturating_sub(Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX))
}
