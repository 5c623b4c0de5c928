//! Where tasks stand in their topics, and from where they go on.

use std::time::{Duration, Instant};

use tradewind_topics::{End, LogError, TopicPartition};

use super::{
    Driver, WorkerError,
    unplaced::{Holds, Unplaced},
};
use crate::{effects::Input, patience::patiently, task::Opened};

/// A topic that is missing is looked for so long: a broker that has just come back may not know of it yet.
const FOUND_WITHIN: Duration = Duration::from_secs(5);

impl Driver<'_> {
    /// Opens what is to be opened, looks up where all tasks stand that wait for it, and tells the worker. While the log
    /// does not answer the group is polled in between: it may wait for us to hear that the tasks are lost.
    pub(super) fn place_tasks(&mut self) -> Result<(), WorkerError> {
        while !self.unplaced.is_empty() {
            match self.open_tasks().and_then(|()| self.look_positions_up()) {
                Ok(()) => {}
                Err(WorkerError::Log(LogError::Unavailable(why))) => {
                    tracing::warn!(why, "the log cannot be reached: the tasks' positions are looked up again");
                    return Ok(());
                }
                Err(other) => return Err(other),
            }
            while let Some((partition, opened)) = self.next_placed() {
                self.tell(Input::Opened(partition, opened))?;
            }
        }
        Ok(())
    }

    /// The group's stable offsets **first**, then the changelogs' ends.
    fn look_positions_up(&mut self) -> Result<(), WorkerError> {
        let unknown = self.unplaced.iter().filter(|(_, task)| task.positions.is_none());
        let unknown: Vec<u32> = unknown.map(|(partition, _)| *partition).collect();
        let sources: Vec<_> = unknown.iter().map(|partition| self.names.source(*partition)).collect();
        let changelogs: Vec<_> = unknown.iter().map(|partition| self.names.changelog(*partition)).collect();
        let session = self.session.as_mut().ok_or_else(|| LogError::Misuse("the session has left".to_owned()))?;
        let groups = session.committed(&sources)?;
        let ends = self.admin.ends(&changelogs, End::Written)?;
        for ((partition, group), changelog_end) in unknown.into_iter().zip(groups).zip(ends) {
            let origin = self.origin(partition)?;
            if let Some(task) = self.unplaced.get_mut(&partition) {
                task.positions = Some(Opened { state: None, group, changelog_end, origin });
            }
        }
        Ok(())
    }

    /// A task of which all is known. What is known of the others may change with what the worker says to this one.
    fn next_placed(&mut self) -> Option<(u32, Opened)> {
        let (&partition, _) = self.unplaced.iter().find(|(_, task)| task.is_known())?;
        let Unplaced { holds, positions } = self.unplaced.remove(&partition)?;
        let state = match holds {
            Holds::Opened(state) => Some(state),
            Holds::Closed(_) | Holds::Worker => None,
        };
        Some((partition, Opened { state, ..positions? }))
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
