//! A member of a group as the platform's workers are.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use tradewind_topics::{
    Admin, Append, CommitError, Offset, Polled, Receipt, Record, Session, SessionConfig, TopicPartition,
};

use super::{A_WHILE, Subject, wait_for};

/// A session that starts what it is assigned where the group is, gives back what it must, and keeps what it reads.
pub struct Worker {
    pub session: Box<dyn Session>,
    pub held: BTreeSet<TopicPartition>,
    /// Revoked or lost, and not released yet.
    pub parting: BTreeSet<TopicPartition>,
    pub lost: bool,
    pub records: Vec<Record>,
    /// Whether partitions that go are released at once.
    pub releases: bool,
    admin: Arc<dyn Admin>,
}

impl Worker {
    pub fn new(subject: &Subject, config: SessionConfig) -> Self {
        Self {
            session: subject.log.session(config).expect("a session"),
            held: BTreeSet::new(),
            parting: BTreeSet::new(),
            lost: false,
            records: Vec::new(),
            releases: true,
            admin: subject.admin(),
        }
    }

    pub fn poll(&mut self) {
        for polled in self.session.poll(A_WHILE).expect("a member can poll") {
            match polled {
                Polled::Assigned(partitions) => self.start(partitions),
                Polled::Revoked(partitions) => self.part(partitions),
                Polled::Lost(partitions) => {
                    self.lost = true;
                    self.part(partitions);
                }
                Polled::Records(records) => {
                    let stray = records.iter().find(|record| !self.held.contains(&record.source));
                    assert!(stray.is_none(), "a record of a partition that is not held: {stray:?}");
                    self.records.extend(records);
                }
            }
        }
        if self.releases && !self.parting.is_empty() {
            self.release();
        }
    }

    /// Polls until it has read so many records.
    pub fn read(&mut self, count: usize) {
        wait_for("all records are read", || {
            self.poll();
            self.records.len() == count
        });
    }

    pub fn release(&mut self) {
        self.session.release().expect("partitions are released");
        self.parting.clear();
    }

    fn start(&mut self, partitions: Vec<TopicPartition>) {
        let committed = self.session.committed(&partitions).expect("the group's offsets are known");
        let starts: Vec<_> = partitions
            .iter()
            .zip(committed)
            .map(|(partition, offset)| {
                let beginning = || self.admin.beginning(partition).expect("the beginning is known");
                (partition.clone(), offset.unwrap_or_else(beginning))
            })
            .collect();
        self.session.start_at(&starts).expect("assigned partitions can be started");
        self.held.extend(partitions);
    }

    fn part(&mut self, partitions: Vec<TopicPartition>) {
        for partition in partitions {
            self.held.remove(&partition);
            self.parting.insert(partition);
        }
    }

    pub fn append(&mut self, records: impl IntoIterator<Item = Append>) {
        self.session.append(records.into_iter().collect()).expect("records are staged");
    }

    /// Commits without moving: every held partition is named, where the group has it.
    pub fn commit(&mut self) {
        let positions = self.standing();
        self.session.commit(&positions).expect("it is committed");
    }

    /// Commits the positions after what was read.
    pub fn commit_read(&mut self) -> Result<Receipt, CommitError> {
        let positions = self.after_read();
        self.session.commit(&positions)
    }

    /// The held partitions, at the group's offsets.
    pub fn standing(&mut self) -> Vec<(TopicPartition, Offset)> {
        let held: Vec<_> = self.held.iter().cloned().collect();
        let committed = self.session.committed(&held).expect("the group's offsets are known");
        held.into_iter().zip(committed.into_iter().map(Option::unwrap_or_default)).collect()
    }

    /// The held partitions, after what was read of them.
    pub fn after_read(&mut self) -> Vec<(TopicPartition, Offset)> {
        let mut positions = self.standing();
        for (partition, position) in &mut positions {
            let read = self.records.iter().filter(|record| record.source == *partition).map(Record::after);
            *position = read.max().unwrap_or(0).max(*position);
        }
        positions
    }

    pub fn leave(self) {
        self.session.leave().expect("a member can leave");
    }
}

/// Whether the members have all these partitions, each one of them.
pub fn share(workers: &[&Worker], all: usize) -> bool {
    let held: HashSet<_> = workers.iter().flat_map(|worker| &worker.held).collect();
    let sum: usize = workers.iter().map(|worker| worker.held.len()).sum();
    sum == all && held.len() == all && workers.iter().all(|worker| worker.parting.is_empty())
}
