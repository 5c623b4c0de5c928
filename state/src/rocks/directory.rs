//! A task's directory: ours or not, and in which format.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use rocksdb::{DB, Options};

use super::faults::{corrupt, io_fault, open_fault};
use crate::StateError;

/// The format that this release writes. Beside what is in this crate it covers RocksDB's own files.
const FORMAT: u32 = 1;
const FORMAT_FILE: &str = "FORMAT";
const FORMAT_NAME: &str = "tradewind-state";

/// Makes sure that the directory is there, is a task's state, and in a format that this release reads.
pub(super) fn prepare(dir: &Path) -> Result<(), StateError> {
    let failed = |error: io::Error| io_fault(dir, "opened", &error);
    fs::create_dir_all(dir).map_err(failed)?;
    match fs::read_to_string(dir.join(FORMAT_FILE)) {
        Ok(marker) => check(dir, &marker),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(corrupt(dir, "its format cannot be read")),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        Err(_) => match contents(dir)? {
            Contents::Nothing => mark(dir).map_err(failed),
            Contents::Database => Err(corrupt(dir, format!("its {FORMAT_FILE} file is missing"))),
            Contents::Foreign(name) => Err(foreign(dir, "opened", &name)),
        },
    }
}

fn check(dir: &Path, marker: &str) -> Result<(), StateError> {
    let format = marker.trim_end().strip_prefix(FORMAT_NAME).and_then(|format| format.trim_start().parse::<u32>().ok());
    match format {
        Some(FORMAT) => match contents(dir)? {
            Contents::Database if !dir.join("CURRENT").exists() => Err(corrupt(dir, "its CURRENT file is missing")),
            _ => Ok(()),
        },
        Some(format) if format > FORMAT => Err(StateError::Newer { path: dir.display().to_string(), format }),
        _ => Err(corrupt(dir, format!("its format cannot be read: {marker:?}"))),
    }
}

/// Written whole and first, so that whatever else is in the directory has a format.
fn mark(dir: &Path) -> io::Result<()> {
    let unfinished = dir.join("FORMAT.new");
    let mut file = File::create(&unfinished)?;
    writeln!(file, "{FORMAT_NAME} {FORMAT}")?;
    file.sync_all()?;
    fs::rename(&unfinished, dir.join(FORMAT_FILE))?;
    File::open(dir)?.sync_all()
}

enum Contents {
    Nothing,
    /// RocksDB's files and ours, nothing else.
    Database,
    /// The name of one entry that is neither's.
    Foreign(String),
}

fn contents(dir: &Path) -> Result<Contents, StateError> {
    let failed = |error: io::Error| io_fault(dir, "opened", &error);
    let mut contents = Contents::Nothing;
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        match name.as_str() {
            // Left by a beginning or an end that was interrupted; holds no data.
            FORMAT_FILE | "FORMAT.new" | "LOCK" => {}
            "CURRENT" | "IDENTITY" | "LOG" => contents = Contents::Database,
            name if is_numbered(name) => contents = Contents::Database,
            _ => return Ok(Contents::Foreign(name)),
        }
    }
    Ok(contents)
}

/// The other files of a RocksDB, which carry numbers.
fn is_numbered(name: &str) -> bool {
    let kinds = ["MANIFEST-", "OPTIONS-", "LOG.old."];
    let suffixes = [".sst", ".log", ".blob", ".dbtmp"];
    kinds.iter().any(|kind| name.starts_with(kind)) || suffixes.iter().any(|suffix| name.ends_with(suffix))
}

/// Removes a task's state, to be rebuilt from the changelog. What is not there is no error.
///
/// # Errors
/// [`StateError::InUse`] while it is open; [`StateError::Io`] if it cannot be removed or is not a task's state.
pub fn wipe(dir: &Path) -> Result<(), StateError> {
    let failed = |error: io::Error| io_fault(dir, "wiped", &error);
    match fs::symlink_metadata(dir) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    }
    if let Contents::Foreign(name) = contents(dir)? {
        return Err(foreign(dir, "wiped", &name));
    }
    // RocksDB's own way, because it respects the lock.
    DB::destroy(&Options::default(), dir).map_err(|error| match open_fault(dir, "wiped", &error) {
        StateError::Corrupt { path, why } => StateError::Io { path, doing: "wiped", why },
        fault => fault,
    })?;
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

fn foreign(dir: &Path, doing: &'static str, name: &str) -> StateError {
    let why = format!("it holds {name:?}, which no state has: name another directory, or remove it by hand");
    StateError::Io { path: dir.display().to_string(), doing, why }
}
