//! The directory of a log: whose it is, in which format, and that nobody else has it open.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use parking_lot::Mutex;

use crate::LogError;

/// What this version writes, and the highest it reads.
const FORMAT: u32 = 1;
const MARKER: &str = "TRADEWIND-LOG";
const LOCK: &str = "lock";
const ROCKS: &str = "rocks";

/// A directory that is ours alone while this lives.
pub struct Directory {
    path: PathBuf,
    /// The marker names a log whose store was created; one without a store would have lost it.
    complete: bool,
    lock: Mutex<Option<File>>,
}

impl Directory {
    /// Takes the directory, creating it if it is not there.
    ///
    /// # Errors
    /// [`LogError::Refused`] if it holds something else, was written by a newer version, or is in use;
    /// [`LogError::Io`] if it cannot be read or written. Nothing was touched then.
    pub fn take(path: &Path) -> Result<Self, LogError> {
        let io = |what: &str| {
            let what = format!("{what} the log's directory {}", path.display());
            move |cause| LogError::Io { what, cause }
        };
        fs::create_dir_all(path).map_err(io("creating"))?;
        match fs::read_to_string(path.join(MARKER)) {
            Ok(marker) => check_format(path, &marker)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => refuse_foreign(path).map_err(io("reading"))??,
            Err(error) => return Err(io("reading the marker of")(error)),
        }
        let lock = File::options().create(true).append(true).open(path.join(LOCK)).map_err(io("writing to"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                refused(path, "another process has it open: stop that one, or give this one a directory of its own")
            }
            TryLockError::Error(cause) => io("locking")(cause),
        })?;
        // Only now, under the lock, is what the marker says stable.
        let complete = match fs::read_to_string(path.join(MARKER)) {
            Ok(marker) => marker.contains("\ncomplete\n"),
            Err(_) => {
                write_marker(path, "being created").map_err(io("writing to"))?;
                false
            }
        };
        Ok(Self { path: path.to_owned(), complete, lock: Mutex::new(Some(lock)) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where RocksDB keeps its files.
    pub fn rocks(&self) -> PathBuf {
        self.path.join(ROCKS)
    }

    /// Lets others have it.
    pub fn release(&self) {
        if let Some(lock) = self.lock.lock().take() {
            // Closing alone would leave it locked while a process that is just being started still shares the file.
            // If unlocking fails, closing is all that is left.
            lock.unlock().ok();
        }
    }

    pub fn is_released(&self) -> bool {
        self.lock.lock().is_none()
    }

    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// To be called when the store was created: from now on a missing store is a loss.
    pub fn completed(&mut self) -> Result<(), LogError> {
        if !self.complete {
            write_marker(&self.path, "complete").map_err(|cause| LogError::Io {
                what: format!("writing the marker of the log's directory {}", self.path.display()),
                cause,
            })?;
            self.complete = true;
        }
        Ok(())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.release();
    }
}

/// Whether a log lies there whole; nothing is touched.
///
/// # Errors
/// [`LogError::Io`] if that cannot be told.
pub fn holds_log(path: &Path) -> Result<bool, LogError> {
    match fs::read_to_string(path.join(MARKER)) {
        Ok(marker) => Ok(marker.contains("\ncomplete\n")),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(cause) => {
            Err(LogError::Io { what: format!("reading the marker of the log's directory {}", path.display()), cause })
        }
    }
}

fn refused(path: &Path, what: impl Into<String>) -> LogError {
    LogError::Refused { path: path.display().to_string(), what: what.into() }
}

fn check_format(path: &Path, marker: &str) -> Result<(), LogError> {
    let format = marker.lines().find_map(|line| line.strip_prefix("format ")?.trim().parse::<u32>().ok());
    match format {
        Some(FORMAT) => Ok(()),
        Some(newer) if newer > FORMAT => Err(refused(
            path,
            format!("its format is {newer}, this version knows {FORMAT}: start the newer version that wrote it"),
        )),
        _ => Err(LogError::Corrupt {
            path: path.join(MARKER).display().to_string(),
            what: "it does not name a format; restore the directory from a backup, or move it away to begin anew"
                .into(),
        }),
    }
}

/// A directory without a marker must be empty, but for the lock of an attempt that went no further.
fn refuse_foreign(path: &Path) -> io::Result<Result<(), LogError>> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if !name.to_string_lossy().starts_with(LOCK) {
            let what = format!(
                "it is not empty and not a log's (it holds {}): name an empty or a new directory",
                name.to_string_lossy()
            );
            return Ok(Err(refused(path, what)));
        }
    }
    Ok(Ok(()))
}

/// Replaces the marker in one step, durably.
fn write_marker(path: &Path, state: &str) -> io::Result<()> {
    let new = path.join("lock.marker");
    let mut file = File::create(&new)?;
    write!(file, "Tradewind's embedded log. Do not change anything in here.\nformat {FORMAT}\n{state}\n")?;
    file.sync_all()?;
    fs::rename(&new, path.join(MARKER))?;
    File::open(path)?.sync_all()
}
