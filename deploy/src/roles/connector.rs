//! The payment connector, on a thread of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use anyhow::{Context, Result};
use tokio::sync::watch;
use tradewind_connectors::stripe::{Client, Config, Executor, executor};

use crate::platform::Platform;

pub struct Connector {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    failure: watch::Receiver<Option<String>>,
}

impl Connector {
    /// `instance` tells this process's executor from others'.
    pub fn start(platform: &Platform, gateway: &Config, instance: &str) -> Result<Self> {
        let client = Client::new(gateway)?;
        let options = executor::Options::new(instance);
        let executor =
            Executor::new(platform.log.clone(), platform.codecs.clone(), platform.layout.clone(), client, options);
        let stop = Arc::new(AtomicBool::new(false));
        let (failed, failure) = watch::channel(None);
        let stopping = stop.clone();
        let thread = std::thread::Builder::new().name("connector.stripe".to_owned()).spawn(move || {
            if let Err(error) = executor.run(stopping) {
                failed.send_replace(Some(format!("the payment connector stopped: {error}")));
            }
        });
        Ok(Self { stop, thread: thread.context("no thread for the payment connector")?, failure })
    }

    /// Waits until it ends by itself, and says why.
    pub async fn failed(&self) -> String {
        let mut failure = self.failure.clone();
        match failure.wait_for(Option::is_some).await.map(|why| why.clone()) {
            Ok(Some(why)) => why,
            _ => std::future::pending().await,
        }
    }

    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.thread.join().is_err() {
            tracing::error!("the payment connector's thread panicked");
        }
    }
}
