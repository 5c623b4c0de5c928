//! How fast a backlog is worked off: by an application that has just started, and by one that runs already.

use std::{collections::BTreeMap, thread, time::Duration};

use anyhow::Result;

use super::{PATIENCE, Run, processed};
use crate::bench::{
    proc::{rounded, since},
    report::Report,
    subject::Subject,
};

impl Run {
    pub(super) fn drain(&self, subject: &mut Subject) -> Result<Report> {
        subject.wait("no record was processed", PATIENCE, |said| said.first != 0)?;
        let (at_first, broker_at_first) = (subject.process.cpu()?, self.broker_cpu()?);
        let half = self.records / 2;
        subject.wait("the input was not half done", 20 * PATIENCE, |said| said.processed >= half)?;
        let (at_half, said) = (subject.process.cpu()?, subject.said());
        self.drained(subject)?;
        let (at_end, broker_at_end) = (subject.process.cpu()?, self.broker_cpu()?);
        let seconds = (self.watch.last_ms() - said.first) as f64 / 1e3;
        let second_half = (self.watch.last_ms() - said.processed_at) as f64 / 1e3;
        let cpu = at_end - at_first;

        let mut report = Report::new("drain");
        report.put("records", self.records).put("outputs", self.input.expected).put("seconds", rounded(seconds));
        report.rate("records_per_s", self.records, seconds);
        report.put("cpu_s", rounded(cpu)).rate("records_per_cpu_s", self.records, cpu);
        report.put("cpu_s_with_start", rounded(at_end));
        report.rate("records_per_cpu_s_with_start", self.records, at_end);
        report.put("start_to_first_s", (said.first - subject.launched) as f64 / 1e3);
        if let Some(left) = self.records.checked_sub(said.processed).filter(|left| *left > 0) {
            report.rate("second_half_records_per_s", left, second_half);
            report.rate("second_half_records_per_cpu_s", left, at_end - at_half);
        }
        if let (Some(from), Some(to)) = (broker_at_first, broker_at_end) {
            report.put("broker_cpu_s", rounded(to - from));
        }
        report.put("peak_rss_mb", subject.process.peak_mb()?);
        report.put("threads_cpu_s", since(&BTreeMap::new(), &subject.process.threads()?));
        report.put("ok", self.watch.outputs() == self.input.expected);
        Ok(report)
    }

    /// Where the application is threads of this process it cannot be frozen, so it is stopped and started again with
    /// its state at hand: there `restarted` is true.
    pub(super) fn warm_drain(&mut self, subject: Subject) -> Result<(Report, Subject)> {
        thread::sleep(Duration::from_millis(500));
        let outputs = self.input.expected;
        let frozen = subject.freeze()?;
        let mut subject = if frozen {
            if let Err(error) = self.load(self.records) {
                // Frozen it could not end by itself.
                subject.thaw()?;
                return Err(error);
            }
            subject
        } else {
            subject.stop()?;
            self.load(self.records)?;
            self.launcher.launch(&self.state_dir)?
        };
        let before = subject.process.threads()?;
        let (from, broker_from) = (subject.process.cpu()?, self.broker_cpu()?);
        let began = tradewind_runtime::now().millis();
        subject.thaw()?;
        self.drained(&mut subject)?;
        let cpu = subject.process.cpu()? - from;
        let broker_to = self.broker_cpu()?;
        processed(&mut subject, if frozen { 2 * self.records } else { self.records })?;
        let seconds = (self.watch.last_ms() - began) as f64 / 1e3;

        let mut report = Report::new("warmdrain");
        report.put("records", self.records).put("outputs", self.input.expected - outputs);
        report.put("seconds", rounded(seconds)).rate("records_per_s", self.records, seconds);
        report.put("cpu_s", rounded(cpu)).rate("records_per_cpu_s", self.records, cpu);
        if let (Some(from), Some(to)) = (broker_from, broker_to) {
            report.put("broker_cpu_s", rounded(to - from));
        }
        report.put("peak_rss_mb", subject.process.peak_mb()?);
        report.put("threads_cpu_s", since(&before, &subject.process.threads()?));
        report.put("restarted", !frozen).put("ok", self.watch.outputs() == self.input.expected);
        Ok((report, subject))
    }
}
