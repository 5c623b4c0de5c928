//! What a task's state asks of the store below it.

use bytes::Bytes;
use tradewind_topics::{Millis, Offset};

/// One of a task's stores: a column family, and the first byte of its keys in the changelog. 255 is not a store.
pub type StoreId = u8;

/// How far a local store has come. Written with the last of the data that it describes, in one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Where to go on reading the changelog: everything below is in the store.
    pub changelog: Offset,
    /// How new single rows may be: beyond `changelog` where they were written while more was committed, or where a flush
    /// was cut off. The changelog, read from there on, leads to the same all the same.
    pub rows: Offset,
    /// What the task has consumed of its source; `None` before the first commit.
    pub source: Option<Offset>,
    /// When that was the changelog's end, by the clock of whoever wrote it.
    pub at: Millis,
    /// Which creations of source and changelog this state belongs to (their topic ids), and which partition.
    pub origin: String,
}

/// Changes of all stores and the checkpoint they lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// `None` deletes. One change a key.
    pub changes: Vec<(StoreId, Bytes, Option<Bytes>)>,
    pub checkpoint: Checkpoint,
}

/// What to scan: the keys that begin with `prefix`, after `after` (exclusive) where given, in order of bytes, or
/// backwards from it.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    pub prefix: &'a [u8],
    pub after: Option<&'a [u8]>,
    pub backwards: bool,
}

impl<'a> Range<'a> {
    pub fn prefix(prefix: &'a [u8]) -> Self {
        Self { prefix, after: None, backwards: false }
    }
}

/// A task's store: RocksDB, or the model that tests and simulation use.
pub trait Backend: Send + Sync {
    fn get(&self, store: StoreId, key: &[u8]) -> Result<Option<Bytes>, StateError>;

    /// At most `limit` entries.
    fn scan(&self, store: StoreId, range: Range<'_>, limit: usize) -> Result<Vec<(Bytes, Bytes)>, StateError>;

    /// Applies all of it or nothing. Survives the process, but not a crash of it before [`sync`](Backend::sync): then
    /// the store is as it was at some earlier batch, whole.
    ///
    /// After a fault of this or of [`sync`](Backend::sync), a full disk among them, the store may refuse all writes
    /// until it is opened again, and then trail what was applied before: take what is missing from the changelog.
    fn apply(&self, batch: Batch) -> Result<(), StateError>;

    /// Makes what was applied survive a crash.
    fn sync(&self) -> Result<(), StateError>;
    /// Begins to, and does not wait for it. A fault shows in a later call.
    fn begin_sync(&self) -> Result<(), StateError> {
        self.sync()
    }

    fn checkpoint(&self) -> Result<Checkpoint, StateError>;
}

/// A fault of the local state. Never a record's own.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state at {path} cannot be {doing}: {why}")]
    Io { path: String, doing: &'static str, why: String },
    /// To be wiped, and rebuilt from the changelog.
    #[error("the state at {path} is damaged: {why}")]
    Corrupt { path: String, why: String },
    #[error("the state at {path} is in use by another process: stop it, or name another data directory")]
    InUse { path: String },
    /// A reader came after the task had gone: ask where it is now.
    #[error("the task has gone")]
    Closed,
    #[error(
        "the state at {path} was written by a newer release (format {format}): run that release, or remove the directory to have it rebuilt from the changelog"
    )]
    Newer { path: String, format: u32 },
}
