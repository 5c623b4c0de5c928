//! What workers measure of themselves.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// Of all workers of a process. Clones are the same ones.
#[derive(Clone)]
pub struct WorkerMetrics {
    /// Records of changelogs taken over.
    pub(crate) restored: IntCounterVec,
    /// Offsets of its changelog that a task in restore has still to read: at least as many as there are records.
    pub(crate) remaining: IntGaugeVec,
    /// Offsets of its changelog that a standby lacked a moment ago.
    pub(crate) lag: IntGaugeVec,
}

impl WorkerMetrics {
    /// Registered with a registry that others may share.
    ///
    /// # Errors
    /// When it has metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = &["stage", "partition"];
        let restored = Opts::new("tradewind_restore_records_total", "Records read from changelogs into local state.");
        let restored = IntCounterVec::new(restored, labels)?;
        let remaining = Opts::new("tradewind_restore_remaining_records", "At most so many are still to be restored.");
        let remaining = IntGaugeVec::new(remaining, labels)?;
        let lag = Opts::new("tradewind_standby_lag_records", "At most so many are not in the standby.");
        let lag = IntGaugeVec::new(lag, labels)?;
        registry.register(Box::new(lag.clone()))?;
        registry.register(Box::new(restored.clone()))?;
        registry.register(Box::new(remaining.clone()))?;
        Ok(Self { restored, remaining, lag })
    }
}
