//! A disk that takes no more: nothing is claimed that is not so, and it goes on when there is room again.
//!
//! The child runs under a limit of its files' sizes, which the kernel enforces much as a full disk would. When it first
//! meets it, it makes it tighter, so that not even a new file can be begun, and later lifts it.

use std::{
    env,
    path::Path,
    process::{self, Command},
    sync::Arc,
};

use bytes::Bytes;
use tempfile::TempDir;
use tradewind_topics::{Append, CommitError, LogError, Offset, TopicPartition};

use super::subject_in;
use crate::suite::{Worker, numbered, wait, wait_for};

const DIRECTORY: &str = "TRADEWIND_TEST_FULL_DISK";
/// Transactions that are to be in the log in the end: one fails on the way and is done again if need be.
const TRANSACTIONS: u64 = 60;

fn large(partition: &TopicPartition, number: u64) -> Append {
    let padding = ("padding".into(), Bytes::from(vec![number as u8; 50_000]));
    Append { headers: vec![padding], ..numbered(partition, number) }
}

/// Not a test of its own: what the next one runs under the limit.
#[test]
#[ignore = "runs as the child of a_full_disk_claims_nothing_and_goes_on_after"]
fn commit_on_a_full_disk() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let (subject, _log) = subject_in(Path::new(&directory));
    let topic = subject.topic("orders", 2);
    let partitions = subject.partitions(&topic);
    let mut worker = subject.lone_worker(&topic);
    let mut faults = 0;
    loop {
        let next = settled_position(&mut worker, &partitions[0]);
        if next as u64 == TRANSACTIONS {
            break;
        }
        worker.append(partitions.iter().map(|partition| large(partition, next as u64)));
        match worker.session.commit(&[(partitions[0].clone(), next + 1)]) {
            Ok(_) => {}
            Err(CommitError::Unknown(_)) => {
                faults += 1;
                limit_file_size("1");
                let position = worker.session.committed(&partitions);
                assert!(matches!(position, Err(LogError::Unavailable(_))), "nothing is vouched for: {position:?}");
                let writer = subject.log.writer().expect("a writer");
                let refused = wait(writer.append(numbered(&partitions[0], 999)));
                assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
                assert!(worker.session.recover().is_err());
                limit_file_size("unlimited");
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(faults, 1);
}

/// The group's position once the log is well.
fn settled_position(worker: &mut Worker, partition: &TopicPartition) -> Offset {
    let mut position = None;
    wait_for("the log is well", || {
        let recovered = worker.session.recover();
        let committed = recovered.and_then(|()| worker.session.committed(std::slice::from_ref(partition)));
        position = committed.ok().map(|committed| committed[0].unwrap_or(0));
        position.is_some()
    });
    position.expect("it was just found")
}

fn limit_file_size(limit: &str) {
    let arguments = ["--pid", &process::id().to_string(), &format!("--fsize={limit}:")].map(str::to_owned);
    let status = Command::new("prlimit").args(arguments).status().expect("util-linux is there");
    assert!(status.success());
}

#[test]
fn a_full_disk_claims_nothing_and_goes_on_after() {
    let directory = TempDir::new().expect("a directory");
    let script =
        "trap '' XFSZ; ulimit -S -f 4000; exec \"$0\" --exact embedded::full_disk::commit_on_a_full_disk --ignored";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(env::current_exe().expect("this binary has a path"))
        .env(DIRECTORY, directory.path())
        .output()
        .expect("the child runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let (subject, _log) = subject_in(directory.path());
    let numbers = subject.read_numbers(&Arc::from("orders"));
    assert_eq!(numbers[&0], (0..TRANSACTIONS).collect::<Vec<_>>(), "each once, in order");
    assert_eq!(numbers[&1], numbers[&0], "transactions are whole");
}
