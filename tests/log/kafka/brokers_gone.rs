//! Brokers that die, hang, or lose patience: nothing is lost, nothing happens twice.

use std::time::Duration;

use tradewind_tests::broker::Broker;
use tradewind_topics::{CommitError, End, LogError, Offset, TopicPartition, kafka::Options};

use super::subject_on;
use crate::suite::{Subject, Worker, numbered, wait, wait_for};

/// Brokers abort a transaction after so long, and clients give up on one.
fn impatient() -> Options {
    Options { transaction_timeout: Duration::from_secs(2), ..Options::default() }
}

/// Recovers the session, and tells whether the commit to this position had gone through.
fn settle(worker: &mut Worker, partition: &TopicPartition, position: Offset) -> bool {
    wait_for("the session recovers", || worker.session.recover().is_ok());
    let mut committed = None;
    wait_for("the group's offsets are known", || {
        match worker.session.committed(std::slice::from_ref(partition)) {
            Ok(offsets) => committed = Some(offsets),
            Err(error) => println!("the group's offsets are not known: {error}"),
        }
        committed.is_some()
    });
    committed == Some(vec![Some(position)])
}

/// Waits until the brokers have written the end of all that was committed. They acknowledge a commit before that; and
/// where Kafka 4.3's only broker is killed in between, it comes back with its former self as every partition's leader
/// that cannot be reached, gives those ends up, and leaves the transaction pending for good.
fn all_has_ended(subject: &Subject, worker: &mut Worker, partition: &TopicPartition, position: u64) {
    let end = |which| subject.admin().end(partition, which).expect("the end is known");
    wait_for("the records are decided", || end(End::Stable) == end(End::Written));
    wait_for("the position is decided", || {
        let positions = worker.session.committed(std::slice::from_ref(partition));
        positions.is_ok_and(|positions| positions == [Some(position as Offset)])
    });
}

/// Commits the numbers one by one, each with the position after it, and lets something happen before the fifth is
/// committed. Each number is tried again until it is in.
fn commit_through(subject: &Subject, mut happen: impl FnMut(), mut end: impl FnMut()) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    let mut worker = subject.lone_worker(&topic);
    for n in 0..10 {
        let position = n as Offset + 1;
        let mut troubled = n == 5;
        if troubled {
            all_has_ended(subject, &mut worker, &partition, n);
        }
        loop {
            worker.append([numbered(&partition, n)]);
            if troubled {
                happen();
            }
            let committed = worker.session.commit(&[(partition.clone(), position)]);
            if std::mem::take(&mut troubled) {
                assert!(committed.is_err(), "it was committed without a broker");
                end();
            }
            match committed {
                Ok(_) => break,
                Err(CommitError::Aborted(_)) => {}
                // A member that was silent for so long may have lost its place meanwhile.
                Err(CommitError::Unknown(_) | CommitError::Fenced(_)) => {
                    if settle(&mut worker, &partition, position) {
                        break;
                    }
                    wait_for("it is a member", || {
                        worker.poll();
                        worker.held.contains(&partition)
                    });
                }
            }
        }
    }
    assert_eq!(subject.read_numbers(&topic)[&0], (0..10).collect::<Vec<_>>());
    assert_eq!(subject.group_offset(&partition), Some(10));
}

#[test]
fn a_broker_that_dies_in_the_middle_of_a_transaction() {
    let broker = std::cell::RefCell::new(Broker::start());
    let subject = subject_on(&broker.borrow(), impatient());
    commit_through(&subject, || broker.borrow_mut().kill9(), || broker.borrow_mut().restart());
}

#[test]
fn a_broker_that_hangs_for_longer_than_a_commit_waits() {
    let broker = std::cell::RefCell::new(Broker::start());
    let subject = subject_on(&broker.borrow(), impatient());
    commit_through(&subject, || broker.borrow_mut().freeze(), || broker.borrow_mut().thaw());
}

#[test]
fn appends_outlast_a_restart_of_the_broker() {
    let mut broker = Broker::start();
    let subject = subject_on(&broker, Options::default());
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    subject.write_numbers(&partition, 0..10);
    let writer = subject.log.writer().expect("a writer");
    broker.kill9();
    let appends: Vec<_> = (10..20).map(|n| writer.append(numbered(&partition, n))).collect();
    broker.restart();
    for append in appends {
        wait(append).expect("it is appended after all");
    }
    assert_eq!(subject.read_numbers(&topic)[&0], (0..20).collect::<Vec<_>>());
}

#[test]
fn a_transaction_that_is_open_for_too_long_is_taken_away() {
    // Long enough for it to be seen while it is undecided.
    let options = Options { transaction_timeout: Duration::from_secs(6), ..Options::default() };
    let subject = subject_on(Broker::shared(), options);
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    let mut worker = subject.lone_worker(&topic);
    worker.append([numbered(&partition, 1)]);
    let end = |which| subject.admin().end(&partition, which).expect("the end is known");
    wait_for("the record is written", || end(End::Written) > 0);
    assert_eq!(end(End::Stable), 0, "undecided");
    wait_for("the broker aborts the transaction", || end(End::Stable) > 0);
    let positions = worker.standing();
    let late = worker.session.commit(&positions);
    assert!(matches!(late, Err(CommitError::Fenced(_) | CommitError::Aborted(_))), "{late:?}");
    worker.session.recover().expect("a session can take a new epoch");
    worker.append([numbered(&partition, 2)]);
    worker.commit();
    assert_eq!(subject.read_numbers(&topic)[&0], [2]);
}

#[test]
fn sessions_end_without_a_broker() {
    let mut broker = Broker::start();
    let subject = subject_on(&broker, impatient());
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    let mut leaves = subject.lone_worker(&topic);
    let mut is_dropped = subject.worker(subject.member("other", &[&topic]));
    is_dropped.poll();
    leaves.append([numbered(&partition, 1)]);
    broker.kill9();
    drop(is_dropped);
    // Telling the group may fail; ending may not hang.
    match leaves.session.leave() {
        Ok(()) | Err(LogError::Unavailable(_)) => {}
        Err(other) => panic!("{other:?}"),
    }
}
