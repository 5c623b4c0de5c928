//! Topics and groups from the outside.

use tradewind_topics::{Cleanup, End, LogError, Start, TopicPartition, TopicSpec};

use super::{A_WHILE, Subject, numbered, wait};

fn spec(subject: &Subject, name: &str, partitions: u32) -> TopicSpec {
    TopicSpec { name: subject.name(name), partitions, cleanup: Cleanup::Keep }
}

pub fn creating_again_changes_nothing(subject: &Subject) {
    let admin = subject.admin();
    let mine = || {
        let mut topics = admin.topics().expect("topics are listed");
        topics.retain(|topic| topic.name.starts_with(&subject.prefix));
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        topics
    };
    admin.create(&[spec(subject, "a", 3)]).expect("it is created");
    let first = mine();
    admin.create(&[spec(subject, "a", 3), spec(subject, "b", 1)]).expect("the one that lacked is created");
    let both = mine();
    assert_eq!(both[0], first[0]);
    assert_eq!((&both[1].name, both[1].partitions), (&subject.name("b"), 1));
    assert_ne!(both[0].id, both[1].id);
}

pub fn another_partition_count_creates_nothing(subject: &Subject) {
    let admin = subject.admin();
    admin.create(&[spec(subject, "a", 3)]).expect("it is created");
    let refused = admin.create(&[spec(subject, "b", 1), spec(subject, "a", 4)]);
    assert!(
        matches!(&refused, Err(LogError::PartitionCount { name, there: 3, wanted: 4 }) if *name == subject.name("a")),
        "{refused:?}"
    );
    let topics = admin.topics().expect("topics are listed");
    assert!(!topics.iter().any(|topic| topic.name == subject.name("b")));
}

pub fn a_new_partition_is_empty(subject: &Subject) {
    let topic = subject.topic("orders", 2);
    for partition in subject.partitions(&topic) {
        let admin = subject.admin();
        assert_eq!(admin.beginning(&partition).expect("it is known"), 0);
        assert_eq!(admin.end(&partition, End::Stable).expect("it is known"), 0);
        let last = subject.write_numbers(&partition, 0..5)[4];
        assert!(admin.end(&partition, End::Stable).expect("it is known") > last);
        assert!(admin.end(&partition, End::Written).expect("it is known") > last);
        assert_eq!(admin.beginning(&partition).expect("it is known"), 0);
    }
}

pub fn many_are_answered_for_in_their_order(subject: &Subject) {
    let (one, other) = (subject.topic("ones", 2), subject.topic("others", 2));
    let mut partitions: Vec<_> = [other, one].iter().flat_map(|topic| subject.partitions(topic)).collect();
    for (count, partition) in (1..).zip(&partitions) {
        subject.write_numbers(partition, 0..count * 3);
    }
    partitions.swap(0, 3);
    let admin = subject.admin();
    for which in [End::Stable, End::Written] {
        let ends = admin.ends(&partitions, which).expect("they are known");
        let alone = partitions.iter().map(|partition| admin.end(partition, which).expect("it is known"));
        assert_eq!(ends, alone.collect::<Vec<_>>());
        assert!(ends.windows(2).all(|two| two[0] != two[1]), "{ends:?}");
    }
    assert_eq!(admin.beginnings(&partitions).expect("they are known"), [0; 4]);
    partitions[1].partition = 2;
    for answer in [admin.ends(&partitions, End::Stable), admin.beginnings(&partitions)] {
        assert!(matches!(answer, Err(LogError::UnknownTopic(_))), "{answer:?}");
    }
}

pub fn what_is_not_there_is_an_unknown_topic(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let unknown =
        |result: Result<(), LogError>| assert!(matches!(result, Err(LogError::UnknownTopic(_))), "{result:?}");
    for nowhere in [TopicPartition::new(subject.name("nothing"), 0), TopicPartition::new(topic, 1)] {
        unknown(subject.admin().end(&nowhere, End::Stable).map(drop));
        unknown(subject.admin().beginning(&nowhere).map(drop));
        unknown(wait(subject.log.writer().expect("a writer").append(numbered(&nowhere, 1))).map(drop));
        let mut reader = subject.log.reader().expect("a reader");
        unknown(reader.assign(&[(nowhere, Start::Beginning)]).and_then(|()| reader.poll(50 * A_WHILE)).map(drop));
    }
}

pub fn a_groups_first_offsets_leave_others_alone(subject: &Subject) {
    let topic = subject.topic("orders", 3);
    let partitions = subject.partitions(&topic);
    for partition in &partitions {
        subject.write_numbers(partition, 0..10);
    }
    let (group, admin) = (subject.name("group"), subject.admin());
    let offsets = || admin.group_offsets(&group, &partitions).expect("offsets are known");
    assert_eq!(offsets(), [None, None, None]);
    admin.initialise_group(&group, &[(partitions[0].clone(), 3)]).expect("it is initialised");
    assert_eq!(offsets(), [Some(3), None, None]);
    admin.initialise_group(&group, &[(partitions[0].clone(), 5), (partitions[1].clone(), 0)]).expect("so is the rest");
    assert_eq!(offsets(), [Some(3), Some(0), None]);
    assert_eq!(admin.group_offsets(&subject.name("another"), &partitions[..1]).expect("offsets are known"), [None]);
}

pub fn a_topic_that_keeps_loses_nothing(subject: &Subject) {
    let topic = subject.topic("ledger", 1);
    let partition = subject.partitions(&topic)[0].clone();
    // Long ago, and all of one key.
    let writer = subject.log.writer().expect("a writer");
    for n in 0..20 {
        let record = tradewind_topics::Append { timestamp: 1000, key: Some("one".into()), ..numbered(&partition, n) };
        wait(writer.append(record)).expect("it is appended");
    }
    assert_eq!(subject.read_numbers(&topic)[&0], (0..20).collect::<Vec<_>>());
    assert_eq!(subject.admin().beginning(&partition).expect("it is known"), 0);
}
