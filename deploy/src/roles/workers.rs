//! Worker threads: one for each stage.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::sync::mpsc;
use tradewind_runtime::{Limits, Names, Processing, Serving, Worker, WorkerPlace, run};
use tradewind_state::rocks::SharedMemory;
use tradewind_topics::SessionConfig;

use crate::platform::{Platform, Settings, Stage};

/// For the block caches and write buffers of all local stores of the process.
pub const STATE_MEMORY: usize = 256 << 20;
/// A worker silent for so long loses its tasks. Longer than a transaction may take (10 s), so that nobody is thrown
/// out of the group for a commit that is slow.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest value that either log takes, less what a broker adds to it.
pub const LARGEST: usize = (1 << 20) - (16 << 10);

/// Records that a worker takes at a time, at most.
pub const MAX_BATCH: usize = 1_000;

/// Running threads, and the one way to end them.
pub struct Workers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    /// A worker that ended by itself says why.
    failures: mpsc::UnboundedReceiver<String>,
}

impl Workers {
    /// `instance` tells this process's sessions from those of others.
    pub fn start(
        stages: &[&'static Stage],
        settings: &Settings,
        platform: &Platform,
        data_dir: &Path,
        serving: &Serving,
        instance: &str,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let memory = SharedMemory::new(STATE_MEMORY);
        let (failed, failures) = mpsc::unbounded_channel();
        let mut threads = Vec::new();
        for stage in stages {
            let names = Names::new(platform.layout.clone(), stage.name, stage.source);
            let make = (stage.make)(settings, platform.codecs.clone());
            let processing = Processing::new(make, platform.layout.clone(), LARGEST, stage.parks);
            let worker = Worker::new(processing, names.clone(), Limits::default());
            let place = WorkerPlace {
                log: platform.log.clone(),
                state_dir: data_dir.join("state"),
                memory: memory.clone(),
                serving: serving.clone(),
                session: SessionConfig {
                    group: names.group(),
                    topics: vec![platform.layout.physical(stage.source)],
                    transactional_id: format!("{}.{instance}", names.group()).into(),
                    instance_id: Some(instance.into()),
                    session_timeout: SESSION_TIMEOUT,
                    max_batch: MAX_BATCH,
                },
            };
            let (stop, failed, name) = (stop.clone(), failed.clone(), stage.name);
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
                if let Err(error) = run(worker, names, place, &stop) {
                    // Nobody listens when the process is on its way out already.
                    let _ = failed.send(format!("the worker of stage {name} stopped: {error}"));
                }
            });
            threads.push(thread.with_context(|| format!("no thread for stage {name}"))?);
        }
        Ok(Self { stop, threads, failures })
    }

    /// Waits until a worker ends by itself, and says why.
    pub async fn failed(&mut self) -> String {
        match self.failures.recv().await {
            Some(why) => why,
            None => std::future::pending().await,
        }
    }

    /// Lets every worker finish what it has in hand, and waits for them.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker thread panicked");
            }
        }
    }
}
