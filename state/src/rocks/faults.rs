//! What RocksDB's errors mean for a task.

use std::{io, path::Path};

use rocksdb::{Error, ErrorKind};

use crate::StateError;

pub(super) fn fault(path: &Path, doing: &'static str, error: &Error) -> StateError {
    match error.kind() {
        ErrorKind::Corruption => corrupt(path, error),
        _ => StateError::Io { path: path.display().to_string(), doing, why: error.to_string() },
    }
}

/// On opening, a file that is missing is damage too, and a lock is somebody else's.
pub(super) fn open_fault(path: &Path, doing: &'static str, error: &Error) -> StateError {
    let text = error.as_ref();
    if text.contains("lock hold by current process") || text.contains("While lock file") {
        return StateError::InUse { path: path.display().to_string() };
    }
    let missing = text.contains("No such file or directory");
    if missing || matches!(error.kind(), ErrorKind::InvalidArgument | ErrorKind::NotFound) {
        return corrupt(path, error);
    }
    fault(path, doing, error)
}

pub(super) fn io_fault(path: &Path, doing: &'static str, error: &io::Error) -> StateError {
    StateError::Io { path: path.display().to_string(), doing, why: error.to_string() }
}

pub(super) fn corrupt(path: &Path, why: impl ToString) -> StateError {
    StateError::Corrupt { path: path.display().to_string(), why: why.to_string() }
}
