//! Which directories are taken, and which are left alone.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tradewind_topics::{
    LogError,
    embedded::{EmbeddedLog, Options},
};

use super::subject_in;

fn open(directory: &Path) -> Result<(), LogError> {
    EmbeddedLog::open(directory, Options::default()).map(drop)
}

/// Every file in there with its bytes.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).expect("it can be read"));
        }
    }
    files
}

#[test]
fn a_missing_directory_is_made() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("deep/down");
    open(&path).expect("it is created");
    open(&path).expect("and opened again");
}

#[test]
fn a_directory_of_something_else_is_refused_and_left_alone() {
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("diary.txt"), "dear diary").expect("it is written");
    let refused = open(directory.path());
    assert!(matches!(&refused, Err(LogError::Refused { what, .. }) if what.contains("diary.txt")), "{refused:?}");
    assert_eq!(contents(directory.path()).len(), 1);
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let directory = TempDir::new().expect("a directory");
    open(directory.path()).expect("it is created");
    let marker = directory.path().join("TRADEWIND-LOG");
    let newer = fs::read_to_string(&marker).expect("there is a marker").replace("format 1", "format 2");
    fs::write(&marker, newer).expect("it is written");
    let before = contents(directory.path());
    let refused = open(directory.path());
    assert!(matches!(&refused, Err(LogError::Refused { what, .. }) if what.contains("format is 2")), "{refused:?}");
    assert_eq!(contents(directory.path()), before);
}

#[test]
fn a_marker_that_names_no_format_is_damage() {
    let directory = TempDir::new().expect("a directory");
    open(directory.path()).expect("it is created");
    fs::write(directory.path().join("TRADEWIND-LOG"), "").expect("it is written");
    let refused = open(directory.path());
    assert!(matches!(&refused, Err(LogError::Corrupt { path, .. }) if path.ends_with("TRADEWIND-LOG")), "{refused:?}");
}

#[test]
fn a_directory_in_use_is_refused_until_it_is_closed() {
    let directory = TempDir::new().expect("a directory");
    let (subject, log) = subject_in(directory.path());
    let refused = open(directory.path());
    assert!(matches!(&refused, Err(LogError::Refused { what, .. }) if what.contains("has it open")), "{refused:?}");
    // Whoever still holds a reader does not hold the directory.
    let _reader = subject.log.reader().expect("a reader");
    drop((subject, log));
    open(directory.path()).expect("it is free");
}

#[test]
fn a_path_that_cannot_be_a_directory_is_an_io_error() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("it is written");
    for path in [file.clone(), file.join("log")] {
        let refused = open(&path);
        assert!(matches!(&refused, Err(LogError::Io { what, .. }) if what.contains("file")), "{refused:?}");
    }
    assert_eq!(contents(directory.path()).len(), 1);
}

#[test]
fn an_attempt_that_was_cut_off_at_the_start_can_be_repeated() {
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("lock"), "").expect("it is written");
    fs::write(directory.path().join("lock.marker"), "Trade").expect("it is written");
    open(directory.path()).expect("nothing but the lock was there");
}
