//! Reading what earlier executors of a partition did.

use std::time::{Duration, Instant};

use tradewind_schemas::Timestamp;
use tradewind_topics::{LogError, Offset, Reader, TopicPartition};

use super::{attempts::Attempts, reading::Unread, records::Records};

/// Reads a partition of `payment.attempts` to the end that it had when the intents' partition was assigned.
pub struct Restoring {
    pub reader: Box<dyn Reader>,
    pub source: TopicPartition,
    pub end: Offset,
    /// Where the group is in the intents' partition.
    pub position: Offset,
    /// When to begin.
    pub not_before: Option<Instant>,
}

/// How far it came.
pub enum Progress {
    More,
    Done,
    /// The environment failed: it must begin anew later.
    Interrupted(String),
}

impl Restoring {
    pub fn step(
        &mut self,
        attempts: &mut Attempts,
        records: &Records,
        now: Timestamp,
        patience: Duration,
    ) -> Result<Progress, LogError> {
        if self.not_before.is_some_and(|at| at > Instant::now()) {
            return Ok(Progress::More);
        }
        let kept = records.intents_kept().and_then(|kept| i64::try_from(kept.as_millis()).ok());
        let outdated = kept.map(|kept| now.millis() - kept);
        let records_read = match self.reader.poll(patience) {
            Err(LogError::Unavailable(why)) => return Ok(Progress::Interrupted(why)),
            read => read?,
        };
        for record in records_read {
            match records.last_attempt(&record) {
                Ok((intent, last)) => attempts.restore(intent, last, record.timestamp, self.position, outdated),
                // The call that it was about is made again, with the same idempotency key.
                Err(Unread::Fault(reason)) => {
                    tracing::error!(source = %record.source, offset = record.offset, reason, "passing over an attempt");
                }
                Err(Unread::Environment(why)) => return Ok(Progress::Interrupted(why)),
            }
        }
        let read = self.reader.position(&self.source)?;
        Ok(if read >= self.end { Progress::Done } else { Progress::More })
    }
}
