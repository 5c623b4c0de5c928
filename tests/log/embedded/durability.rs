//! What was acknowledged survives, whole.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use tradewind_topics::Offset;

use super::subject_in;
use crate::suite::{A_WHILE, numbered};

/// Where the child commits; unset, it is not one.
const DIRECTORY: &str = "TRADEWIND_TEST_COMMIT_UNTIL_KILLED";
const PARTITIONS: u32 = 3;

#[test]
fn a_closed_log_opens_with_everything() {
    let directory = TempDir::new().expect("a directory");
    let (topics, before) = {
        let (subject, _log) = subject_in(directory.path());
        let topic = subject.topic("orders", 2);
        subject.topic("outcomes", 1);
        let partition = subject.partitions(&topic)[0].clone();
        subject.write_numbers(&partition, 0..1500);
        let mut worker = subject.lone_worker(&topic);
        worker.append([numbered(&partition, 1500)]);
        worker.session.commit(&[(partition, 700)]).expect("it is committed");
        (subject.admin().topics().expect("topics are listed"), subject.read(&topic))
    };
    let (subject, _log) = subject_in(directory.path());
    let topic = subject.name("orders");
    assert_eq!(subject.admin().topics().expect("topics are listed"), topics);
    assert_eq!(subject.read(&topic), before);
    let partition = subject.partitions(&topic)[0].clone();
    assert_eq!(subject.group_offset(&partition), Some(700));
    let next = subject.write_numbers(&partition, 1501..1502)[0];
    assert!(next > before.last().expect("there are some").offset);
}

#[test]
fn an_epoch_outlives_the_log() {
    let directory = TempDir::new().expect("a directory");
    for round in 0..3 {
        let (subject, log) = subject_in(directory.path());
        let topic = subject.topic("orders", 1);
        let partition = subject.partitions(&topic)[0].clone();
        let mut worker = subject.lone_worker(&topic);
        worker.append([numbered(&partition, round)]);
        worker.commit();
        drop((subject, log));
        // A session of a closed log hears that, and nothing more happens.
        worker.append([numbered(&partition, 100)]);
        worker.session.commit(&[(partition, 0)]).expect_err("the log is closed");
        worker.session.recover().expect_err("the log is closed");
        worker.session.poll(A_WHILE).expect_err("the log is closed");
    }
    let (subject, _log) = subject_in(directory.path());
    assert_eq!(subject.read_numbers(&subject.name("orders"))[&0], [0, 1, 2]);
}

/// Not a test of its own: what the next one runs and kills.
#[test]
#[ignore = "runs as the child of acknowledged_commits_survive_a_kill"]
fn commit_until_killed() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let (subject, _log) = subject_in(Path::new(&directory));
    let topic = subject.topic("orders", PARTITIONS);
    let partitions = subject.partitions(&topic);
    let mut worker = subject.lone_worker(&topic);
    let mut next = subject.group_offset(&partitions[0]).unwrap_or(0);
    loop {
        let number = u64::try_from(next).expect("it counts up");
        worker.append(partitions.iter().map(|partition| numbered(partition, number)));
        next += 1;
        // The position counts transactions: it moves with the records or not at all.
        worker.session.commit(&[(partitions[0].clone(), next as Offset)]).expect("it is committed");
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {number}").and_then(|()| out.flush()).expect("the parent listens");
    }
}

#[test]
fn acknowledged_commits_survive_a_kill() {
    let directory = TempDir::new().expect("a directory");
    for round in 1..=4 {
        let mut child = Command::new(env::current_exe().expect("this binary has a path"))
            .args(["--exact", "embedded::durability::commit_until_killed", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut acknowledged = None;
        let mut seen = 0;
        for line in lines.map_while(Result::ok) {
            if let Some((_, number)) = line.split_once("acknowledged ") {
                acknowledged = number.parse::<u64>().ok();
                seen += 1;
                if seen == 37 * round {
                    // SIGKILL; what it wrote before is still in the pipe.
                    child.kill().expect("it is ours to kill");
                }
            }
        }
        child.wait().expect("it is ours to wait for");
        let acknowledged = acknowledged.expect("it got somewhere");

        let (subject, _log) = subject_in(directory.path());
        let topic = subject.name("orders");
        let numbers = subject.read_numbers(&topic);
        let count = numbers[&0].len() as u64;
        assert!(count > acknowledged, "{acknowledged} was acknowledged, and {count} are there");
        assert_eq!(numbers[&0], (0..count).collect::<Vec<_>>());
        assert!((1..PARTITIONS).all(|partition| numbers[&partition] == numbers[&0]), "transactions are whole");
        assert_eq!(subject.group_offset(&subject.partitions(&topic)[0]), Some(count as Offset));
    }
}
