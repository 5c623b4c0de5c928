//! Says how far restores have come: in the log, and as metrics.

use std::time::{Duration, Instant};

use tradewind_topics::Offset;

use crate::metrics::WorkerMetrics;

/// While a stage restores, it says how far it has come so often.
const EVERY: Duration = Duration::from_secs(5);

pub struct Progress {
    stage: String,
    metrics: WorkerMetrics,
    /// When it was last told, and what has been read since.
    told: Instant,
    since: u64,
}

impl Progress {
    pub fn new(stage: String, metrics: WorkerMetrics) -> Self {
        Self { stage, metrics, told: Instant::now(), since: 0 }
    }

    pub fn remains(&mut self, partition: u32, offsets: Offset) {
        let partition = partition.to_string();
        self.metrics.remaining.with_label_values(&[self.stage.as_str(), &partition]).set(offsets.max(0));
    }

    pub fn read(&mut self, partition: u32, records: u64) {
        self.since += records;
        self.metrics.restored.with_label_values(&[self.stage.as_str(), &partition.to_string()]).inc_by(records);
    }

    pub fn lags(&mut self, partition: u32, offsets: Offset) {
        self.metrics.lag.with_label_values(&[self.stage.as_str(), &partition.to_string()]).set(offsets);
    }

    /// One line every few seconds. `left` is what each task has still to read.
    pub fn tell(&mut self, left: impl Iterator<Item = Offset>) {
        let passed = self.told.elapsed();
        if passed < EVERY {
            return;
        }
        let (tasks, left) = left.fold((0, 0), |(tasks, sum), left| (tasks + 1, sum + left.max(0)));
        if tasks == 0 {
            return;
        }
        // After a pause the first line would tell of the pause.
        if passed < 2 * EVERY {
            let per_second = self.since as f64 / passed.as_secs_f64();
            let (records, seconds_left) = (self.since, (left as f64 / per_second.max(1.0)).ceil());
            let (per_second, seconds_left) = (per_second.round() as u64, seconds_left as u64);
            let stage = &self.stage;
            tracing::info!(stage, tasks, records, left_at_most = left, per_second, seconds_left, "restoring");
        }
        (self.told, self.since) = (Instant::now(), 0);
    }

    /// A standby has all there is, for the first time.
    pub fn is_level(&self, partition: u32, records: u64, seconds: f64) {
        let stage = &self.stage;
        tracing::info!(stage, partition, records, seconds, "a standby is at hand");
    }

    pub fn done(&mut self, partition: u32, records: u64, seconds: f64) {
        let stage = &self.stage;
        tracing::info!(stage, partition, records, seconds, "restored");
        self.remains(partition, 0);
    }

    /// The task is no longer here.
    pub fn forget(&mut self, partition: u32) {
        let labels = [self.stage.as_str(), &partition.to_string()];
        // There is none where there was nothing to restore, or no standby.
        let _ = self.metrics.remaining.remove_label_values(&labels);
        let _ = self.metrics.lag.remove_label_values(&labels);
    }
}
