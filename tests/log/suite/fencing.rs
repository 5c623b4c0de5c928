//! Who lost the right to commit cannot.

use std::thread;

use tradewind_topics::{CommitError, LogError};

use super::{Subject, Worker, numbered, share, wait_for};

fn assert_fenced<T: std::fmt::Debug>(committed: Result<T, CommitError>) {
    assert!(matches!(committed, Err(CommitError::Fenced(_))), "{committed:?}");
}

pub fn a_later_session_with_the_same_identity_fences_the_earlier(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    let mut earlier = subject.lone_worker(&topic);
    earlier.append([numbered(&partition, 1)]);
    let positions = earlier.standing();
    let mut later = subject.worker(subject.member("worker", &[&topic]));
    assert_fenced(earlier.session.commit(&positions));
    match earlier.session.append(vec![numbered(&partition, 2)]) {
        Ok(()) => assert_fenced(earlier.session.commit(&positions)),
        Err(error) => assert!(matches!(error, LogError::Fenced(_)), "{error}"),
    }
    drop(earlier);
    later.append([numbered(&partition, 3)]);
    later.session.commit(&[]).expect("the later one commits");
    assert_eq!(subject.read_numbers(&topic)[&0], [3]);
}

/// A zombie: a member that had everything and fell silent until the other took it all over.
fn zombie_and_heir(subject: &Subject, topic: &std::sync::Arc<str>) -> (Worker, Worker) {
    let all = subject.partitions(topic).len();
    let short = |identity: &str| {
        let mut config = subject.member(identity, &[topic]);
        config.session_timeout = subject.shortest_session;
        config
    };
    let mut zombie = subject.worker(short("zombie"));
    wait_for("the first member has all", || {
        zombie.poll();
        zombie.held.len() == all
    });
    let mut heir = subject.worker(short("heir"));
    wait_for("the other takes all over", || {
        heir.poll();
        heir.held.len() == all
    });
    (zombie, heir)
}

pub fn a_member_that_was_silent_for_too_long_is_fenced(subject: &Subject) {
    let topic = subject.topic("orders", 2);
    let partition = subject.partitions(&topic)[0].clone();
    let (mut zombie, mut heir) = zombie_and_heir(subject, &topic);
    let positions: Vec<_> = zombie.held.iter().map(|partition| (partition.clone(), 0)).collect();
    thread::scope(|scope| {
        let late = scope.spawn(|| {
            zombie.append([numbered(&partition, 1)]);
            assert_fenced(zombie.session.commit(&positions));
        });
        // Its session is as short.
        while !late.is_finished() {
            heir.poll();
        }
    });
    heir.append([numbered(&partition, 2)]);
    heir.commit();
    assert_eq!(subject.read_numbers(&topic)[&0], [2]);
}

pub fn a_fenced_member_recovers_and_comes_back(subject: &Subject) {
    let topic = subject.topic("orders", 2);
    let partitions = subject.partitions(&topic);
    let (mut zombie, mut heir) = zombie_and_heir(subject, &topic);
    let positions: Vec<_> = zombie.held.iter().map(|partition| (partition.clone(), 0)).collect();
    zombie.append([numbered(&partitions[0], 1)]);
    assert_fenced(zombie.session.commit(&positions));
    wait_for("the session recovers", || zombie.session.recover().is_ok());
    assert_eq!(zombie.session.committed(&partitions).expect("offsets are known"), [None, None]);
    wait_for("both share the partitions", || {
        zombie.poll();
        heir.poll();
        share(&[&zombie, &heir], 2) && !zombie.held.is_empty()
    });
    let own = zombie.held.first().cloned().expect("it has one");
    zombie.append([numbered(&own, 2)]);
    zombie.session.commit(&[(own.clone(), 0)]).expect("it is a member again");
    assert_eq!(subject.read_numbers(&topic).into_values().flatten().collect::<Vec<_>>(), [2]);
}

pub fn positions_of_partitions_of_others_are_fenced(subject: &Subject) {
    let topic = subject.topic("orders", 2);
    let mut one = subject.worker(subject.member("one", &[&topic]));
    let mut other = subject.worker(subject.member("other", &[&topic]));
    wait_for("both share the partitions", || {
        one.poll();
        other.poll();
        share(&[&one, &other], 2) && one.held.len() == 1
    });
    let foreign = other.held.first().cloned().expect("it has one");
    one.append([numbered(&foreign, 1)]);
    let mut positions = one.standing();
    positions.push((foreign.clone(), 0));
    assert_fenced(one.session.commit(&positions));
    other.append([numbered(&foreign, 2)]);
    other.commit();
    assert_eq!(subject.read_numbers(&topic)[&foreign.partition], [2]);
}

pub fn recovering_drops_the_open_transaction(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    subject.write_numbers(&partition, 0..3);
    let mut worker = subject.lone_worker(&topic);
    worker.read(3);
    worker.commit_read().expect("it is committed");
    let committed = subject.group_offset(&partition);
    worker.append([numbered(&partition, 100)]);
    worker.session.recover().expect("a session can take a new epoch");
    assert_eq!(subject.group_offset(&partition), committed);
    worker.append([numbered(&partition, 3)]);
    worker.commit();
    assert_eq!(subject.read_numbers(&topic)[&0], [0, 1, 2, 3]);
}
