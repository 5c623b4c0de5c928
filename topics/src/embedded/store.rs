//! The open store, which can be closed and opened again under those who use it.

use parking_lot::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};

use super::{directory::Directory, options::Options, rocks::Rocks};
use crate::LogError;

/// The store of one directory.
pub struct Store {
    directory: Directory,
    options: Options,
    rocks: RwLock<Option<Rocks>>,
}

impl Store {
    pub fn open(mut directory: Directory, options: Options) -> Result<Self, LogError> {
        let rocks = Rocks::open(&directory.rocks(), !directory.is_complete(), &options)?;
        directory.completed()?;
        Ok(Self { directory, options, rocks: RwLock::new(Some(rocks)) })
    }

    /// For reading and writing. Keep it short, and never take a second one meanwhile: reopening waits for it.
    pub fn rocks(&self) -> Result<MappedRwLockReadGuard<'_, Rocks>, LogError> {
        RwLockReadGuard::try_map(self.rocks.read(), Option::as_ref).map_err(|_| self.closed())
    }

    /// Closes what is open and opens it anew, which settles every write whose outcome is unknown.
    pub fn reopen(&self) -> Result<(), LogError> {
        let mut rocks = self.rocks.write();
        if self.directory.is_released() {
            return Err(self.closed());
        }
        drop(rocks.take());
        *rocks = Some(Rocks::open(&self.directory.rocks(), false, &self.options)?);
        Ok(())
    }

    /// For good: the directory is free for others.
    pub fn close(&self) {
        let mut rocks = self.rocks.write();
        drop(rocks.take());
        self.directory.release();
    }

    fn closed(&self) -> LogError {
        LogError::Unavailable(format!("the log at {} is not open", self.directory.path().display()))
    }
}
