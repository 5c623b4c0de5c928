//! Members share partitions, and hand them over in good order.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use tradewind_topics::Polled;

use super::{A_WHILE, PATIENCE, Subject, Worker, number_in, numbered, share, wait_for};

pub fn nothing_is_fetched_before_the_start(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    subject.write_numbers(&partition, 0..3);
    let mut session = subject.log.session(subject.member("worker", &[&topic])).expect("a session");
    let mut assigned = false;
    wait_for("the partition is assigned", || {
        for polled in session.poll(A_WHILE).expect("a member can poll") {
            assert!(matches!(&polled, Polled::Assigned(partitions) if partitions == std::slice::from_ref(&partition)));
            assigned = true;
        }
        assigned
    });
    for _ in 0..5 {
        assert!(session.poll(A_WHILE).expect("a member can poll").is_empty());
    }
    session.start_at(&[(partition, 0)]).expect("assigned partitions can be started");
    let mut numbers = Vec::new();
    wait_for("the records are fetched", || {
        for polled in session.poll(A_WHILE).expect("a member can poll") {
            let Polled::Records(records) = polled else { panic!("{polled:?}") };
            numbers.extend(records.iter().map(number_in));
        }
        numbers.len() == 3
    });
    assert_eq!(numbers, [0, 1, 2]);
}

pub fn starting_again_goes_back(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    subject.write_numbers(&partition, 0..10);
    let mut worker = subject.lone_worker(&topic);
    worker.read(10);
    let back = worker.records[4].offset;
    worker.session.start_at(&[(partition, back)]).expect("a partition can be restarted");
    worker.records.clear();
    wait_for("the second half is read again", || {
        worker.poll();
        worker.records.len() == 6
    });
    assert_eq!(worker.records.iter().map(number_in).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9]);
}

pub fn a_batch_is_no_larger_than_asked(subject: &Subject) {
    let topic = subject.topic("orders", 2);
    for partition in subject.partitions(&topic) {
        subject.write_numbers(&partition, 0..50);
    }
    let mut config = subject.member("worker", &[&topic]);
    config.max_batch = 7;
    let mut worker = subject.worker(config);
    let mut read = 0;
    wait_for("all records are read", || {
        worker.poll();
        assert!(worker.records.len() - read <= 7);
        read = worker.records.len();
        read == 100
    });
}

pub fn two_members_share_topics_alike(subject: &Subject) {
    let commands = subject.topic("commands", 5);
    let events = subject.topic("events", 5);
    let mut one = subject.worker(subject.member("one", &[&commands, &events]));
    let mut other = subject.worker(subject.member("other", &[&commands, &events]));
    wait_for("both share the partitions", || {
        one.poll();
        other.poll();
        share(&[&one, &other], 10) && !one.held.is_empty() && !other.held.is_empty()
    });
    for worker in [&one, &other] {
        let of = |topic: &str| -> BTreeSet<u32> {
            worker.held.iter().filter(|held| *held.topic == *topic).map(|held| held.partition).collect()
        };
        assert_eq!(of(&commands), of(&events), "topics with equal partition counts are cut alike");
        assert!((2..=3).contains(&of(&commands).len()));
    }
}

pub fn who_leaves_hands_over_at_once(subject: &Subject) {
    let topic = subject.topic("orders", 4);
    let mut one = subject.worker(subject.member("one", &[&topic]));
    let mut other = subject.worker(subject.member("other", &[&topic]));
    wait_for("both share the partitions", || {
        one.poll();
        other.poll();
        share(&[&one, &other], 4) && one.held.len() == 2
    });
    one.leave();
    // The session time-out is longer than the patience.
    wait_for("the other has all", || {
        other.poll();
        other.held.len() == 4
    });
}

pub fn revoked_partitions_wait_for_their_release(subject: &Subject) {
    let topic = subject.topic("orders", 4);
    let mut one = subject.lone_worker(&topic);
    one.releases = false;
    let mut other = subject.worker(subject.member("other", &[&topic]));
    wait_for("the first is asked to give up some", || {
        one.poll();
        other.poll();
        !one.parting.is_empty()
    });
    for _ in 0..10 {
        one.poll();
        other.poll();
        assert!(other.held.is_empty(), "nothing was released yet");
    }
    // Until the release it may finish what it has begun.
    let mut positions = one.standing();
    positions.extend(one.parting.iter().map(|partition| (partition.clone(), 0)));
    one.append([numbered(&subject.partitions(&topic)[0], 1)]);
    one.session.commit(&positions).expect("the partitions are still its own");
    one.releases = true;
    wait_for("both share the partitions", || {
        one.poll();
        other.poll();
        share(&[&one, &other], 4) && other.held.len() == 2
    });
}

