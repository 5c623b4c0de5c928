//! A worker's membership in a group, with its transaction.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset as Native, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode as Code,
};
use tracing::{debug, warn};

use super::{
    contexts::Logging,
    cursors::{Cursor, Cursors},
    ending::Ending,
    faults::{Fault, failed},
    positions::{answers, list_at, list_of},
    raw::{Event, Events, Membership},
    settings::Settings,
    transaction::Transaction,
};
use crate::{Append, CommitError, LogError, Offset, Polled, Receipt, Record, Session, SessionConfig, TopicPartition};

/// A question that librdkafka has put aside, while the coordinator was away, is asked anew after this.
const LONGEST_QUESTION: Duration = Duration::from_secs(3);
/// Leaving waits this long for the group to be told.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

pub struct KafkaSession {
    settings: Arc<Settings>,
    events: Events,
    /// Dropped after `events`, which has a share in it.
    consumer: Ending<Arc<BaseConsumer<Logging>>>,
    transaction: Transaction,
    max_batch: usize,
    /// While something else takes long, the group is polled this often.
    poll_at_least_every: Duration,
    standing: Standing,
    held: Cursors<Cursor>,
    /// Of the generation in which `held` was assigned, not the present one: this is what fences us when the group
    /// has moved on.
    membership: Option<Arc<Membership>>,
    /// An assignment that came before the last one was released.
    next: Option<(Vec<TopicPartition>, Option<Arc<Membership>>)>,
    /// Records to hand out with the next poll.
    fetched: Vec<Record>,
    /// Told with the next poll, after the records that came before.
    untold: Vec<Result<Polled, LogError>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Outside,
    Member,
    /// The group waits for us to release.
    Revoked,
    /// The group went on without us.
    Lost,
}

impl KafkaSession {
    pub fn join(settings: Arc<Settings>, config: &SessionConfig) -> Result<Self, LogError> {
        let doing = format!("joining the group {}", config.group);
        let topic = config.topics.first().cloned();
        let topic = topic.ok_or_else(|| LogError::Misuse(format!("{doing}: no topics")))?;
        let transaction = Transaction::new(settings.clone(), config.transactional_id.clone(), topic)?;
        let consumer: BaseConsumer<Logging> =
            settings.member(config).create_with_context(Logging::default()).map_err(failed(&doing))?;
        let consumer = Ending::new("a member of a group", Arc::new(consumer));
        let events =
            Events::of_member(Arc::clone(&consumer)).ok_or_else(|| LogError::Misuse(format!("{doing}: no group")))?;
        let topics: Vec<&str> = config.topics.iter().map(|topic| &**topic).collect();
        consumer.subscribe(&topics).map_err(failed(&doing))?;
        Ok(Self {
            settings,
            events,
            consumer,
            transaction,
            max_batch: config.max_batch,
            poll_at_least_every: (config.session_timeout / 3).min(LONGEST_QUESTION),
            standing: Standing::Outside,
            held: Cursors::default(),
            membership: None,
            next: None,
            fetched: Vec::new(),
            untold: Vec::new(),
        })
    }

    fn hear(&mut self, event: Event) -> Result<(), LogError> {
        match event {
            Event::Record(record) => {
                if self.advance(&record) {
                    self.fetched.push(record);
                }
            }
            Event::Assigned(partitions) => self.on_assigned(partitions)?,
            Event::Revoked => self.on_revoked()?,
            Event::Fault(fault, at) => self.on_fault(fault, at),
            Event::End(..) => {}
        }
        Ok(())
    }

    fn on_assigned(&mut self, partitions: Vec<TopicPartition>) -> Result<(), LogError> {
        let membership = Membership::of(&self.consumer).map(Arc::new);
        if self.standing == Standing::Outside {
            return self.accept(partitions, membership);
        }
        // The group forgot us and took us in again, all between two polls.
        if self.standing == Standing::Member {
            self.lose(Standing::Lost);
        }
        self.next = Some((partitions, membership));
        Ok(())
    }

    fn accept(&mut self, partitions: Vec<TopicPartition>, membership: Option<Arc<Membership>>) -> Result<(), LogError> {
        // librdkafka takes part in the group only once an assignment was made, and one without partitions fetches
        // nothing: `start_at` makes another, from the right positions.
        self.consumer.assign(&TopicPartitionList::new()).map_err(failed("taking an assignment"))?;
        self.standing = Standing::Member;
        self.membership = membership;
        self.held = partitions.iter().map(|at| (at.clone(), Cursor::default())).collect();
        if !partitions.is_empty() {
            self.untold.push(Ok(Polled::Assigned(partitions)));
        }
        Ok(())
    }

