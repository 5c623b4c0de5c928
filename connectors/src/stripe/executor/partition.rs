//! One partition of `payment.intents`: what was taken from it, and where each of it stands.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use tradewind_schemas::{IntentId, PaymentId};
use tradewind_topics::{Append, Offset};

use super::{
    attempts::{Attempts, Last, Standing},
    calls::Incarnation,
    job::Job,
    restoring::Restoring,
};

pub enum Phase {
    Restoring(Restoring),
    Running,
    /// The environment failed: what comes next is taken from then on.
    Waiting(Instant),
    /// Nothing is taken or begun any more.
    Closing,
}

/// A partition that this executor holds. Nothing of it counts before it is committed; when a commit fails, all of it
/// is dropped and restored.
pub struct Partition {
    pub incarnation: Incarnation,
    pub phase: Phase,
    pub paused: bool,
    pub attempts: Attempts,
    /// Taken and not finished.
    open: BTreeMap<Offset, Arc<Job>>,
    /// The same by payment, in order: only the first of each is called.
    lines: HashMap<PaymentId, VecDeque<Offset>>,
    /// After the last that was taken.
    next: Offset,
    /// To be written down before they are called.
    fresh: Vec<Arc<Job>>,
    /// To be called after the next commit.
    due: Vec<Arc<Job>>,
    dead_letters: Vec<Append>,
    dirty: bool,
}

impl Partition {
    pub fn new(incarnation: Incarnation, restoring: Restoring, paused: bool) -> Self {
        Self {
            incarnation,
            next: restoring.position,
            phase: Phase::Restoring(restoring),
            paused,
            attempts: Attempts::default(),
            open: BTreeMap::new(),
            lines: HashMap::new(),
            fresh: Vec::new(),
            due: Vec::new(),
            dead_letters: Vec::new(),
            dirty: false,
        }
    }

    pub fn expects(&self, offset: Offset) -> bool {
        matches!(self.phase, Phase::Running) && offset >= self.next
    }

    /// Where to read on.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// Everything before this is finished.
    pub fn position(&self) -> Offset {
        self.open.keys().next().copied().unwrap_or(self.next)
    }

    pub fn unfinished(&self) -> usize {
        self.open.len()
    }

    pub fn take(&mut self, mut job: Job) {
        let offset = job.offset;
        self.passed(offset);
        match self.attempts.standing(job.intent, job.attempt) {
            Standing::Ended => return,
            Standing::Interrupted => job.interrupted = true,
            Standing::New => {}
        }
        self.attempts.note(job.intent, Last { attempt: job.attempt, ended: false, offset });
        let job = Arc::new(job);
        let line = self.lines.entry(job.payment).or_default();
        line.push_back(offset);
        if line.len() == 1 {
            self.due.push(job.clone());
        }
        self.open.insert(offset, job.clone());
        self.fresh.push(job);
    }

    pub fn put_aside(&mut self, offset: Offset, letter: Append) {
        self.passed(offset);
        self.dead_letters.push(letter);
    }

    fn passed(&mut self, offset: Offset) {
        self.next = offset + 1;
        self.dirty = true;
    }

    /// The gateway has answered. The next of the same payment is due.
    pub fn finish(&mut self, offset: Offset) -> Option<Arc<Job>> {
        let job = self.open.remove(&offset)?;
        self.attempts.note(job.intent, Last { attempt: job.attempt, ended: true, offset });
        self.dirty = true;
        if let Some(line) = self.lines.get_mut(&job.payment) {
            line.pop_front();
            let next = line.front().and_then(|offset| self.open.get(offset)).cloned();
            match next {
                Some(next) => self.due.push(next),
                None => {
                    self.lines.remove(&job.payment);
                }
            }
        }
        Some(job)
    }

    pub fn fresh(&mut self) -> Vec<Arc<Job>> {
        std::mem::take(&mut self.fresh)
    }

    pub fn dead_letters(&mut self) -> Vec<Append> {
        std::mem::take(&mut self.dead_letters)
    }

    pub fn outdated(&mut self) -> Vec<IntentId> {
        let running = matches!(self.phase, Phase::Running);
        let outdated: Vec<_> = if running { self.attempts.sweep().collect() } else { Vec::new() };
        self.dirty |= !outdated.is_empty();
        outdated
    }

    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// What may be called now.
    pub fn committed(&mut self) -> Vec<Arc<Job>> {
        self.dirty = false;
        self.attempts.forget_before(self.position());
        let due = std::mem::take(&mut self.due);
        if matches!(self.phase, Phase::Closing) { Vec::new() } else { due }
    }

    /// Begins nothing more.
    pub fn close(&mut self) {
        self.phase = Phase::Closing;
        self.fresh.clear();
    }
}
