//! The executor's thread: hears of intents and answers, and commits.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tradewind_runtime::{now, patiently};
use tradewind_topics::{
    Admin, Append, CommitError, End, Log, LogError, Offset, Polled, Record, Session, Start, TopicPartition,
};

use super::{
    ExecutorError, Options,
    calls::Calls,
    partition::{Partition, Phase},
    reading::Unread,
    records::Records,
    restoring::{Progress, Restoring},
};

/// How long to wait for intents when nothing is under way.
const QUIET: Duration = Duration::from_millis(100);
/// How long to wait for answers between looks at the session, or for the session between looks at a restore.
const GLANCE: Duration = Duration::from_millis(2);
/// What the environment failed is tried again after this.
const RETRY: Duration = Duration::from_secs(1);

pub struct Run {
    log: Arc<dyn Log>,
    admin: Arc<dyn Admin>,
    session: Box<dyn Session>,
    records: Records,
    calls: Calls,
    options: Options,
    stop: Arc<AtomicBool>,
    partitions: BTreeMap<u32, Partition>,
    incarnations: u64,
}

impl Run {
    pub fn new(
        log: Arc<dyn Log>,
        session: Box<dyn Session>,
        records: Records,
        calls: Calls,
        options: Options,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let admin = log.admin();
        Self { log, admin, session, records, calls, options, stop, partitions: BTreeMap::new(), incarnations: 0 }
    }

    pub fn go(mut self) -> Result<(), ExecutorError> {
        while !self.stop.load(Ordering::Relaxed) {
            self.listen()?;
            self.restore()?;
            self.settle()?;
            self.throttle()?;
        }
        let all: Vec<_> = self.partitions.keys().copied().collect();
        self.wind_up(&all)?;
        self.calls.close();
        Ok(self.session.leave()?)
    }

    fn listen(&mut self) -> Result<(), ExecutorError> {
        let patience = if self.calls.any_under_way() {
            self.calls.wait(GLANCE);
            Duration::ZERO
        } else {
            let restoring = self.partitions.values().any(|partition| matches!(partition.phase, Phase::Restoring(_)));
            if restoring { GLANCE } else { QUIET }
        };
        for polled in patiently(&self.stop, "polling", || self.session.poll(patience))? {
            match polled {
                Polled::Assigned(partitions) => {
                    numbers(&partitions).try_for_each(|number| self.open(number, None))?;
                }
                Polled::Records(records) => records.iter().for_each(|record| self.take(record)),
                Polled::Revoked(partitions) => {
                    self.wind_up(&numbers(&partitions).collect::<Vec<_>>())?;
                    self.session.release()?;
                }
                Polled::Lost(partitions) => {
                    tracing::warn!(?partitions, "payment intents: these partitions are others' now");
                    numbers(&partitions).for_each(|number| self.drop_partition(number));
                    self.session.release()?;
                }
            }
        }
        Ok(())
    }

    /// Begins to restore a partition. The group's stable position comes **first**: whatever was committed with it is
    /// before the end that is looked up then.
    fn open(&mut self, number: u32, not_before: Option<Instant>) -> Result<(), ExecutorError> {
        let (intents, source) = (self.records.intents(number), self.records.attempts(number));
        let asked = std::slice::from_ref(&intents);
        let committed = patiently(&self.stop, "reading the group's offset", || self.session.committed(asked))?;
        let position = match committed.into_iter().next().flatten() {
            Some(position) => position,
            // No harm is done by intents that were carried out before: the attempts at them are known.
            None => patiently(&self.stop, "reading the intents' beginning", || self.admin.beginning(&intents))?,
        };
        let end = patiently(&self.stop, "reading the attempts' end", || self.admin.end(&source, End::Written))?;
        let reader = patiently(&self.stop, "reading attempts", || {
            let mut reader = self.log.reader_to_end()?;
            reader.assign(&[(source.clone(), Start::Beginning)]).map(|()| reader)
        })?;
        let paused = self.partitions.get(&number).is_some_and(|earlier| earlier.paused);
        self.drop_partition(number);
        self.incarnations += 1;
        let restoring = Restoring { reader, source, end, position, not_before };
        self.partitions.insert(number, Partition::new(self.incarnations, restoring, paused));
        Ok(())
    }

    fn drop_partition(&mut self, number: u32) {
        if let Some(partition) = self.partitions.remove(&number) {
            self.calls.forget(partition.incarnation);
        }
    }

    /// Reads on in what is being restored, and starts what is restored or has waited long enough.
    fn restore(&mut self) -> Result<(), ExecutorError> {
        let mut anew = Vec::new();
        for (number, partition) in &mut self.partitions {
            match &mut partition.phase {
                Phase::Restoring(restoring) => {
                    match restoring.step(&mut partition.attempts, &self.records, now(), GLANCE)? {
                        Progress::More => continue,
                        Progress::Done => {}
                        Progress::Interrupted(why) => {
                            tracing::warn!(why, "payment attempts cannot be read at the moment");
                            anew.push(*number);
                            continue;
                        }
                    }
                }
                Phase::Waiting(until) if *until <= Instant::now() => {}
                Phase::Waiting(_) | Phase::Running | Phase::Closing => continue,
            }
            let place = [(self.records.intents(*number), partition.next())];
            patiently(&self.stop, "fetching intents", || self.session.start_at(&place))?;
            partition.phase = Phase::Running;
        }
        anew.into_iter().try_for_each(|number| self.open(number, Some(Instant::now() + RETRY)))
    }