    fn on_revoked(&mut self) -> Result<(), LogError> {
        // A revocation that waited too long to be heard is a loss by now, whatever it was when it was sent.
        let present = Membership::of(&self.consumer).map(Arc::new);
        let lost = self.consumer.assignment_lost() || present.is_none() || present != self.membership;
        let standing = if lost { Standing::Lost } else { Standing::Revoked };
        if self.next.take().is_some() || self.held.is_empty() {
            // The worker never heard of this assignment, so nobody has to release it.
            self.consumer.unassign().map_err(failed("giving up an assignment"))?;
            if self.held.is_empty() {
                self.standing = Standing::Outside;
                self.membership = None;
            }
        } else if self.standing == Standing::Member {
            self.lose(standing);
        }
        Ok(())
    }

    fn lose(&mut self, standing: Standing) {
        self.standing = standing;
        let mut partitions: Vec<TopicPartition> = self.held.iter().map(|(at, _)| at.clone()).collect();
        partitions.sort();
        self.untold.push(Ok(match standing {
            Standing::Lost => Polled::Lost(partitions),
            _ => Polled::Revoked(partitions),
        }));
    }

    fn on_fault(&mut self, fault: Fault, at: Option<(TopicPartition, Offset)>) {
        if fault.is_passing() {
            return debug!(%fault, "the consumer goes on");
        }
        let error = match (fault.code, at) {
            (Some(Code::AutoOffsetReset | Code::OffsetOutOfRange), Some((partition, _))) => {
                let offset = self.held.get(&partition).and_then(|cursor| cursor.position).unwrap_or(-1);
                LogError::OffsetOutOfRange { partition, offset }
            }
            (_, Some((partition, _))) => fault.while_doing(format!("consuming {partition}")),
            (_, None) => fault.while_doing("consuming"),
        };
        self.untold.push(Err(error));
    }

    /// True when the record is to be handed out.
    fn advance(&mut self, record: &Record) -> bool {
        let Some(cursor) = self.held.get_mut(&record.source) else { return false };
        match cursor.position {
            Some(position) if record.offset >= position => {
                cursor.position = Some(record.after());
                true
            }
            _ => false,
        }
    }

    /// Fetched records, but those of partitions that were paused since.
    fn take_fetched(&mut self) -> Vec<Record> {
        // The next batch is about as large.
        let room = Vec::with_capacity(self.fetched.len());
        let mut records = std::mem::replace(&mut self.fetched, room);
        if self.held.iter().any(|(_, cursor)| cursor.paused) {
            let paused = |record: &mut Record| self.held.get(&record.source).is_some_and(|cursor| cursor.paused);
            self.fetched = records.extract_if(.., paused).collect();
        }
        records
    }

    /// Tells librdkafka what to fetch, from where. Its queues start anew, so nothing fetched before is handed out.
    fn fetch(&self) -> Result<(), LogError> {
        let started = self.held.iter().filter_map(|(at, cursor)| Some((at, Native::Offset(cursor.position?))));
        self.consumer.assign(&list_at(started)?).map_err(failed("starting to fetch"))
    }

    fn set_paused(&mut self, partitions: &[TopicPartition], paused: bool) -> Result<(), LogError> {
        if matches!(self.standing, Standing::Revoked | Standing::Lost) {
            return Ok(());
        }
        for at in partitions {
            self.cursor(at)?.paused = paused;
        }
        let list = list_of(partitions);
        let done = if paused { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        done.map_err(failed("pausing or resuming"))
    }

    fn cursor(&mut self, at: &TopicPartition) -> Result<&mut Cursor, LogError> {
        self.held.get_mut(at).ok_or_else(|| LogError::Misuse(format!("{at} is not assigned to this session")))
    }

    /// Why the group would be right to refuse these positions from us, if so. The brokers check the member and its
    /// generation, but not whose partition it is.
    fn disowned(&self, positions: &[(TopicPartition, Offset)]) -> Option<String> {
        if self.standing == Standing::Lost {
            return Some("the group went on without this member".into());
        }
        let foreign = positions.iter().find(|(at, _)| self.held.get(at).is_none());
        foreign.map(|(at, _)| format!("{at} is not this session's"))
    }
}

impl Session for KafkaSession {
    fn poll(&mut self, timeout: Duration) -> Result<Vec<Polled>, LogError> {
        let deadline = Instant::now() + timeout;
        while self.untold.is_empty() && self.fetched.len() < self.max_batch {
            let wait = if self.fetched.is_empty() {
                deadline.saturating_duration_since(Instant::now())
            } else {
                Duration::ZERO
            };
            let Some(event) = self.events.next(wait) else { break };
            self.hear(event)?;
        }
        let records = self.take_fetched();
        let mut polled = Vec::new();
        if !records.is_empty() {
            polled.push(Polled::Records(records));
        }
        while !self.untold.is_empty() {
            match self.untold.remove(0) {
                Ok(event) => polled.push(event),
                Err(error) if polled.is_empty() => return Err(error),
                Err(error) => {
                    self.untold.insert(0, Err(error));
                    break;
                }
            }
        }
        Ok(polled)
    }

