//! The application under test, within a process: the stages of a workload on the production runtime, one worker
//! thread for each (or several), as the platform runs its own.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use prometheus::Registry;
use tradewind_runtime::{
    Limits, Names, Processing, Serving, Standbys, Worker, WorkerError, WorkerMetrics, WorkerPlace, run,
};
use tradewind_state::rocks::SharedMemory;
use tradewind_topics::{Log, SessionConfig};

use super::{
    progress::Progress,
    restores::{ObservedLog, Restored},
    wire::PARTITIONS,
    workload::Workload,
};
use crate::roles::workers::{LARGEST, MAX_BATCH};

/// What to run.
#[derive(Clone)]
pub struct Setup {
    pub workload: Workload,
    pub namespace: String,
    pub keys: u64,
    /// Worker threads for each stage.
    pub threads: u32,
    /// Of a transaction under load, in milliseconds; the runtime's own choice without.
    pub commit_ms: Option<i64>,
    /// For the state of all tasks.
    pub state_memory_mib: u32,
    /// What this application's workers are called, each with its number: their identity in their groups.
    pub instance: String,
    /// A worker silent for so long loses its tasks.
    pub session_timeout: Duration,
    /// Whether it keeps a standby of every task that others have; with one worker thread a stage only.
    pub stands_by: bool,
}

pub struct Application {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<(), WorkerError>>>,
    serving: Serving,
    log: Arc<ObservedLog>,
    tasks: usize,
    pub progress: Arc<Progress>,
}

impl Application {
    pub fn start(setup: &Setup, log: Arc<dyn Log>, state_dir: &Path) -> Result<Self> {
        let progress = Progress::new();
        let layout = setup.workload.layout(&setup.namespace);
        let memory = SharedMemory::new((setup.state_memory_mib as usize) << 20);
        let metrics = WorkerMetrics::new(&Registry::new())?;
        let stages = setup.workload.stages(setup.keys, &progress);
        let mut application = Self {
            stop: Arc::default(),
            threads: Vec::new(),
            serving: Serving::default(),
            log: Arc::new(ObservedLog::new(log)),
            tasks: stages.len() * PARTITIONS as usize,
            progress,
        };
        let standbys = Standbys::default();
        let limits = Limits::default();
        let limits = Limits { commit_ms: setup.commit_ms.unwrap_or(limits.commit_ms), ..limits };
        for stage in stages {
            let names = Names::new(layout.clone(), stage.name(), stage.source());
            if setup.stands_by {
                standbys.set(stage.name(), (0..PARTITIONS).collect());
            }
            for number in 0..setup.threads {
                let processing = Processing::new(stage.clone(), layout.clone(), LARGEST, false);
                let worker = Worker::new(processing, names.clone(), limits);
                let place = WorkerPlace {
                    log: application.log.clone(),
                    state_dir: state_dir.to_owned(),
                    memory: memory.clone(),
                    serving: application.serving.clone(),
                    metrics: metrics.clone(),
                    standbys: standbys.clone(),
                    session: SessionConfig {
                        group: names.group(),
                        topics: vec![layout.physical(stage.source())],
                        transactional_id: format!("{}.{}-{number}", names.group(), setup.instance).into(),
                        instance_id: Some(format!("{}-{number}", setup.instance).into()),
                        session_timeout: setup.session_timeout,
                        max_batch: MAX_BATCH,
                    },
                };
                let (names, stop) = (names.clone(), application.stop.clone());
                let thread = std::thread::Builder::new().name(stage.name().to_owned());
                let thread = thread.spawn(move || run(worker, names, place, &stop));
                application.threads.push(thread.with_context(|| format!("no thread for stage {}", stage.name()))?);
            }
        }
        Ok(application)
    }

    /// Whether every task has its state and takes records.
    pub fn is_running(&self) -> bool {
        self.serving.positions().len() == self.tasks
    }

    pub fn restored(&self) -> Restored {
        self.log.restored()
    }

    /// Whether a worker has ended by itself; [`stop`](Self::stop) says why.
    pub fn has_ended(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Lets every worker finish what it has in hand, and waits for them.
    ///
    /// # Errors
    /// What a worker ended of, if not of being told to.
    pub fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let mut ended = Ok(());
        for thread in self.threads {
            let result = thread.join().map_err(|_| anyhow!("a worker panicked"));
            ended = ended.and(result.and_then(|result| Ok(result?)));
        }
        ended
    }
}