    fn take(&mut self, record: &Record) {
        let Some(partition) = self.partitions.get_mut(&record.source.partition) else { return };
        if !partition.expects(record.offset) {
            return;
        }
        match self.records.intent(record) {
            Ok(job) => partition.take(job),
            Err(Unread::Fault(reason)) => {
                tracing::error!(source = %record.source, offset = record.offset, reason, "a payment intent goes to the dead letters");
                partition.put_aside(record.offset, self.records.dead_letter(record, &reason));
            }
            Err(Unread::Environment(why)) => {
                tracing::warn!(source = %record.source, offset = record.offset, why, "a payment intent waits: the environment failed");
                partition.phase = Phase::Waiting(Instant::now() + RETRY);
            }
        }
    }

    /// Commits all that happened since the last time, in one transaction, and then makes the calls that are due.
    fn settle(&mut self) -> Result<(), ExecutorError> {
        let now = now();
        let mut appends = Vec::new();
        for answer in self.calls.answers() {
            let partition = self.partitions.get_mut(&answer.partition);
            let held = partition.filter(|partition| partition.incarnation == answer.incarnation);
            let Some(job) = held.and_then(|partition| partition.finish(answer.offset)) else { continue };
            tracing::debug!(payment = %job.payment, intent = %job.intent, attempt = job.attempt, result = ?answer.result, "the gateway answered");
            appends.push(self.records.report(&job, answer.result.clone(), now)?);
            appends.push(self.records.attempted(&job, answer.result, now)?);
        }
        for (number, partition) in &mut self.partitions {
            for job in partition.fresh() {
                appends.push(self.records.attempting(&job, now)?);
            }
            appends.extend(partition.dead_letters());
            appends.extend(partition.outdated().into_iter().map(|intent| self.records.tombstone(*number, intent, now)));
        }
        let dirty = self.partitions.iter().filter(|(_, partition)| partition.is_dirty());
        let positions: Vec<_> =
            dirty.map(|(number, partition)| (self.records.intents(*number), partition.position())).collect();
        if positions.is_empty() {
            return Ok(());
        }
        match self.commit(appends, &positions)? {
            Ok(()) => {
                for partition in self.partitions.values_mut() {
                    for job in partition.committed() {
                        self.calls.make(partition.incarnation, job);
                    }
                }
                Ok(())
            }
            Err(error) => self.recover(&error),
        }
    }

    /// The inner error is one to recover from.
    fn commit(
        &mut self,
        appends: Vec<Append>,
        positions: &[(TopicPartition, Offset)],
    ) -> Result<Result<(), CommitError>, ExecutorError> {
        match self.session.append(appends) {
            Ok(()) => Ok(self.session.commit(positions).map(|_| ())),
            Err(LogError::Fenced(why)) => Ok(Err(CommitError::Fenced(why))),
            Err(LogError::Unavailable(why)) => Ok(Err(CommitError::Unknown(why))),
            Err(error) => Err(error.into()),
        }
    }

    /// Drops all that is in memory, takes a new epoch, and reads positions and attempts anew. Where the group has gone
    /// on without this member, it hears so with the next poll.
    fn recover(&mut self, error: &CommitError) -> Result<(), ExecutorError> {
        tracing::warn!(%error, "payment intents: taking a new epoch and reading the positions anew");
        let held: Vec<_> = self.partitions.keys().copied().collect();
        patiently(&self.stop, "taking a new epoch", || self.session.recover())?;
        held.into_iter().try_for_each(|number| self.open(number, None))
    }

    /// Begins nothing more in these partitions, waits a little for what is under way there, and drops the rest.
    fn wind_up(&mut self, leaving: &[u32]) -> Result<(), ExecutorError> {
        let deadline = Instant::now() + self.options.hand_over;
        for number in leaving {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.close();
                self.calls.forget(partition.incarnation);
            }
        }
        loop {
            self.settle()?;
            let mut held = leaving.iter().filter_map(|number| self.partitions.get(number));
            let under_way = held.any(|partition| self.calls.under_way_of(partition.incarnation));
            if !under_way || Instant::now() >= deadline {
                break;
            }
            self.calls.wait(GLANCE);
        }
        leaving.iter().for_each(|number| self.drop_partition(*number));
        Ok(())
    }

    /// Stops handing out intents while there is enough to do.
    fn throttle(&mut self) -> Result<(), ExecutorError> {
        let unfinished: usize = self.partitions.values().map(Partition::unfinished).sum();
        let (full, roomy) = (unfinished >= self.options.in_flight, unfinished <= self.options.in_flight / 2);
        for (number, partition) in &mut self.partitions {
            let name = [self.records.intents(*number)];
            if full && !partition.paused && matches!(partition.phase, Phase::Running) {
                self.session.pause(&name)?;
                partition.paused = true;
            } else if roomy && partition.paused {
                self.session.resume(&name)?;
                partition.paused = false;
            }
        }
        Ok(())
    }
}

fn numbers(partitions: &[TopicPartition]) -> impl Iterator<Item = u32> {
    partitions.iter().map(|partition| partition.partition)
}