pub fn pausing_keeps_records_back(subject: &Subject) {
    let topic = subject.topic("orders", 2);
    let partitions = subject.partitions(&topic);
    let mut worker = subject.lone_worker(&topic);
    worker.session.pause(&partitions[..1]).expect("a held partition can be paused");
    for partition in &partitions {
        subject.write_numbers(partition, 0..10);
    }
    wait_for("the other partition is read", || {
        worker.poll();
        worker.records.len() >= 10
    });
    for _ in 0..5 {
        worker.poll();
    }
    assert!(worker.records.iter().all(|record| record.source == partitions[1]));
    worker.session.resume(&partitions[..1]).expect("a paused partition can be resumed");
    wait_for("the paused one is read too", || {
        worker.poll();
        worker.records.len() == 20
    });
    let resumed: Vec<_> =
        worker.records.iter().filter(|record| record.source == partitions[0]).map(number_in).collect();
    assert_eq!(resumed, (0..10).collect::<Vec<_>>());
}

/// Two that share the topic's four partitions.
pub fn static_members(subject: &Subject, topic: &Arc<str>) -> (Worker, Worker) {
    let (mut one, mut other) = (subject.static_worker("one", topic), subject.static_worker("other", topic));
    wait_for("both share the partitions", || {
        one.poll();
        other.poll();
        share(&[&one, &other], 4) && one.held.len() == 2
    });
    (one, other)
}

pub fn a_static_member_comes_back_to_its_partitions(subject: &Subject) {
    let topic = subject.topic("orders", 4);
    let (one, mut other) = static_members(subject, &topic);
    let before = one.held.clone();
    drop(one);
    let mut again = subject.static_worker("one", &topic);
    wait_for("it has its partitions again", || {
        again.poll();
        other.poll();
        again.held == before
    });
    assert_eq!(other.held.len(), 2);
}

pub fn each_record_is_handled_once_while_members_come_and_go(subject: &Subject) {
    const RECORDS: u64 = 200;
    let topic = subject.topic("orders", 4);
    let outcomes = subject.topic("outcomes", 4);
    let targets = subject.partitions(&outcomes);
    for partition in subject.partitions(&topic) {
        subject.write_numbers(&partition, 0..RECORDS);
    }
    let mut handled = 0;
    let mut handle = |worker: &mut Worker| {
        worker.poll();
        // What was revoked between reading and committing is somebody else's now.
        let held = worker.held.clone();
        worker.records.retain(|record| held.contains(&record.source));
        let some: Vec<_> = worker.records.drain(..worker.records.len().min(20)).collect();
        if some.is_empty() {
            return handled;
        }
        worker
            .append(some.iter().map(|record| numbered(&targets[record.source.partition as usize], number_in(record))));
        let mut positions = worker.standing();
        for (partition, position) in &mut positions {
            let read = some.iter().filter(|record| record.source == *partition).map(|record| record.after()).max();
            *position = read.unwrap_or(*position);
        }
        worker.session.commit(&positions).expect("it is committed");
        handled += some.len() as u64;
        handled
    };
    let deadline = Instant::now() + PATIENCE;
    let mut stays = subject.worker(subject.member("stays", &[&topic]));
    let mut guests = 0;
    while handle(&mut stays) < 4 * RECORDS {
        guests += 1;
        let mut guest = subject.worker(subject.member(&format!("guest-{guests}"), &[&topic]));
        for _ in 0..10 {
            handle(&mut guest);
            handle(&mut stays);
        }
        guest.leave();
        assert!(Instant::now() < deadline, "in vain: all records are handled");
    }
    for (partition, numbers) in subject.read_numbers(&outcomes) {
        assert_eq!(numbers, (0..RECORDS).collect::<Vec<_>>(), "partition {partition}");
    }
}