    fn start_at(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        for (at, offset) in positions {
            self.cursor(at)?.position = Some(*offset);
        }
        self.fetched.retain(|record| !positions.iter().any(|(at, _)| *at == record.source));
        // What is about to be released is not fetched any more.
        if self.standing == Standing::Member { self.fetch() } else { Ok(()) }
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.set_paused(partitions, true)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.set_paused(partitions, false)
    }

    fn release(&mut self) -> Result<(), LogError> {
        if !matches!(self.standing, Standing::Revoked | Standing::Lost) {
            return Err(LogError::Misuse("nothing was revoked or lost".into()));
        }
        // Nothing of these partitions may slip into a later transaction.
        self.transaction.abandon();
        // librdkafka keeps a partition paused across assignments.
        let paused = list_of(self.held.iter().filter(|(_, cursor)| cursor.paused).map(|(at, _)| at));
        self.held.clear();
        self.fetched.clear();
        self.membership = None;
        self.standing = Standing::Outside;
        match self.next.take() {
            Some((partitions, membership)) => self.accept(partitions, membership)?,
            None => self.consumer.unassign().map_err(failed("releasing partitions"))?,
        }
        self.consumer.resume(&paused).map_err(failed("releasing partitions"))
    }

    fn committed(&mut self, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError> {
        let deadline = Instant::now() + self.settings.answer_within();
        loop {
            match self.consumer.committed_offsets(list_of(partitions), self.poll_at_least_every) {
                Ok(list) => return answers(&list, partitions, "asking for the group's offset of"),
                // A transaction is pending, perhaps of a worker that died: its time-out is longer than our session's.
                Err(error) if Fault::from(error.clone()).is_passing() => {
                    if let Some(event) = self.events.next(Duration::ZERO) {
                        self.hear(event)?;
                    }
                    if !self.untold.is_empty() || Instant::now() > deadline {
                        return Err(failed("asking for the group's offsets")(error));
                    }
                }
                Err(error) => return Err(failed("asking for the group's offsets")(error)),
            }
        }
    }

    fn append(&mut self, records: Vec<Append>) -> Result<(), LogError> {
        self.transaction.stage(records)
    }

    fn commit(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<Receipt, CommitError> {
        if let Some(why) = self.disowned(positions) {
            self.transaction.abandon();
            return Err(CommitError::Fenced(why));
        }
        self.transaction.commit(positions, self.membership.as_ref())
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.transaction.abort()
    }

    fn recover(&mut self) -> Result<(), LogError> {
        self.transaction.renew()
    }

    fn leave(mut self: Box<Self>) -> Result<(), LogError> {
        self.transaction.abandon();
        // Closing alone would keep a static member's place until its session times out.
        self.consumer.unsubscribe();
        self.consumer.unassign().map_err(failed("leaving the group"))?;
        let deadline = Instant::now() + LEAVE_WITHIN;
        while Membership::of(&self.consumer).is_some() {
            if Instant::now() > deadline {
                warn!("the group was not told within {LEAVE_WITHIN:?}: it will notice by the session time-out");
                break;
            }
            if let Some(Event::Assigned(_) | Event::Revoked) = self.events.next(Duration::from_millis(10)) {
                self.consumer.unassign().map_err(failed("leaving the group"))?;
            }
        }
        Ok(())
    }
}

/// librdkafka does not close a consumer before every rebalance it told of was answered.
impl Drop for KafkaSession {
    fn drop(&mut self) {
        if (self.next.is_some() || matches!(self.standing, Standing::Revoked | Standing::Lost))
            && let Err(error) = self.consumer.unassign()
        {
            warn!(%error, "the last assignment could not be given up");
        }
    }
}
