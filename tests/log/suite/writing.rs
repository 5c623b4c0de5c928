//! Appending outside transactions.

use std::thread;

use bytes::Bytes;
use tradewind_topics::{Append, LogError};

use super::{Subject, number_in, numbered, wait};

/// More than any log here takes.
const FAR_TOO_LARGE: usize = 20 << 20;

pub fn appends_keep_their_order(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let offsets = subject.write_numbers(&subject.partitions(&topic)[0], 0..1000);
    assert!(offsets.is_sorted_by(|one, other| one < other));
    let records = subject.read(&topic);
    assert_eq!(records.iter().map(number_in).collect::<Vec<_>>(), (0..1000).collect::<Vec<_>>());
    assert_eq!(records.iter().map(|record| record.offset).collect::<Vec<_>>(), offsets);
}

pub fn appends_of_many_threads_are_all_there(subject: &Subject) {
    let topic = subject.topic("orders", 2);
    let partitions = subject.partitions(&topic);
    thread::scope(|scope| {
        for writer in 0..4 {
            let partitions = &partitions;
            scope.spawn(move || {
                for round in 0..10 {
                    let from = writer * 1000 + round * 10;
                    subject.write_numbers(&partitions[(round % 2) as usize], from..from + 10);
                }
            });
        }
    });
    for (partition, numbers) in subject.read_numbers(&topic) {
        for writer in 0..4 {
            let of: Vec<_> = numbers.iter().copied().filter(|number| number / 1000 == writer).collect();
            let sent: Vec<u64> =
                (0..100).filter(|n| n / 10 % 2 == u64::from(partition)).map(|n| writer * 1000 + n).collect();
            assert_eq!(of, sent, "of writer {writer} in partition {partition}");
        }
    }
}

pub fn what_is_too_large_is_refused_alone(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    let large = Append { value: Some(Bytes::from(vec![1; FAR_TOO_LARGE])), ..numbered(&partition, 99) };
    let writer = subject.log.writer().expect("a writer");
    let refused = wait(writer.append(large.clone()));
    assert!(matches!(&refused, Err(LogError::TooLarge { to, .. }) if *to == partition), "{refused:?}");
    subject.write_numbers(&partition, 0..1);

    let mut worker = subject.lone_worker(&topic);
    worker.append([numbered(&partition, 1)]);
    let refused = worker.session.append(vec![large]);
    assert!(matches!(&refused, Err(LogError::TooLarge { to, .. }) if *to == partition), "{refused:?}");
    worker.append([numbered(&partition, 2)]);
    worker.commit();
    assert_eq!(subject.read_numbers(&topic)[&0], [0, 1, 2]);
}

pub fn appends_and_commits_share_a_partition(subject: &Subject) {
    let topic = subject.topic("orders", 1);
    let partition = subject.partitions(&topic)[0].clone();
    let mut worker = subject.lone_worker(&topic);
    thread::scope(|scope| {
        let appends = scope.spawn(|| {
            for n in 0..50 {
                subject.write_numbers(&partition, n..n + 1);
            }
        });
        for n in 0..50 {
            worker.append([numbered(&partition, 1000 + 2 * n), numbered(&partition, 1001 + 2 * n)]);
            worker.commit();
        }
        appends.join().expect("the appends go through");
    });
    let (committed, appended): (Vec<u64>, Vec<u64>) =
        subject.read_numbers(&topic)[&0].iter().partition(|number| **number >= 1000);
    assert_eq!(appended, (0..50).collect::<Vec<_>>());
    assert_eq!(committed, (1000..1100).collect::<Vec<_>>());
}
