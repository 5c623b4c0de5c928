//! What the model's disk holds.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{Batch, Checkpoint, Range, StoreId, bounds::Bounds};

#[derive(Clone, Default)]
pub(super) struct Contents {
    stores: BTreeMap<StoreId, BTreeMap<Bytes, Bytes>>,
    pub checkpoint: Checkpoint,
}

impl Contents {
    pub fn get(&self, store: StoreId, key: &[u8]) -> Option<Bytes> {
        self.stores.get(&store)?.get(key).cloned()
    }

    pub fn scan(&self, store: StoreId, range: Range<'_>, limit: usize) -> Vec<(Bytes, Bytes)> {
        let bounds = Bounds::of(range);
        let Some(entries) = self.stores.get(&store).filter(|_| !bounds.is_empty()) else { return Vec::new() };
        let entries = entries.range::<[u8], _>(bounds.as_bounds()).map(|(key, value)| (key.clone(), value.clone()));
        if range.backwards { entries.rev().take(limit).collect() } else { entries.take(limit).collect() }
    }

    pub fn apply(&mut self, batch: Batch) {
        for (store, key, value) in batch.changes {
            let entries = self.stores.entry(store).or_default();
            match value {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&key),
            };
        }
        self.checkpoint = batch.checkpoint;
    }
}
