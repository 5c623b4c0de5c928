//! Compaction and retention, done now and not in time.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;
use tradewind_topics::{Append, Cleanup, LogError, Start, TopicPartition};

use super::subject_in;
use crate::suite::{A_WHILE, Subject, number_in, numbered, wait, wait_for};

const LONG: Duration = Duration::from_secs(3600);

#[expect(clippy::disallowed_methods, reason = "the log tells what is old by the clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("it is before the end of time")
}

fn append(subject: &Subject, records: impl IntoIterator<Item = Append>) {
    let writer = subject.log.writer().expect("a writer");
    let appends: Vec<_> = records.into_iter().map(|record| writer.append(record)).collect();
    for append in appends {
        wait(append).expect("it is appended");
    }
}

fn keyed(partition: &TopicPartition, key: u64, number: u64) -> Append {
    Append { key: Some(key.to_string().into()), ..numbered(partition, number) }
}

fn tombstone(partition: &TopicPartition, key: u64) -> Append {
    Append { value: None, ..keyed(partition, key, 0) }
}

fn compacted(subject: &Subject, tombstones_for: Duration) -> TopicPartition {
    let topic = subject.topic_with("customers", 1, Cleanup::Compact { tombstones_for });
    subject.partitions(&topic)[0].clone()
}

#[test]
fn compaction_leaves_the_last_of_each_key() {
    let directory = TempDir::new().expect("a directory");
    let (subject, log) = subject_in(directory.path());
    let partition = compacted(&subject, LONG);
    for round in 0..3 {
        append(&subject, (0..5000).map(|n| keyed(&partition, n % 100, round * 5000 + n)));
        let end = subject.end(&partition);
        log.compact_now().expect("it is compacted");
        let from = round * 5000 + 4900;
        assert_eq!(subject.read_numbers(&partition.topic)[&0], (from..from + 100).collect::<Vec<_>>());
        assert_eq!(subject.end(&partition), end);
    }
    drop((subject, log));
    let (subject, log) = subject_in(directory.path());
    log.compact_now().expect("there is nothing to do");
    assert_eq!(subject.read_numbers(&partition.topic)[&0], (14_900..15_000).collect::<Vec<_>>());
}

#[test]
fn what_was_compacted_away_leaves_the_disk() {
    const SECRET: &[u8] = b"7f3c-the-secret-of-customer-one-e91b";
    let directory = TempDir::new().expect("a directory");
    let (subject, log) = subject_in(directory.path());
    let partition = compacted(&subject, LONG);
    let is_on_the_disk = || {
        let files = fs::read_dir(directory.path().join("rocks")).expect("it can be listed");
        // A file may go between being listed and being read.
        files
            .filter_map(|entry| fs::read(entry.expect("it can be listed").path()).ok())
            .any(|bytes| bytes.windows(SECRET.len()).any(|window| window == SECRET))
    };
    let secret = Append { value: Some(SECRET.into()), ..keyed(&partition, 1, 0) };
    append(&subject, [secret, keyed(&partition, 2, 2)]);
    assert!(is_on_the_disk());
    append(&subject, [tombstone(&partition, 1)]);
    log.compact_now().expect("it is compacted");
    wait_for("obsolete files are removed", || !is_on_the_disk());
}

#[test]
fn tombstones_stay_for_their_time() {
    for (tombstones_for, stay) in [(LONG, true), (Duration::ZERO, false)] {
        let directory = TempDir::new().expect("a directory");
        let (subject, log) = subject_in(directory.path());
        let partition = compacted(&subject, tombstones_for);
        append(&subject, [keyed(&partition, 1, 10), keyed(&partition, 2, 20), tombstone(&partition, 1)]);
        log.compact_now().expect("it is compacted");
        let records = subject.read(&partition.topic);
        assert_eq!(number_in(&records[0]), 20);
        assert_eq!(
            records[1..].iter().map(|record| record.value.is_none()).collect::<Vec<_>>(),
            [true; 1][..usize::from(stay)]
        );
    }
}

