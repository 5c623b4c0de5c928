//! A torn end is dropped; any other damage refuses.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tradewind_topics::{
    LogError, Start,
    embedded::{EmbeddedLog, Options},
};

use super::subject_in;
use crate::suite::{A_WHILE, numbered};

const TRANSACTIONS: u64 = 20;

/// A closed log of some transactions of one record in each of two partitions, all of it in the write-ahead log.
fn written() -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let (subject, _log) = subject_in(directory.path());
    let topic = subject.topic("orders", 2);
    let partitions = subject.partitions(&topic);
    let mut worker = subject.lone_worker(&topic);
    for n in 0..TRANSACTIONS {
        worker.append(partitions.iter().map(|partition| numbered(partition, n)));
        worker.commit();
    }
    directory
}

/// The largest file of this kind.
fn file(directory: &Path, extension: &str) -> PathBuf {
    let files = fs::read_dir(directory.join("rocks")).expect("it can be listed");
    files
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|its| its == extension))
        .max_by_key(|path| fs::metadata(path).expect("it is there").len())
        .expect("there is one")
}

fn assert_refused(directory: &Path) -> String {
    match EmbeddedLog::open(directory, Options::default()).map(drop) {
        Err(LogError::Corrupt { path, what }) => {
            assert!(path.starts_with(&*directory.to_string_lossy()), "{path}");
            assert!(what.contains("restore the whole directory from a backup"), "{what}");
            what
        }
        other => panic!("damage was not noticed: {other:?}"),
    }
}

fn flip(path: &Path, at: impl FnOnce(usize) -> usize) {
    let mut bytes = fs::read(path).expect("it can be read");
    let at = at(bytes.len());
    bytes[at] ^= 0x55;
    fs::write(path, bytes).expect("it can be written");
}

#[test]
fn a_torn_end_loses_the_torn_transaction_and_no_other() {
    for cut in [1, 20, 60] {
        let directory = written();
        let wal = file(directory.path(), "log");
        let length = fs::metadata(&wal).expect("it is there").len();
        fs::File::options().write(true).open(&wal).and_then(|file| file.set_len(length - cut)).expect("it is cut");

        let (subject, _log) = subject_in(directory.path());
        let topic = subject.name("orders");
        let numbers = subject.read_numbers(&topic);
        assert_eq!(numbers[&0], (0..TRANSACTIONS - 1).collect::<Vec<_>>(), "{cut} bytes cut off");
        assert_eq!(numbers[&1], numbers[&0], "transactions are whole");
        subject.write_numbers(&subject.partitions(&topic)[0], 100..101);
        assert_eq!(subject.read_numbers(&topic)[&0].last(), Some(&100));
    }
}

#[test]
fn damage_in_the_middle_of_the_write_ahead_log_is_refused() {
    let directory = written();
    flip(&file(directory.path(), "log"), |length| length / 2);
    let what = assert_refused(directory.path());
    assert!(what.contains("checksum"), "{what}");
    assert_refused(directory.path());
}

#[test]
fn a_damaged_last_record_is_not_a_torn_one() {
    let directory = written();
    flip(&file(directory.path(), "log"), |length| length - 10);
    assert_refused(directory.path());
}

#[test]
fn a_missing_root_file_is_refused_and_not_made_anew() {
    let directory = written();
    fs::remove_file(directory.path().join("rocks/CURRENT")).expect("it is removed");
    assert_refused(directory.path());
    fs::remove_dir_all(directory.path().join("rocks")).expect("it is removed");
    assert_refused(directory.path());
}

/// A log whose records are in sorted files.
fn sorted() -> TempDir {
    let directory = written();
    // Opening moves what was in the write-ahead log into files.
    drop(subject_in(directory.path()));
    directory
}

#[test]
fn a_missing_file_is_refused() {
    let directory = sorted();
    fs::remove_file(file(directory.path(), "sst")).expect("it is removed");
    assert_refused(directory.path());
}

#[test]
fn a_cut_file_is_refused() {
    let directory = sorted();
    let sst = file(directory.path(), "sst");
    let length = fs::metadata(&sst).expect("it is there").len();
    fs::File::options().write(true).open(&sst).and_then(|file| file.set_len(length - 7)).expect("it is cut");
    assert_refused(directory.path());
}

#[test]
fn damaged_records_are_never_handed_out() {
    let directory = sorted();
    flip(&file(directory.path(), "sst"), |_| 40);
    let read = EmbeddedLog::open(directory.path(), Options::default()).and_then(|log| {
        use tradewind_topics::{Log, TopicPartition};
        let mut reader = log.reader()?;
        reader.assign(&[0, 1].map(|partition| (TopicPartition::new("orders", partition), Start::Beginning)))?;
        let mut records = reader.poll(A_WHILE)?;
        records.extend(reader.poll(A_WHILE)?);
        Ok(records)
    });
    assert!(matches!(read, Err(LogError::Corrupt { .. })), "{read:?}");
}
