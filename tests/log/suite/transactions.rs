//! All or nothing.

use std::collections::BTreeMap;

use super::{Subject, number_in, numbered, wait_for};

pub fn records_keep_their_order_within_a_partition(subject: &Subject) {
    let topic = subject.topic("orders", 2);
    let partitions = subject.partitions(&topic);
    let mut worker = subject.lone_worker(&topic);
    for round in 0..5 {
        worker.append((0..100).map(|n| numbered(&partitions[n % 2], round * 100 + n as u64)));
        worker.commit();
    }
    let numbers = subject.read_numbers(&topic);
    assert_eq!(numbers[&0], (0..500).step_by(2).collect::<Vec<_>>());
    assert_eq!(numbers[&1], (1..500).step_by(2).collect::<Vec<_>>());
}

pub fn a_transaction_is_seen_in_all_partitions_or_in_none(subject: &Subject) {
    let topic = subject.topic("orders", 3);
    let partitions = subject.partitions(&topic);
    let mut worker = subject.lone_worker(&topic);
    for n in 0..30 {
        worker.append(partitions.iter().map(|partition| numbered(partition, n)));
        if n % 3 == 1 {
            worker.session.abort().expect("a transaction can be aborted");
        } else {
            worker.commit();
        }
    }
    let committed: Vec<u64> = (0..30).filter(|n| n % 3 != 1).collect();
    assert_eq!(subject.read_numbers(&topic), BTreeMap::from([0, 1, 2].map(|partition| (partition, committed.clone()))));
}

pub fn what_was_not_committed_is_never_seen(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = &subject.partitions(&topic)[0];
    let mut worker = subject.lone_worker(&topic);
    worker.append([numbered(partition, 1)]);
    worker.session.abort().expect("a transaction can be aborted");
    worker.append([numbered(partition, 2)]);
    worker.commit();
    worker.append([numbered(partition, 3)]);
    drop(worker);
    // A successor settles what the one that vanished left open.
    let mut successor = subject.lone_worker(&topic);
    successor.append([numbered(partition, 4)]);
    successor.commit();
    assert_eq!(subject.read_numbers(&topic)[&0], [2, 4]);
    wait_for("the successor has read what was committed", || {
        successor.poll();
        successor.records.len() >= 2
    });
    assert_eq!(successor.records.iter().map(number_in).collect::<Vec<_>>(), [2, 4]);
}

pub fn the_position_passes_gaps(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = &subject.partitions(&topic)[0];
    let mut worker = subject.lone_worker(&topic);
    for n in 0..5 {
        worker.append([numbered(partition, n)]);
        worker.commit();
        worker.append([numbered(partition, 100 + n)]);
        worker.session.abort().expect("a transaction can be aborted");
        // Returns only once the reader's position has reached the end.
        assert_eq!(subject.read_numbers(&topic)[&0], (0..=n).collect::<Vec<_>>());
    }
}

pub fn a_commit_moves_the_groups_offsets(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let outcomes = subject.topic("outcomes", 1);
    let partition = subject.partitions(&topic)[0].clone();
    subject.write_numbers(&partition, 0..10);
    let mut worker = subject.lone_worker(&topic);
    worker.read(10);
    assert_eq!(subject.group_offset(&partition), None);
    let position = worker.records[6].after();
    worker.append([numbered(&subject.partitions(&outcomes)[0], 7)]);
    worker.session.commit(&[(partition.clone(), position)]).expect("it is committed");
    assert_eq!(subject.group_offset(&partition), Some(position));
    assert_eq!(worker.session.committed(&[partition]).expect("offsets are known"), [Some(position)]);
    assert_eq!(subject.read_numbers(&outcomes)[&0], [7]);
}

pub fn a_receipt_tells_where_the_records_went(subject: &Subject) {
    let topic = subject.topic("orders", 3);
    let partitions = subject.partitions(&topic);
    let mut worker = subject.lone_worker(&topic);
    for n in 0..3 {
        worker.append([0, 1, 0].map(|partition| numbered(&partitions[partition], 10 * n)));
        let mut ends = worker.session.commit(&[]).expect("it is committed").ends;
        ends.sort();
        let after_last = |partition: usize| {
            let records = subject.read(&topic);
            let last = records.iter().rfind(|record| record.source == partitions[partition]);
            (partitions[partition].clone(), last.expect("there is one").after())
        };
        assert_eq!(ends, [after_last(0), after_last(1)]);
    }
    let standing = worker.standing();
    assert!(worker.session.commit(&standing).expect("it is committed").ends.is_empty());
}

pub fn a_commit_needs_no_records(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    subject.write_numbers(&partition, 0..3);
    let mut worker = subject.lone_worker(&topic);
    worker.read(3);
    worker.commit_read().expect("it is committed");
    assert_eq!(subject.group_offset(&partition), Some(worker.records[2].after()));
}

pub fn a_group_goes_on_where_it_committed(subject: &Subject) {
    let topic = subject.topic("orders", 2);
    for partition in subject.partitions(&topic) {
        subject.write_numbers(&partition, 0..20);
    }
    let mut first = subject.lone_worker(&topic);
    wait_for("some records are read", || {
        first.poll();
        first.records.len() >= 5
    });
    first.commit_read().expect("it is committed");
    let read: Vec<_> = first.records.iter().map(|record| (record.source.clone(), number_in(record))).collect();
    first.leave();

    let mut second = subject.lone_worker(&topic);
    wait_for("the rest is read", || {
        second.poll();
        read.len() + second.records.len() >= 40
    });
    let mut all = read;
    all.extend(second.records.iter().map(|record| (record.source.clone(), number_in(record))));
    all.sort();
    let each_once: Vec<_> = subject
        .partitions(&topic)
        .into_iter()
        .flat_map(|partition| (0..20).map(move |n| (partition.clone(), n)))
        .collect();
    assert_eq!(all, each_once);
}
