//! The restores of a worker's tasks, as its thread sees them: what comes of the reading, and how far it has come.

mod progress;
mod reading;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use tradewind_topics::{Log, LogError, Offset, Record, TopicPartition};

use crate::{metrics::WorkerMetrics, names::Names};
use progress::Progress;
use reading::{Order, Reading};

/// What was read of a task's changelog, and how far that went.
pub struct Read {
    pub partition: u32,
    pub records: Vec<Record>,
    pub position: Offset,
}

/// All changelogs that a worker reads at the moment, together, on a thread of their own. The worker applies what comes,
/// a batch at a time, in between of what else it does.
pub struct Restores {
    names: Names,
    reading: Reading,
    /// Of the task's restore that is under way, by partition.
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
}

impl Restores {
    pub fn new(log: Arc<dyn Log>, names: Names, metrics: WorkerMetrics) -> Self {
        let progress = Progress::new(names.stage.clone(), metrics);
        let reading = Reading::new(log, names.stage.clone());
        Self { names, reading, under_way: BTreeMap::new(), begun: 0, progress }
    }

    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Reads this task's changelog; an earlier restore of it is over.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn begin(&mut self, partition: u32, from: Offset, to: Offset) -> Result<(), LogError> {
        self.begun += 1;
        let round = self.begun;
        let under_way = UnderWay { round, to, position: from, records: 0, since: Instant::now() };
        self.under_way.insert(partition, under_way);
        self.progress.remains(partition, to - from);
        let changelog = self.names.changelog(partition);
        self.reading.order(Order::Read { changelog, round, from, to })
    }

    /// What was read next, if there is something.
    ///
    /// # Errors
    /// The reader's, but that the log is out of reach: then it is tried again.
    pub fn take(&mut self) -> Result<Option<Read>, LogError> {
        while let Some((TopicPartition { partition, .. }, round, records, position)) = self.reading.take()? {
            let Some(under_way) = self.under_way.get_mut(&partition).filter(|under_way| under_way.round == round)
            else {
                continue;
            };
            let count = records.len() as u64;
            under_way.records += count;
            under_way.position = position;
            self.progress.read(partition, count, under_way.to - position);
            self.progress.tell(self.under_way.values().map(|under_way| under_way.to - under_way.position));
            return Ok(Some(Read { partition, records, position }));
        }
        Ok(None)
    }

    /// The task has its state.
    pub fn is_done(&mut self, partition: u32) {
        let done = self.under_way.remove(&partition);
        let (records, seconds) = done.map_or((0, 0.0), |done| (done.records, done.since.elapsed().as_secs_f64()));
        self.progress.done(partition, records, seconds);
    }

    /// The task goes.
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
