//! What committed transactions have changed, above the backend.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use bytes::Bytes;

use super::{rows::Rows, table::Entry};
use crate::{Backend, Batch, Checkpoint, StateError, StoreId};

/// The rows that the backend does not have yet, those that are kept though it has them, and how far both have come.
pub(super) struct Committed {
    pub rows: Rows,
    pub checkpoint: Checkpoint,
    flushing: Option<Flush>,
    /// What the backend's checkpoint is once it has what is being written.
    writing: Option<Checkpoint>,
    /// The backend's own checkpoint.
    flushed: Checkpoint,
    /// `None` once readers are told to go.
    backend: Option<Arc<dyn Backend>>,
    /// The task's.
    hashes: RandomState,
}

/// The flush in hand.
struct Flush {
    /// What it leads to.
    end: Checkpoint,
    /// Bytes of a piece, …
    piece: usize,
    /// … beside those that have begun to wait since so many did, for then it has an end however much is committed.
    unflushed: usize,
}

impl Committed {
    pub fn above(backend: Arc<dyn Backend>, hashes: RandomState) -> Result<Self, StateError> {
        let checkpoint = backend.checkpoint()?;
        Ok(Self {
            rows: Rows::default(),
            checkpoint: checkpoint.clone(),
            flushing: None,
            writing: None,
            flushed: checkpoint,
            backend: Some(backend),
            hashes,
        })
    }

    pub fn get(&self, store: StoreId, key: &[u8]) -> Option<Option<&Bytes>> {
        self.rows.get(store, self.hashes.hash_one(key), key)
    }

    pub fn backend(&self) -> Result<&dyn Backend, StateError> {
        self.backend.as_deref().ok_or(StateError::Closed)
    }

    pub fn is_flushing(&self) -> bool {
        self.flushing.is_some()
    }

    /// Begins a flush of all that the backend does not have, whatever is in hand, in so many pieces, of which each is as
    /// large at least as one of so many bytes would need: `false` if the backend is up to date.
    pub fn begin_flushing(&mut self, pieces: usize, bytes: usize) -> bool {
        if !self.is_flushing() && !self.rows.have_changed() && self.with_its_rows(&self.checkpoint) == self.flushed {
            return false;
        }
        self.rows.freeze();
        let unflushed = self.rows.unflushed_bytes();
        let piece = unflushed.max(bytes) / pieces;
        self.flushing = Some(Flush { end: self.checkpoint.clone(), piece, unflushed });
        true
    }

    /// Chooses what is written next. What could not be written is chosen again.
    pub fn choose(&mut self) {
        let Some(Flush { end, piece, unflushed }) = &self.flushing else { return };
        let is_last = self.rows.choose(piece + self.rows.unflushed_bytes().saturating_sub(*unflushed));
        let checkpoint =
            if is_last { end.clone() } else { Checkpoint { origin: end.origin.clone(), ..self.flushed.clone() } };
        self.writing = Some(self.with_its_rows(&checkpoint));
    }

    /// Rows are written as they are now, which may be newer than what the flush leads to.
    fn with_its_rows(&self, checkpoint: &Checkpoint) -> Checkpoint {
        let Checkpoint { rows, changelog, .. } = self.checkpoint;
        Checkpoint { rows: rows.max(changelog), ..checkpoint.clone() }
    }

    pub fn chosen(&self) -> Option<Batch> {
        let checkpoint = self.writing.clone()?;
        Some(Batch { changes: self.rows.chosen(), checkpoint })
    }

    /// The backend has what was chosen. So many bytes of what it has are kept; the rest is given back.
    pub fn wrote(&mut self, keep: usize) -> Vec<Entry> {
        let mut dropped = Vec::new();
        let Some(checkpoint) = self.writing.take() else { return dropped };
        self.flushed = checkpoint;
        let written = self.rows.wrote(&mut dropped);
        if !self.rows.are_flushing() {
            self.flushing = None;
        } else if let Some(flush) = &mut self.flushing {
            flush.unflushed = self.rows.unflushed_bytes();
        }
        self.rows.make_room(keep, written, &mut dropped);
        dropped
    }

    /// Turns readers away.
    pub fn close(&mut self) {
        self.backend = None;
    }

    /// The task is gone: gives up what it held, for readers may linger.
    pub fn empty(&mut self) -> Rows {
        self.close();
        std::mem::take(&mut self.rows)
    }
}
