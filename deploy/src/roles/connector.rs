//! The payment connector, on a thread of its own.

use anyhow::Result;
use tradewind_connectors::stripe::{Client, Config, Executor, executor};

use super::threads::Threads;
use crate::platform::Platform;

/// `instance` tells this process's executor from others'.
pub fn start(platform: &Platform, gateway: &Config, instance: &str) -> Result<Threads> {
    let client = Client::new(gateway)?;
    let options = executor::Options::new(instance);
    let executor =
        Executor::new(platform.log.clone(), platform.codecs.clone(), platform.layout.clone(), client, options);
    let mut threads = Threads::new();
    threads.spawn(executor::NAME, "the payment connector".to_owned(), move |stop| executor.run(stop.clone()))?;
    Ok(threads)
}
