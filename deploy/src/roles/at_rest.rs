//! A log for commands that only read: Kafka, or an embedded log that nobody has open.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tradewind_topics::LogError;

use crate::{cli::LogArgs, platform::Platform};

/// `instead` says how to ask a running platform.
pub fn open(log: &LogArgs, data_dir: Option<&Path>, instead: &str) -> Result<Platform> {
    if let Some(brokers) = &log.brokers {
        return Platform::kafka_at_rest(log, brokers);
    }
    let Some(data_dir) = data_dir else {
        bail!(
            "which log? Name an embedded one at rest with --data-dir, or Kafka with --brokers; where a platform runs on it, {instead}"
        );
    };
    let opened = Platform::embedded_at_rest(log, data_dir);
    let refused = opened.as_ref().is_err_and(|error| {
        error.downcast_ref::<LogError>().is_some_and(|error| matches!(error, LogError::Refused { .. }))
    });
    if refused {
        return opened
            .with_context(|| format!("the log cannot be read at rest; where a platform runs on it, {instead}"));
    }
    opened
}
