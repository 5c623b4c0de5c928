//! A log that is not well. A broker that has just come back says for a moment that there are no topics: nobody ends for
//! that. Nor does a worker end for a changelog of which it only has a standby.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tradewind_runtime::WorkerError;
use tradewind_topics::{
    Admin, End, Log, LogError, Offset, Purpose, Reader, Record, Session, SessionConfig, Start, TopicInfo,
    TopicPartition, TopicSpec, Writer,
};

use super::{
    keeping::CHANGELOG,
    running::{PARTITIONS, Running, log, write},
    standby::LAG,
};

#[derive(Clone)]
struct Ailing {
    log: Arc<dyn Log>,
    /// It lists no topics so many times.
    lists_none: Arc<AtomicU32>,
    /// What of this partition's changelog is gone.
    lacks: Option<(u32, Lacks)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Lacks {
    /// Already when it is opened.
    Beginning,
    /// While it is read.
    Place,
}

impl Ailing {
    fn lacks(&self, what: Lacks, of: &TopicPartition) -> bool {
        self.lacks == Some((of.partition, what)) && of.topic.ends_with(CHANGELOG)
    }
}

impl Log for Ailing {
    fn session(&self, config: SessionConfig) -> Result<Box<dyn Session>, LogError> {
        self.log.session(config)
    }

    fn reader_for(&self, purpose: Purpose) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(Lossy { log: self.clone(), reader: self.log.reader_for(purpose)?, lost: None }))
    }

    fn writer(&self) -> Result<Arc<dyn Writer>, LogError> {
        self.log.writer()
    }

    fn admin(&self) -> Arc<dyn Admin> {
        Arc::new(self.clone())
    }
}

impl Admin for Ailing {
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

    fn ends(&self, partitions: &[TopicPartition], which: End) -> Result<Vec<Offset>, LogError> {
        self.log.admin().ends(partitions, which)
    }

    fn beginnings(&self, partitions: &[TopicPartition]) -> Result<Vec<Offset>, LogError> {
        let beginnings = self.log.admin().beginnings(partitions)?.into_iter().zip(partitions);
        Ok(beginnings.map(|(there, of)| if self.lacks(Lacks::Beginning, of) { 5 } else { there }).collect())
    }

    fn initialise_group(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), LogError> {
        self.log.admin().initialise_group(group, positions)
    }

    fn group_offsets(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, LogError> {
        self.log.admin().group_offsets(group, partitions)
    }
}

struct Lossy {
    log: Ailing,
    reader: Box<dyn Reader>,
    /// The partition that it was told to read, and cannot.
    lost: Option<TopicPartition>,
}

impl Reader for Lossy {
    fn assign(&mut self, partitions: &[(TopicPartition, Start)]) -> Result<(), LogError> {
        let lost = partitions.iter().map(|(partition, _)| partition).find(|of| self.log.lacks(Lacks::Place, of));
        self.lost = lost.cloned();
        self.reader.assign(partitions)
    }

    fn poll(&mut self, timeout: Duration) -> Result<Vec<Record>, LogError> {
        match &self.lost {
            Some(partition) => Err(LogError::OffsetOutOfRange { partition: partition.clone(), offset: 0 }),
            None => self.reader.poll(timeout),
        }
    }

    fn position(&mut self, partition: &TopicPartition) -> Result<Offset, LogError> {
        self.reader.position(partition)
    }
}

fn start(home: &TempDir, lists_none: u32) -> Running {
    let log = log(home.path());
    (0..PARTITIONS).for_each(|partition| write(&log, partition, 0..10));
    let unaware = Ailing { log, lists_none: Arc::new(AtomicU32::new(lists_none)), lacks: None };
    Running::start("ann", Arc::new(unaware), &home.path().join("ann"))
}

/// Of two partitions with owners, a third worker stands by for both.
#[test]
fn a_standby_that_cannot_be_is_given_up_and_the_others_go_on() {
    for lacks in [Lacks::Beginning, Lacks::Place] {
        let home = TempDir::new().expect("a folder");
        let log = log(home.path());
        let owners = ["ann", "bea"].map(|name| Running::start(name, log.clone(), &home.path().join(name)));
        (0..PARTITIONS).for_each(|partition| write(&log, partition, 0..10));
        for partition in 0..PARTITIONS {
            let at = || owners.iter().find_map(|owner| owner.position(partition));
            owners[0].until("the owners have taken all", || at() == Some(10));
        }
        let ailing = Ailing { log, lists_none: Arc::default(), lacks: Some((0, lacks)) };
        let cat = Running::start("cat", Arc::new(ailing), &home.path().join("cat"));
        cat.standbys.set("keeping", (0..PARTITIONS).collect());
        cat.until("the other standby has all", || cat.metric(LAG, 1) == Some(0));
        assert_eq!(cat.metric(LAG, 0), None, "it stands by without a changelog");
        cat.stop();
        owners.into_iter().for_each(Running::stop);
    }
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
