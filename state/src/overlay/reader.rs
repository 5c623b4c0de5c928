//! Reading a task's committed state from other threads.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use parking_lot::RwLock;
use tradewind_topics::Offset;

use super::{
    committed::Committed,
    layer::Below,
    merge,
    progress::{Progress, Reached},
};
use crate::{Backend, Checkpoint, Range, StateError, StoreId};

/// What a task and its readers share.
pub(super) struct Shared {
    pub committed: RwLock<Committed>,
    pub progress: Arc<Progress>,
}

/// Reads a task's committed state from any thread, while the task goes on. Clones read the same.
#[derive(Clone)]
pub struct TaskReader {
    pub(super) shared: Arc<Shared>,
}

impl TaskReader {
    /// Reads one consistent cut: all of some committed transactions and nothing of others, with their position.
    ///
    /// The task's commits wait for `f`: it should read and return, not compute, wait, or read through a reader again.
    ///
    /// # Errors
    /// [`StateError::Closed`] when the task has gone; what `f` returns; what the backend returns to it.
    pub fn read<T>(&self, f: impl FnOnce(&Pinned<'_>) -> Result<T, StateError>) -> Result<T, StateError> {
        let committed = self.shared.committed.read();
        f(&Pinned { committed: &committed, backend: committed.backend()? })
    }

    /// Of the committed state; the last one, when the task has gone.
    pub fn checkpoint(&self) -> Checkpoint {
        self.shared.committed.read().checkpoint.clone()
    }

    /// Blocks until the committed source position is at least this one: `true`; or until the deadline or the end of
    /// the task: `false`.
    pub fn wait_for(&self, source: Offset, deadline: Instant) -> bool {
        self.shared.progress.wait_for(source, deadline)
    }

    /// [`wait_for`](Self::wait_for) without a thread that blocks and without a deadline.
    pub fn reached(&self, source: Offset) -> Reached {
        Reached::new(self.shared.progress.clone(), source)
    }

    /// Whether the task has gone: its state may be elsewhere now, and further on.
    pub fn is_closed(&self) -> bool {
        self.shared.progress.is_closed()
    }
}

/// A consistent cut of a task's committed state.
pub struct Pinned<'a> {
    committed: &'a Committed,
    backend: &'a dyn Backend,
}

impl Pinned<'_> {
    /// # Errors
    /// The backend's.
    pub fn get(&self, store: StoreId, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        match self.committed.get(store, key) {
            Some(changed) => Ok(changed.cloned()),
            None => self.backend.get(store, key),
        }
    }

    /// At most `limit` entries.
    ///
    /// # Errors
    /// The backend's.
    pub fn scan(&self, store: StoreId, range: Range<'_>, limit: usize) -> Result<Vec<(Bytes, Bytes)>, StateError> {
        merge::scan(self.committed.rows.table(store), self.backend, store, range, limit)
    }

    /// What this cut has come to.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.committed.checkpoint
    }
}
