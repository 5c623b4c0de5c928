//! A worker's membership and its transaction.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{
    admin::settled_offsets,
    engine::Engine,
    fetch::Fetcher,
    group::{Gone, Group, News},
    identity::Identity,
    queue::{Claim, Outcome, Transaction},
    staged::Staged,
    topics::Partition,
};
use crate::{Append, CommitError, LogError, Offset, Polled, Receipt, Session, SessionConfig, TopicPartition};

pub struct EmbeddedSession {
    engine: Arc<Engine>,
    config: SessionConfig,
    identity: Arc<Identity>,
    epoch: u64,
    group: Arc<Mutex<Group>>,
    member: Option<u64>,
    fetcher: Fetcher,
    /// Assigned, and neither revoked nor lost since.
    held: HashMap<TopicPartition, Arc<Partition>>,
    /// Revoked or lost, and not released yet.
    parting: HashMap<TopicPartition, Arc<Partition>>,
    membership: Membership,
    staged: Staged,
    /// Why nothing can be staged before [`Session::recover`].
    unsettled: Option<String>,
}

enum Membership {
    /// Joins, or stays, with the next poll.
    Wanted,
    /// It was lost; it is wanted again after the release.
    AwaitsRelease,
    /// Somebody else has this session's identity. The caller has heard what it lost.
    Replaced,
}

impl EmbeddedSession {
    pub fn open(engine: Arc<Engine>, config: SessionConfig) -> Result<Self, LogError> {
        if config.topics.is_empty() || config.max_batch == 0 || config.session_timeout.is_zero() {
            return Err(LogError::Misuse("a session needs topics, a batch size and a time-out".into()));
        }
        for topic in &config.topics {
            engine.topics.get(topic)?;
        }
        let identity = engine.identities.get(&config.transactional_id);
        let epoch = engine.new_epoch(&identity, None)?;
        let group = engine.groups.get(&config.group);
        Ok(Self {
            engine,
            config,
            identity,
            epoch,
            group,
            member: None,
            fetcher: Fetcher::new(),
            held: HashMap::new(),
            parting: HashMap::new(),
            membership: Membership::Wanted,
            staged: Staged::default(),
            unsettled: None,
        })
    }

    fn fenced(&self) -> LogError {
        LogError::Fenced(format!("another session has the identity {}", self.identity.id))
    }

    fn is_superseded(&self) -> bool {
        self.identity.epoch() != self.epoch
    }

    /// What the group has to say, and when to ask it again at the latest.
    fn hear(&mut self, now: Instant) -> Result<(Vec<Polled>, Instant), LogError> {
        match self.membership {
            Membership::Replaced => return Err(self.fenced()),
            Membership::AwaitsRelease => return Ok((Vec::new(), now + self.config.session_timeout)),
            Membership::Wanted => {}
        }
        if self.is_superseded() {
            return self.lose(Gone::Replaced).map(|polled| (polled, now));
        }
        let group = self.group.clone();
        let mut group = group.lock();
        let member = *self.member.get_or_insert_with(|| group.join(&self.config, &self.fetcher.alarm, now));
        let heard = group.poll(member, &self.engine.topics, now);
        drop(group);
        match heard {
            Ok((news, next)) => Ok((self.take_over(news)?, next)),
            Err(gone) => self.lose(gone).map(|polled| (polled, now)),
        }
    }

    fn take_over(&mut self, news: News) -> Result<Vec<Polled>, LogError> {
        let mut polled = Vec::new();
        if !news.revoked.is_empty() {
            self.part(&news.revoked);
            polled.push(Polled::Revoked(news.revoked));
        }
        if !news.assigned.is_empty() {
            for name in &news.assigned {
                self.held.insert(name.clone(), self.engine.topics.partition(name)?);
            }
            polled.push(Polled::Assigned(news.assigned));
        }
        Ok(polled)
    }

    fn lose(&mut self, gone: Gone) -> Result<Vec<Polled>, LogError> {
        let mut lost: Vec<_> = self.held.keys().chain(self.parting.keys()).cloned().collect();
        lost.sort();
        self.part(&lost);
        self.member = None;
        self.membership = match gone {
            Gone::Replaced => Membership::Replaced,
            Gone::TimedOut if lost.is_empty() => Membership::Wanted,
            Gone::TimedOut => Membership::AwaitsRelease,
        };
        match gone {
            Gone::Replaced if lost.is_empty() => Err(self.fenced()),
            _ if lost.is_empty() => Ok(Vec::new()),
            _ => Ok(vec![Polled::Lost(lost)]),
        }
    }

