//! From when a record is due to when a consumer of committed records sees its output, at a constant rate. A driver
//! that is late counts as latency, so nothing is left out.

use std::time::{Duration, Instant};

use anyhow::Result;
use tradewind_runtime::now;

use super::{PATIENCE, Run, processed};
use crate::bench::{
    load::{Loader, Schedule},
    proc::rounded,
    report::Report,
    watch::Measured,
};

const OUTPUTS_WITHIN: Duration = Duration::from_secs(30);

impl Run {
    pub(super) fn latency(&mut self) -> Result<Report> {
        let mut loader = Loader::new(self.writer.clone());
        let mut subject = self.launcher.launch(&self.state_dir)?;
        subject.wait("it did not run", 5 * PATIENCE, |said| said.running != 0)?;
        let (base, measured_from) = (self.input.sent, self.rate * self.warm_up);
        let schedule = Schedule { start: Instant::now(), start_ms: now().millis(), rate: self.rate };
        self.watch.measure(Some(Measured { schedule, base, from: base + measured_from }));
        let (mut from, mut broker_from) = (subject.process.cpu()?, self.broker_cpu()?);
        let mut late = Duration::ZERO;
        for number in 0..self.rate * (self.warm_up + self.seconds) {
            let behind = schedule.wait(number);
            if number == measured_from {
                (from, broker_from) = (subject.process.cpu()?, self.broker_cpu()?);
            }
            if number >= measured_from {
                late = late.max(behind);
            }
            loader.send(self.input.next(schedule.due_ms(number)))?;
        }
        loader.finish()?;
        subject.check()?;
        let (to, broker_to) = (subject.process.cpu()?, self.broker_cpu()?);
        let complete = self.watch.wait(self.input.expected, OUTPUTS_WITHIN)?;
        processed(&mut subject, self.rate * (self.warm_up + self.seconds))?;
        let mut latencies = self.watch.measure(None);
        latencies.sort_unstable();

        let mut report = Report::new("latency");
        report.put("rate", self.rate).put("measured_s", self.seconds).put("samples", latencies.len());
        for (name, share) in [("p50_ms", 0.5), ("p99_ms", 0.99), ("p999_ms", 0.999), ("max_ms", 1.0)] {
            report.put(name, rounded(at(&latencies, share).as_secs_f64() * 1e3));
        }
        let percent = |cpu: f64| rounded(100.0 * cpu / self.seconds as f64);
        report.put("app_cpu_pct", percent(to - from));
        if let (Some(from), Some(to)) = (broker_from, broker_to) {
            report.put("broker_cpu_pct", percent(to - from));
        }
        report.put("producer_late_max_ms", rounded(late.as_secs_f64() * 1e3));
        report.put("peak_rss_mb", subject.process.peak_mb()?);
        subject.stop()?;
        report.put("ok", complete);
        Ok(report)
    }
}

/// The value below or at which this share of the (sorted) ones lie.
fn at(sorted: &[Duration], share: f64) -> Duration {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let hundred: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        let millis = |share| at(&hundred, share).as_millis();
        assert_eq!((millis(0.5), millis(0.99), millis(0.999), millis(1.0)), (50, 99, 100, 100));
        assert_eq!(at(&[], 0.5), Duration::ZERO);
    }
}
