//! The restores of a worker's tasks and standbys, as its thread sees them: what comes of the reading, and how far it
//! has come.

mod progress;
mod reading;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use tradewind_topics::{Log, LogError, Offset};

use crate::{effects::Input, metrics::WorkerMetrics, names::Names, task::Refusal};
use progress::Progress;
use reading::{Order, Reading, What};

/// All changelogs that a worker reads at the moment, together, on a thread of their own. The worker applies what comes,
/// a batch at a time, in between of what else it does.
pub struct Restores {
    names: Names,
    reading: Reading,
    /// By partition.
    under_way: BTreeMap<u32, UnderWay>,
    begun: u64,
    progress: Progress,
}

struct UnderWay {
    /// Which restore this is: what was read for an earlier one counts no more.
    round: u64,
    to: Offset,
    position: Offset,
    records: u64,
    since: Instant,
    /// A standby that had all there was, the last time somebody looked; and whether it ever had.
    is_level: bool,
    has_been_level: bool,
}

impl UnderWay {
    fn is_standby(&self) -> bool {
        self.to == Offset::MAX
    }
}

impl Restores {
    pub fn new(log: Arc<dyn Log>, names: Names, metrics: WorkerMetrics) -> Self {
        let progress = Progress::new(names.stage.clone(), metrics);
        let reading = Reading::new(log, names.stage.clone());
        Self { names, reading, under_way: BTreeMap::new(), begun: 0, progress }
    }

    /// Whether there is more to come at once.
    pub fn are_at_work(&self) -> bool {
        self.under_way.values().any(|under_way| !under_way.is_level)
    }

    /// Reads this task's changelog; an earlier restore of it is over.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn begin(&mut self, partition: u32, from: Offset, to: Offset) -> Result<(), LogError> {
        self.progress.remains(partition, to - from);
        self.read(partition, from, to)
    }

    /// Reads a standby's changelog for good.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn follow(&mut self, partition: u32, from: Offset) -> Result<(), LogError> {
        self.read(partition, from, Offset::MAX)
    }

    fn read(&mut self, partition: u32, from: Offset, to: Offset) -> Result<(), LogError> {
        self.begun += 1;
        let round = self.begun;
        let since = Instant::now();
        let (is_level, has_been_level) = (false, false);
        let under_way = UnderWay { round, to, position: from, records: 0, since, is_level, has_been_level };
        self.under_way.insert(partition, under_way);
        let changelog = self.names.changelog(partition);
        self.reading.order(Order::Read { changelog, round, from, to })
    }

    /// What the worker is to be told next, if there is something.
    ///
    /// # Errors
    /// The reader's, but that the log is out of reach: then it is tried again.
    pub fn take(&mut self) -> Result<Option<Input>, LogError> {
        while let Some(batch) = self.reading.take()? {
            let partition = batch.changelog.partition;
            let theirs = |under_way: &&mut UnderWay| under_way.round == batch.round;
            let Some(under_way) = self.under_way.get_mut(&partition).filter(theirs) else { continue };
            match batch.what {
                What::Read(records, position) => {
                    under_way.records += records.len() as u64;
                    under_way.position = position;
                    self.progress.read(partition, records.len() as u64);
                    if !under_way.is_standby() {
                        self.progress.remains(partition, under_way.to - position);
                    }
                    let restores = self.under_way.values().filter(|under_way| !under_way.is_standby());
                    self.progress.tell(restores.map(|under_way| under_way.to - under_way.position));
                    return Ok(Some(Input::Restored { partition, records, position }));
                }
                What::Gone(from) => {
                    let refusal = Refusal::Deleted { from, of: batch.changelog.to_string() };
                    let why = self.names.refusal(partition, &refusal);
                    self.under_way.remove(&partition);
                    self.progress.forget(partition);
                    return Ok(Some(Input::NoStandby { partition, why }));
                }
                What::Lag(lag) => {
                    self.progress.lags(partition, lag);
                    under_way.is_level = lag == 0;
                    if under_way.is_level {
                        if !under_way.has_been_level {
                            under_way.has_been_level = true;
                            let seconds = under_way.since.elapsed().as_secs_f64();
                            self.progress.is_level(partition, under_way.records, seconds);
                        }
                        return Ok(Some(Input::Level(partition)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The task has its state.
    pub fn is_done(&mut self, partition: u32) {
        let done = self.under_way.remove(&partition);
        let (records, seconds) = done.map_or((0, 0.0), |done| (done.records, done.since.elapsed().as_secs_f64()));
        self.progress.done(partition, records, seconds);
    }

    /// The task or standby goes, or its positions are looked up anew.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn give_up(&mut self, partition: u32) -> Result<(), LogError> {
        self.progress.forget(partition);
        match self.under_way.remove(&partition) {
            Some(_) => self.reading.order(Order::Leave(self.names.changelog(partition))),
            None => Ok(()),
        }
    }
}
