//! A broker that has just come back says for a moment that there are no topics: nobody ends for that.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tempfile::TempDir;
use tradewind_runtime::WorkerError;
use tradewind_topics::{
    Admin, End, Log, LogError, Offset, Reader, Session, SessionConfig, TopicInfo, TopicPartition, TopicSpec, Writer,
};

use super::running::{PARTITIONS, Running, log, write};

/// A log that lists no topics so many times.
#[derive(Clone)]
struct Unaware {
    log: Arc<dyn Log>,
    lists_none: Arc<AtomicU32>,
}

impl Log for Unaware {
    fn session(&self, config: SessionConfig) -> Result<Box<dyn Session>, LogError> {
        self.log.session(config)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, LogError> {
        self.log.reader()
    }

    fn writer(&self) -> Result<Arc<dyn Writer>, LogError> {
        self.log.writer()
    }

    fn admin(&self) -> Arc<dyn Admin> {
        Arc::new(self.clone())
    }
}

impl Admin for Unaware {
    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        let less = |left: u32| left.checked_sub(1);
        match self.lists_none.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
            Ok(_) => Ok(Vec::new()),
            Err(_) => self.log.admin().topics(),
        }
    }

    fn create(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        self.log.admin().create(topics)
    }

    fn end(&self, partition: &TopicPartition, which: End) -> Result<Offset, LogError> {
        self.log.admin().end(partition, which)
    }

    fn beginning(&self, partition: &TopicPartition) -> Result<Offset, LogError> {
        self.log.admin().beginning(partition)
    }

    fn initialise_group(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        self.log.admin().initialise_group(group, positions)
    }

    fn group_offsets(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError> {
        self.log.admin().group_offsets(group, partitions)
    }
}

fn start(home: &TempDir, lists_none: u32) -> Running {
    let log = log(home.path());
    (0..PARTITIONS).for_each(|partition| write(&log, partition, 0..10));
    let unaware = Unaware { log, lists_none: Arc::new(AtomicU32::new(lists_none)) };
    Running::start("ann", Arc::new(unaware), &home.path().join("ann"))
}

#[test]
fn topics_that_are_not_known_at_once_are_looked_for() {
    let home = TempDir::new().expect("a folder");
    let ann = start(&home, 3);
    (0..PARTITIONS).for_each(|partition| ann.comes_to(partition, 10));
    ann.stop();
}

#[test]
fn topics_that_are_not_there_end_the_worker() {
    let home = TempDir::new().expect("a folder");
    let ended = start(&home, u32::MAX).ends();
    assert!(matches!(&ended, WorkerError::Log(LogError::UnknownTopic(topic)) if topic == "test.things"), "{ended}");
}
