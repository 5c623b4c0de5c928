//! Logs: for people on a terminal, JSON elsewhere.

use std::{
    env::{self, VarError},
    io::IsTerminal,
};

use anyhow::{Context, Result, anyhow};
use tracing_subscriber::EnvFilter;

/// Filters, as in `info,tradewind_runtime=debug`.
const VARIABLE: &str = "TRADEWIND_LOG";

pub fn start() -> Result<()> {
    let filter = match env::var(VARIABLE) {
        Err(VarError::NotPresent) => EnvFilter::new("info,apache_avro=error"),
        told => {
            let told = told.with_context(|| format!("{VARIABLE} cannot be read"))?;
            // Its error tells its cause by itself.
            EnvFilter::try_new(&told).map_err(|error| {
                anyhow!("{told:?} (from {VARIABLE}) does not say what to log, as `info` would: {error}")
            })?
        }
    };
    // Where standard error cannot be written (a full disk), to say so there would be to panic.
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    if std::io::stderr().is_terminal() {
        subscriber.init();
    } else {
        subscriber.json().init();
    }
    Ok(())
}
