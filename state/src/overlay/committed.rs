//! What committed transactions have changed and the backend does not have yet.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use bytes::Bytes;

use super::layer::Layer;
use crate::{Backend, Batch, Checkpoint, StateError, StoreId};

/// Two layers above the backend: the one that commits go to, and the one that a flush is writing, which stays readable
/// until the backend has it.
pub(super) struct Committed {
    pub current: Layer,
    pub checkpoint: Checkpoint,
    flushing: Option<Flushing>,
    /// The backend's own checkpoint.
    flushed: Checkpoint,
    /// `None` once readers are told to go.
    backend: Option<Arc<dyn Backend>>,
    /// The task's.
    hashes: RandomState,
}

struct Flushing {
    layer: Layer,
    checkpoint: Checkpoint,
}

impl Committed {
    pub fn above(backend: Arc<dyn Backend>, hashes: RandomState) -> Result<Self, StateError> {
        let checkpoint = backend.checkpoint()?;
        Ok(Self {
            current: Layer::default(),
            checkpoint: checkpoint.clone(),
            flushing: None,
            flushed: checkpoint,
            backend: Some(backend),
            hashes,
        })
    }

    pub fn get(&self, store: StoreId, key: &[u8]) -> Option<Option<&Bytes>> {
        self.get_hashed(store, self.hashes.hash_one(key), key)
    }

    #[inline]
    pub fn get_hashed(&self, store: StoreId, hash: u64, key: &[u8]) -> Option<Option<&Bytes>> {
        let flushing = || self.flushing.as_ref().and_then(|flushing| flushing.layer.get(store, hash, key));
        self.current.get(store, hash, key).or_else(flushing)
    }

    /// Newest first.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.current).chain(self.flushing.as_ref().map(|flushing| &flushing.layer))
    }

    pub fn bytes(&self) -> usize {
        self.layers().map(Layer::bytes).sum()
    }

    pub fn backend(&self) -> Result<&dyn Backend, StateError> {
        self.backend.as_deref().ok_or(StateError::Closed)
    }

    /// Fixes what a flush is to write now; `false` if the backend is up to date. A layer whose flush did not succeed
    /// is written again with what came later on top: writing a change twice does no harm.
    pub fn freeze(&mut self) -> bool {
        let mut later = std::mem::take(&mut self.current);
        let layer = match self.flushing.take() {
            Some(mut unfinished) => {
                unfinished.layer.absorb(&mut later);
                unfinished.layer
            }
            None if later.is_empty() && self.checkpoint == self.flushed => return false,
            None => later,
        };
        self.flushing = Some(Flushing { layer, checkpoint: self.checkpoint.clone() });
        true
    }

    pub fn frozen(&self) -> Option<Batch> {
        let Flushing { layer, checkpoint } = self.flushing.as_ref()?;
        let mut changes = Vec::with_capacity(layer.len());
        changes.extend(layer.changes().map(|(store, key, value)| (store, Bytes::copy_from_slice(key), value.cloned())));
        Some(Batch { changes, checkpoint: checkpoint.clone() })
    }

    /// The backend has what was frozen. The layer is given back to be dropped where nobody waits for it.
    pub fn thaw(&mut self) -> Option<Layer> {
        let Flushing { layer, checkpoint } = self.flushing.take()?;
        self.flushed = checkpoint;
        Some(layer)
    }

    /// Turns readers away.
    pub fn close(&mut self) {
        self.backend = None;
    }

    /// The task is gone: gives up what it held, for readers may linger.
    pub fn empty(&mut self) -> impl Sized + use<> {
        self.close();
        (std::mem::take(&mut self.current), self.flushing.take())
    }
}
