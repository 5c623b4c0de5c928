//! The embedded log: durable, in one directory, for one process. For development, for tests, and for shops of one
//! machine.
//!
//! Records lie in RocksDB under (topic, partition, offset). A commit is one atomic, synced write of the records of all
//! partitions and of the group's offsets, so offsets are given out by the commit itself, nothing undecided is ever in
//! the log, and the stable end is the written end. Workers are sessions within the process; groups live in memory,
//! epochs and offsets in the store.
//!
//! After a crash every acknowledged commit is there, whole. A write-ahead log that was cut off at its end (power loss)
//! loses only what was not acknowledged; any other damage refuses to open.

mod admin;
mod alarm;
mod assignment;
mod compaction;
mod directory;
mod encoding;
mod engine;
mod fetch;
mod group;
mod identity;
mod keys;
mod maintenance;
mod options;
mod queue;
mod reader;
mod retention;
mod rocks;
mod round;
mod session;
mod staged;
mod store;
mod tail;
mod topics;
mod writer;

use std::{path::Path, sync::Arc, thread, thread::JoinHandle};

pub use directory::holds_log;
pub use options::Options;
use parking_lot::Mutex;

use self::{directory::Directory, engine::Engine, maintenance::Maintenance, store::Store};
use crate::{Admin, Log, LogError, Purpose, Reader, Session, SessionConfig, Writer};

/// A log in a directory of its own. Dropping it closes it: what was acknowledged is on the disk, and sessions, readers
/// and writers that are still about hear that it is unavailable.
pub struct EmbeddedLog {
    engine: Arc<Engine>,
    maintenance: Arc<Maintenance>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl EmbeddedLog {
    /// Opens the log in `directory`, creating it if there is nothing.
    ///
    /// # Errors
    /// [`LogError::Refused`] if the directory is in use, holds something else, or was written by a newer version;
    /// [`LogError::Corrupt`] if it is damaged; [`LogError::Io`] if it cannot be read or written.
    pub fn open(directory: &Path, options: Options) -> Result<Arc<Self>, LogError> {
        let store = Store::open(Directory::take(directory)?, options.clone())?;
        let interval = options.maintenance_interval;
        let engine = Arc::new(Engine::new(store, options)?);
        let log = Self {
            engine: engine.clone(),
            maintenance: Arc::new(Maintenance::new(engine.clone())),
            threads: Mutex::default(),
        };
        let maintenance = log.maintenance.clone();
        log.spawn("log-commit", move || engine.run())?;
        log.spawn("log-maintenance", move || maintenance.run(interval))?;
        Ok(Arc::new(log))
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), LogError> {
        let thread = thread::Builder::new()
            .name(name.into())
            .spawn(work)
            .map_err(|cause| LogError::Io { what: format!("starting the thread {name}"), cause })?;
        self.threads.lock().push(thread);
        Ok(())
    }

    /// Does now what compaction and retention would do in time, whether it is worth the effort or not.
    pub fn compact_now(&self) -> Result<(), LogError> {
        self.maintenance.work_through(maintenance::Effort::Whatever)
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.maintenance.stop();
        self.engine.close_queue();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the log panicked");
            }
        }
        self.engine.close_store();
    }
}

impl Log for EmbeddedLog {
    fn session(&self, config: SessionConfig) -> Result<Box<dyn Session>, LogError> {
        Ok(Box::new(session::EmbeddedSession::open(self.engine.clone(), config)?))
    }

    fn reader_for(&self, _: Purpose) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(reader::EmbeddedReader::new(self.engine.clone())))
    }

    fn writer(&self) -> Result<Arc<dyn Writer>, LogError> {
        Ok(Arc::new(writer::EmbeddedWriter::new(self.engine.clone())))
    }

    fn admin(&self) -> Arc<dyn Admin> {
        Arc::new(admin::EmbeddedAdmin::new(self.engine.clone()))
    }
}
