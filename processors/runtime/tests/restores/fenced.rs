//! A worker is fenced in the middle of what one poll told: the rest of it was told of a session that is gone.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tempfile::TempDir;
use tradewind_topics::{CommitError, Polled, TopicPartition};

use super::{
    hooked::{HookedLog, Hooks},
    keeping::{SOURCE, layout},
    running::{PARTITIONS, Running, log, write},
};

const RECORDS: i64 = 300;
/// There is none of this number: a worker that believed in it would look for it in vain, and end.
const FORMER: u32 = PARTITIONS;

/// The first commit fails, right behind the first records: all partitions are given back, and the same poll tells of
/// another one that came.
#[derive(Default)]
struct Fencing {
    has_fenced: AtomicBool,
}

impl Hooks for Fencing {
    fn polled(&self, polled: &mut Vec<Polled>) {
        let has_records = polled.iter().any(|polled| matches!(polled, Polled::Records(_)));
        if has_records && !self.has_fenced.load(Ordering::Relaxed) {
            let source = |partition| TopicPartition::new(layout(PARTITIONS).physical(SOURCE), partition);
            polled.push(Polled::Revoked((0..PARTITIONS).map(source).collect()));
            polled.push(Polled::Assigned(vec![source(FORMER)]));
        }
    }

    fn committing(&self) -> Result<(), CommitError> {
        if self.has_fenced.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        Err(CommitError::Fenced("by the test".to_owned()))
    }
}

#[test]
fn what_a_session_told_before_it_was_fenced_counts_no_more() {
    let home = TempDir::new().expect("a folder");
    let log = log(home.path());
    (0..PARTITIONS).for_each(|partition| write(&log, partition, 0..RECORDS));
    let fencing = Arc::<Fencing>::default();
    let hooked = Arc::new(HookedLog(log.clone(), fencing.clone()));
    let worker = Running::start("fenced", hooked, &home.path().join("state"));
    (0..PARTITIONS).for_each(|partition| worker.comes_to(partition, RECORDS));
    assert!(fencing.has_fenced.load(Ordering::Relaxed), "it was never fenced");
    (0..PARTITIONS).for_each(|partition| write(&log, partition, RECORDS..RECORDS + 10));
    (0..PARTITIONS).for_each(|partition| worker.comes_to(partition, RECORDS + 10));
    worker.stop();
}
