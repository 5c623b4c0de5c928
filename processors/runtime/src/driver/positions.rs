//! Where tasks stand in their topics, and from where they go on.

use std::time::{Duration, Instant};

use tradewind_topics::{End, LogError, TopicPartition};

use super::{Driver, WorkerError};
use crate::{effects::Input, patience::patiently, task::Opened};

/// A topic that is missing is looked for so long: a broker that has just come back may not know of it yet.
const FOUND_WITHIN: Duration = Duration::from_secs(5);

impl Driver<'_> {
    /// Looks up where the tasks stand that wait for it. While the group does not answer it is polled in between: it may
    /// wait for us to hear that the tasks are lost.
    pub(super) fn look_positions_up(&mut self) -> Result<(), WorkerError> {
        while let Some((&partition, _)) = self.unplaced.first_key_value() {
            match self.positions(partition) {
                Ok(positions) => {
                    let state = self.unplaced.remove(&partition).flatten();
                    self.tell(Input::Opened(partition, Opened { state, ..positions }))?;
                }
                Err(WorkerError::Log(LogError::Unavailable(why))) => {
                    tracing::warn!(why, "the log cannot be reached: the tasks' positions are looked up again");
                    break;
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// The group's stable offset **first**, then the changelog's end.
    fn positions(&mut self, partition: u32) -> Result<Opened, WorkerError> {
        let (source, changelog) = (self.names.source(partition), self.names.changelog(partition));
        let session = self.session.as_mut().ok_or_else(|| LogError::Misuse("the session has left".to_owned()))?;
        let group = session.committed(std::slice::from_ref(&source))?.into_iter().next().flatten();
        let changelog_end = self.admin.end(&changelog, End::Written)?;
        Ok(Opened { state: None, group, changelog_end, origin: self.origin(partition)? })
    }

    /// What a task's state belongs to: the topic ids of source and changelog, and the partition.
    pub(super) fn origin(&self, partition: u32) -> Result<String, LogError> {
        if let Some(ids) = self.topics.get() {
            return Ok(format!("{ids} {partition}"));
        }
        let topics = self.admin.topics()?;
        let id = |of: TopicPartition| match topics.iter().find(|topic| topic.name == of.topic) {
            Some(topic) => Ok(topic.id.clone()),
            None => Err(self.misses(&of.topic)),
        };
        let (source, changelog) = (id(self.names.source(partition))?, id(self.names.changelog(partition))?);
        self.missed_since.take();
        let ids = self.topics.get_or_init(|| format!("{source} {changelog}"));
        Ok(format!("{ids} {partition}"))
    }

    fn misses(&self, name: &str) -> LogError {
        let since = self.missed_since.get().unwrap_or_else(Instant::now);
        self.missed_since.set(Some(since));
        if since.elapsed() < FOUND_WITHIN {
            return LogError::Unavailable(format!("the brokers do not know of the topic {name}"));
        }
        LogError::UnknownTopic(name.to_owned())
    }

    /// Has the session hand out the records of tasks that have begun to run.
    pub(super) fn start(&mut self) -> Result<(), WorkerError> {
        let starts: Vec<_> = self.starts.iter().map(|(partition, at)| (self.names.source(*partition), *at)).collect();
        self.starts.clear();
        match &mut self.session {
            Some(session) if !starts.is_empty() => Ok(patiently(self.stop, "fetching", || session.start_at(&starts))?),
            _ => Ok(()),
        }
    }
}
