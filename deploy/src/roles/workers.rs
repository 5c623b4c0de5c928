//! Worker threads: one for each stage.

use std::{path::Path, time::Duration};

use anyhow::Result;
use prometheus::Registry;
use tradewind_runtime::{Limits, Names, Processing, Serving, Standbys, Worker, WorkerMetrics, WorkerPlace, run};
use tradewind_state::rocks::SharedMemory;
use tradewind_topics::SessionConfig;

use super::threads::Threads;
use crate::{
    cli::StateMemory,
    data_dir::STATE,
    platform::{Platform, Settings, Stage},
};

/// A worker silent for so long loses its tasks. Longer than a transaction may take (10 s), so that nobody is thrown
/// out of the group for a commit that is slow.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of a record's key, value and headers: a little less than either log takes.
pub const LARGEST: usize = 990_000;

/// Records that a worker takes at a time, at most.
pub const MAX_BATCH: usize = 1_000;

/// What a process's workers share.
#[derive(Clone)]
pub struct Shared {
    pub memory: SharedMemory,
    pub serving: Serving,
    pub metrics: WorkerMetrics,
    pub standbys: Standbys,
}

impl Shared {
    /// # Errors
    /// When the registry has the workers' metrics already.
    pub fn new(state_memory: &StateMemory, metrics: &Registry) -> Result<Self> {
        let (memory, metrics) = (SharedMemory::new(state_memory.bytes()), WorkerMetrics::new(metrics)?);
        Ok(Self { memory, serving: Serving::default(), metrics, standbys: Standbys::default() })
    }
}

/// `instance` tells this process's sessions from those of others.
pub fn start(
    stages: &[&'static Stage],
    settings: &Settings,
    platform: &Platform,
    data_dir: &Path,
    shared: &Shared,
    instance: &str,
) -> Result<Threads> {
    let mut threads = Threads::new();
    for stage in stages {
        let names = Names::new(platform.layout.clone(), stage.name, stage.source);
        let make = (stage.make)(settings, platform.codecs.clone());
        let processing = Processing::new(make, platform.layout.clone(), LARGEST, stage.parks);
        let worker = Worker::new(processing, names.clone(), Limits::default());
        let place = WorkerPlace {
            log: platform.log.clone(),
            state_dir: data_dir.join(STATE),
            memory: shared.memory.clone(),
            serving: shared.serving.clone(),
            metrics: shared.metrics.clone(),
            standbys: shared.standbys.clone(),
            session: SessionConfig {
                group: names.group(),
                topics: vec![platform.layout.physical(stage.source)],
                transactional_id: format!("{}.{instance}", names.group()).into(),
                instance_id: Some(instance.into()),
                session_timeout: SESSION_TIMEOUT,
                max_batch: MAX_BATCH,
            },
        };
        let called = format!("the worker of stage {}", stage.name);
        threads.spawn(stage.name, called, move |stop| run(worker, names, place, stop))?;
    }
    Ok(threads)
}
