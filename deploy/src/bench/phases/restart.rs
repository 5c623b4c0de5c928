//! How long it takes from the launch to the first new records processed: with the state to be restored, or at hand.

use std::time::Duration;

use anyhow::Result;
use tradewind_runtime::now;

use super::{PATIENCE, Run};
use crate::bench::{load::Loader, proc::rounded, report::Report};

/// Records that are new.
const FRESH: u64 = 64;
const OUTPUTS_WITHIN: Duration = Duration::from_secs(60);

impl Run {
    pub(super) fn restart(&mut self, phase: &str) -> Result<Report> {
        let mut loader = Loader::new(self.writer.clone());
        let mut subject = self.launcher.launch(&self.state_dir)?;
        for _ in 0..FRESH {
            loader.send(self.input.next(now().millis()))?;
        }
        loader.finish()?;
        let done = |said: &crate::bench::subject::Said| said.running != 0 && said.processed >= FRESH;
        subject.wait("the new records were not processed", 5 * PATIENCE, done)?;
        self.watch.wait(self.input.expected, OUTPUTS_WITHIN)?;
        let said = subject.said();
        let restoring = (said.restore_to - said.restore_from) as f64 / 1e3;
        let after = |moment: i64| rounded((moment - subject.launched) as f64 / 1e3);

        let mut report = Report::new(phase);
        report.put("records_restored", said.restored);
        report.put("launch_to_running_s", after(said.running));
        report.put("launch_to_new_records_processed_s", after(said.running.max(said.processed_at)));
        report.put("restore_s", rounded(restoring)).rate("restored_records_per_s", said.restored, restoring);
        report.put("cpu_s_with_start", rounded(subject.process.cpu()?));
        report.put("peak_rss_mb", subject.process.peak_mb()?);
        subject.stop()?;
        report.put("ok", self.watch.outputs() == self.input.expected);
        Ok(report)
    }
}