    fn part(&mut self, partitions: &[TopicPartition]) {
        self.fetcher.stop(partitions);
        for name in partitions {
            if let Some(partition) = self.held.remove(name) {
                self.parting.insert(name.clone(), partition);
            }
        }
    }

    fn check_held(&self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        match partitions.iter().find(|name| !self.held.contains_key(*name)) {
            Some(name) => Err(LogError::Misuse(format!("{name} is not assigned to this session"))),
            None => Ok(()),
        }
    }

    /// Whether something can be staged and committed now; else why not.
    fn check_settled(&self) -> Result<(), String> {
        if self.is_superseded() {
            return Err(format!("another session has the identity {}", self.identity.id));
        }
        match &self.unsettled {
            Some(why) => Err(format!("recover first: {why}")),
            None => Ok(()),
        }
    }
}

impl Session for EmbeddedSession {
    fn poll(&mut self, timeout: Duration) -> Result<Vec<Polled>, LogError> {
        let deadline = Instant::now() + timeout;
        loop {
            let now = Instant::now();
            let (news, next) = self.hear(now)?;
            if !news.is_empty() {
                return Ok(news);
            }
            let fetched = self.fetcher.fetch(&self.engine, self.config.max_batch)?;
            if !fetched.records.is_empty() {
                return Ok(vec![Polled::Records(fetched.records)]);
            }
            if now >= deadline {
                return Ok(Vec::new());
            }
            self.fetcher.alarm.wait_until(deadline.min(next));
        }
    }

    fn start_at(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        for (name, position) in positions {
            let Some(partition) = self.held.get(name) else {
                return Err(LogError::Misuse(format!("{name} is not assigned to this session")));
            };
            self.fetcher.start(partition.clone(), *position)?;
        }
        Ok(())
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.check_held(partitions)?;
        self.fetcher.pause(partitions, true);
        Ok(())
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.check_held(partitions)?;
        self.fetcher.pause(partitions, false);
        Ok(())
    }

    fn release(&mut self) -> Result<(), LogError> {
        let released: Vec<_> = self.parting.drain().map(|(name, _)| name).collect();
        if let Some(member) = self.member {
            self.group.lock().release(member, &released);
        }
        if matches!(self.membership, Membership::AwaitsRelease) {
            self.membership = Membership::Wanted;
        }
        Ok(())
    }

    fn committed(&mut self, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError> {
        settled_offsets(&self.engine, &self.config.group, partitions)
    }

    fn append(&mut self, records: Vec<Append>) -> Result<(), LogError> {
        self.check_settled().map_err(LogError::Fenced)?;
        let before = self.staged.mark();
        for record in &records {
            let staged = self.staged.push(record, &self.engine.topics, self.engine.options.max_record_bytes);
            if let Err(error) = staged {
                self.staged.take_back(before);
                return Err(error);
            }
        }
        Ok(())
    }

    fn commit(&mut self, positions: &[(TopicPartition, Offset)]) -> Result<Receipt, CommitError> {
        let records = std::mem::take(&mut self.staged);
        self.check_settled().map_err(CommitError::Fenced)?;
        let mut moved = Vec::with_capacity(positions.len());
        for (name, position) in positions {
            let known = self.held.get(name).or_else(|| self.parting.get(name)).cloned();
            let partition = known.map_or_else(|| self.engine.topics.partition(name), Ok);
            moved.push((partition.map_err(|error| CommitError::Aborted(error.to_string()))?, *position));
        }
        let claim = Claim {
            identity: self.identity.clone(),
            epoch: self.epoch,
            group: self.group.clone(),
            group_name: self.config.group.clone(),
            member: self.member,
        };
        let done = Arc::<Outcome>::default();
        let result = self.engine.transact(Transaction { claim, records, positions: moved, done });
        if let Err(CommitError::Fenced(why) | CommitError::Unknown(why)) = &result {
            self.unsettled = Some(why.clone());
        }
        result
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.staged = Staged::default();
        Ok(())
    }

    fn recover(&mut self) -> Result<(), LogError> {
        self.staged = Staged::default();
        self.epoch = self.engine.new_epoch(&self.identity, Some(self.epoch))?;
        self.unsettled = None;
        Ok(())
    }

    fn leave(mut self: Box<Self>) -> Result<(), LogError> {
        if let Some(member) = self.member.take() {
            self.group.lock().leave(member, &self.engine.topics);
        }
        Ok(())
    }
}
