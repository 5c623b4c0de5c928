//! From where a task goes on, as the driver looks it up.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use tempfile::TempDir;
use tradewind_topics::{LogError, Offset};

use super::{
    hooked::{HookedLog, Hooks},
    running::{PARTITIONS, Running, log, write},
};

const RECORDS: i64 = 300;

/// The transaction that wrote the changelogs is decided when the group's offsets are asked for, which waits for that:
/// whoever asked for the ends before was told of nothing.
#[derive(Default)]
struct Undecided {
    is_decided: AtomicBool,
    /// After the group was asked last, the ends were.
    asked_for_ends: AtomicBool,
}

impl Hooks for Undecided {
    fn asked_for_group(&self) {
        self.is_decided.store(true, Ordering::Relaxed);
        self.asked_for_ends.store(false, Ordering::Relaxed);
    }

    fn answers_ends(&self, ends: Vec<Offset>) -> Result<Vec<Offset>, LogError> {
        self.asked_for_ends.store(true, Ordering::Relaxed);
        let is_decided = self.is_decided.load(Ordering::Relaxed);
        Ok(if is_decided { ends } else { vec![0; ends.len()] })
    }
}

#[test]
fn the_group_is_asked_first_and_then_the_changelogs() {
    let home = TempDir::new().expect("a folder");
    let log = log(home.path());
    (0..PARTITIONS).for_each(|partition| write(&log, partition, 0..RECORDS));
    let first = Running::start("keeper", log.clone(), &home.path().join("first"));
    (0..PARTITIONS).for_each(|partition| first.comes_to(partition, RECORDS));
    first.stop();

    let undecided = Arc::<Undecided>::default();
    let hooked = Arc::new(HookedLog(log.clone(), undecided.clone()));
    let second = Running::start("keeper", hooked, &home.path().join("second"));
    for partition in 0..PARTITIONS {
        second.comes_to(partition, RECORDS);
        let read = second.metric("tradewind_restore_records_total", partition);
        assert!(read.is_some_and(|read| read > RECORDS), "of the changelog of {partition} {read:?} were read");
    }
    // A worker that was told too little would have noticed, and looked once more.
    assert!(undecided.asked_for_ends.load(Ordering::Relaxed), "the group was asked after the changelogs");
    second.stop();
}

/// The brokers cannot be asked for the ends the first time, when the stores are opened, and the third, when they are and
/// the positions are looked up.
#[derive(Default)]
struct Unavailable {
    asked: AtomicU32,
}

impl Hooks for Unavailable {
    fn answers_ends(&self, ends: Vec<Offset>) -> Result<Vec<Offset>, LogError> {
        match self.asked.fetch_add(1, Ordering::Relaxed) {
            0 | 2 => Err(LogError::Unavailable("by the test".to_owned())),
            _ => Ok(ends),
        }
    }
}

#[test]
fn what_cannot_be_looked_up_is_looked_up_again() {
    let home = TempDir::new().expect("a folder");
    let log = log(home.path());
    (0..PARTITIONS).for_each(|partition| write(&log, partition, 0..RECORDS));
    let unavailable = Arc::<Unavailable>::default();
    let hooked = Arc::new(HookedLog(log.clone(), unavailable.clone()));
    let worker = Running::start("keeper", hooked, &home.path().join("state"));
    (0..PARTITIONS).for_each(|partition| worker.comes_to(partition, RECORDS));
    assert!(unavailable.asked.load(Ordering::Relaxed) > 3, "it was not asked again");
    worker.stop();
}
