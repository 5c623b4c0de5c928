//! What a run came to.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

/// One kind of fault.
#[derive(Default)]
struct Kind {
    injected: u64,
    longest_pause: Duration,
}

pub struct Report {
    name: &'static str,
    seed: u64,
    brokers: usize,
    rate: u64,
    kinds: BTreeMap<String, Kind>,
    /// Processes that ended by themselves for a good reason, and were started again.
    pub restarts: u64,
    /// Commands in the topic, and those of which the loader never heard whether they were written.
    records: u64,
    doubtful: u64,
    /// Tasks that came to a process which stood by for them.
    taken_over: usize,
    verified: String,
}

impl Report {
    pub fn new(name: &'static str, seed: u64, brokers: usize, rate: u64) -> Self {
        let (kinds, verified) = (BTreeMap::new(), "not verified".to_owned());
        Self { name, seed, brokers, rate, kinds, restarts: 0, records: 0, doubtful: 0, taken_over: 0, verified }
    }

    pub fn counts(&mut self, kind: String) {
        self.kinds.entry(kind).or_default().injected += 1;
    }

    /// A partition paused for so long until everybody had recovered.
    pub fn pauses(&mut self, kind: String, pause: Duration) {
        let kind = self.kinds.entry(kind).or_default();
        kind.longest_pause = kind.longest_pause.max(pause);
    }

    /// Both verifications have said yes; the ledger's said this.
    pub fn ends(&mut self, records: u64, doubtful: u64, taken_over: usize, verified: String) {
        (self.records, self.doubtful, self.taken_over, self.verified) = (records, doubtful, taken_over, verified);
    }

    /// As a section of a page.
    pub fn as_markdown(&self) -> String {
        let Self { name, seed, brokers, rate, kinds, restarts, records, doubtful, taken_over, verified } = self;
        let injected: u64 = kinds.values().map(|kind| kind.injected).sum();
        let longest = kinds.values().map(|kind| kind.longest_pause).max().unwrap_or_default();
        let mut page = format!(
            "### {name}, seed {seed}\n\n{brokers} broker(s), {rate} commands a second: {records} commands processed \
             ({doubtful} of them never acknowledged to the loader), {injected} faults, longest pause of a partition \
             {:.1} s; {restarts} processes found no broker as they started, or were fenced by brokers that had hung, and were \
             started again; {taken_over} times a standby became the task. Every event is that of its command, byte by byte and in order, to a second client; the ledger's \
             verifier said:\n\n    {verified}\n\n| fault | injected | longest pause, s |\n|---|---|---|\n",
            longest.as_secs_f64()
        );
        for (name, Kind { injected, longest_pause }) in kinds {
            // Writing to a string does not fail.
            let _ = writeln!(page, "| {name} | {injected} | {:.1} |", longest_pause.as_secs_f64());
        }
        page
    }
}