#[test]
fn records_without_a_key_are_not_compacted() {
    let directory = TempDir::new().expect("a directory");
    let (subject, log) = subject_in(directory.path());
    let partition = compacted(&subject, LONG);
    append(&subject, (0..3).map(|n| Append { key: None, ..numbered(&partition, n) }));
    log.compact_now().expect("it is compacted");
    assert_eq!(subject.read_numbers(&partition.topic)[&0], [0, 1, 2]);
}

#[test]
fn a_reader_misses_no_last_value_while_compaction_goes_on() {
    const KEYS: u64 = 50;
    let directory = TempDir::new().expect("a directory");
    let (subject, log) = subject_in(directory.path());
    let partition = compacted(&subject, LONG);
    let done = Arc::new(AtomicBool::new(false));
    let compacting = {
        let done = done.clone();
        thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                log.compact_now().expect("it is compacted");
            }
        })
    };
    for round in 0..20 {
        append(&subject, (0..KEYS).map(|key| keyed(&partition, key, round * KEYS + key)));
        let mut last = vec![0; KEYS as usize];
        for record in subject.read(&partition.topic) {
            let number = number_in(&record);
            last[(number % KEYS) as usize] = number;
        }
        assert_eq!(last, (round * KEYS..(round + 1) * KEYS).collect::<Vec<_>>());
    }
    done.store(true, Ordering::Relaxed);
    compacting.join().expect("compaction went well");
}

#[test]
fn retention_forgets_what_is_old_from_the_front() {
    let directory = TempDir::new().expect("a directory");
    let (subject, log) = subject_in(directory.path());
    let topic = subject.topic_with("clicks", 1, Cleanup::Delete { after: LONG });
    let partition = subject.partitions(&topic)[0].clone();
    let (old, young) = (now() - 2 * LONG.as_millis() as i64, now());
    let at = |timestamp: i64, n: u64| Append { timestamp, ..numbered(&partition, n) };
    append(&subject, (0..1200).map(|n| at(old + n as i64, n)));
    // An old one behind a young one stays as long as that.
    append(&subject, [at(young, 1200), at(old, 1201)]);
    let mut late = subject.log.reader().expect("a reader");
    late.assign(&[(partition.clone(), Start::Beginning)]).expect("it is assigned");

    log.compact_now().expect("it is done");
    assert_eq!(subject.read_numbers(&topic)[&0], [1200, 1201]);
    let beginning = subject.admin().beginning(&partition).expect("it is known");
    assert_eq!(beginning, subject.read(&topic)[0].offset);
    let error = late.poll(A_WHILE).expect_err("its next record is gone");
    assert!(matches!(&error, LogError::OffsetOutOfRange { offset: 0, .. }), "{error}");

    drop((subject, log, late));
    let (subject, log) = subject_in(directory.path());
    assert_eq!(subject.admin().beginning(&partition).expect("it is known"), beginning);
    log.compact_now().expect("there is nothing to do");
    assert_eq!(subject.read_numbers(&topic)[&0], [1200, 1201]);
    let mut reader = subject.log.reader().expect("a reader");
    reader.assign(&[(partition.clone(), Start::Timestamp(old))]).expect("it is assigned");
    assert_eq!(number_in(&reader.poll(A_WHILE).expect("records are read")[0]), 1200);
}

#[test]
fn a_partition_can_expire_whole() {
    let directory = TempDir::new().expect("a directory");
    let (subject, log) = subject_in(directory.path());
    let topic = subject.topic_with("clicks", 1, Cleanup::Delete { after: LONG });
    let partition = subject.partitions(&topic)[0].clone();
    append(&subject, (0..5).map(|n| Append { timestamp: 1000, ..numbered(&partition, n) }));
    let end = subject.end(&partition);
    log.compact_now().expect("it is done");
    assert_eq!(subject.admin().beginning(&partition).expect("it is known"), end);
    assert_eq!(subject.end(&partition), end);
    assert!(subject.read(&topic).is_empty());
    append(&subject, [Append { timestamp: now(), ..numbered(&partition, 5) }]);
    assert_eq!(subject.read_numbers(&topic)[&0], [5]);
}
