//! The phases of a run, in their order. What each figure means is on the peer's page; where one means less here, it is
//! said beside it.

mod drain;
mod latency;
mod restart;

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use clap::ValueEnum;
use tradewind_runtime::Layout;
use tradewind_topics::{Log, Writer};

use super::{
    input::Input, launcher::Launcher, load::Loader, proc::Process, report::Report, subject::Subject, verify::Topics,
    watch::Watch, workload::Workload,
};

/// An application that makes no progress for so long has failed.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Phase {
    /// Loads the input, then starts the application without any state.
    Drain,
    /// Loads as much again while the application is frozen, and lets it go on.
    Warmdrain,
    /// Starts the application anew without its local state.
    Restore,
    /// Starts it anew with it.
    Restart,
    /// A constant rate: from when a record is due to when its output is seen.
    Latency,
    /// Recomputes all outputs from the input topic.
    Verify,
}

/// What a run measures with.
pub struct Run {
    pub log: Arc<dyn Log>,
    /// The same for the whole run: a new one takes half a second to introduce itself.
    pub writer: Arc<dyn Writer>,
    pub workload: Workload,
    pub layout: Layout,
    pub keys: u64,
    /// Records of a drain.
    pub records: u64,
    /// Of the latency phase: records a second, seconds that are measured, seconds before that.
    pub rate: u64,
    pub seconds: u64,
    pub warm_up: u64,
    pub launcher: Launcher,
    pub state_dir: PathBuf,
    pub broker: Option<Process>,
    pub input: Input,
    pub watch: Watch,
}

impl Run {
    /// Loads the input of the first drain.
    pub fn preload(&mut self) -> Result<()> {
        self.load(self.records)
    }

    /// Runs these phases; each one's figures are reported as soon as there are any.
    pub fn phases(&mut self, phases: &[Phase], mut report: impl FnMut(Report)) -> Result<()> {
        let wanted = |phase| phases.contains(&phase);
        if wanted(Phase::Drain) {
            let mut subject = self.launcher.launch(&self.state_dir)?;
            report(self.drain(&mut subject)?);
            processed(&mut subject, self.records)?;
            if wanted(Phase::Warmdrain) {
                let (warm, still) = self.warm_drain(subject)?;
                subject = still;
                report(warm);
            }
            subject.stop()?;
        }
        if wanted(Phase::Restore) {
            self.forget_state()?;
            report(self.restart("restore")?);
        }
        if wanted(Phase::Restart) {
            report(self.restart("restart")?);
        }
        for _ in phases.iter().filter(|phase| **phase == Phase::Latency) {
            report(self.latency()?);
        }
        if wanted(Phase::Verify) {
            let Self { log, layout, workload, keys, input, .. } = self;
            let sent = input.sent..=input.sent;
            report(Topics { log: &**log, layout, workload: *workload, keys: *keys, sent }.verify()?);
        }
        Ok(())
    }

    fn load(&mut self, records: u64) -> Result<()> {
        let mut loader = Loader::new(self.writer.clone());
        for _ in 0..records {
            loader.send(self.input.preloaded())?;
        }
        loader.finish()
    }

    fn forget_state(&self) -> Result<()> {
        match fs::remove_dir_all(&self.state_dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", self.state_dir.display()))
            }
            _ => Ok(()),
        }
    }

    /// CPU seconds of the broker so far, where there is one to be asked.
    fn broker_cpu(&self) -> Result<Option<f64>> {
        self.broker.as_ref().map(Process::cpu).transpose()
    }

    /// Waits until every output that must come has been seen.
    fn drained(&self, subject: &mut Subject) -> Result<()> {
        let (mut seen, mut since) = (0, std::time::Instant::now());
        while self.watch.outputs() < self.input.expected {
            subject.check()?;
            self.watch.check()?;
            let outputs = self.watch.outputs();
            if outputs != seen {
                (seen, since) = (outputs, std::time::Instant::now());
            }
            anyhow::ensure!(
                since.elapsed() < PATIENCE,
                "{seen} of {} outputs came, and no more for {PATIENCE:?}",
                self.input.expected
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// Waits until the application has taken so many records: not each of them leads to an output that could be waited for.
fn processed(subject: &mut Subject, records: u64) -> Result<()> {
    subject.wait("the last records were not processed", PATIENCE, |said| said.processed >= records)
}
