//! One layer of changes: what the record in hand has staged, or what a transaction has changed.

use bytes::Bytes;

use super::table::{Entry, Table};
use crate::StoreId;

/// So many entries are looked at ahead of being placed.
pub(super) const AHEAD: usize = 32;

/// Changes of all stores, the last one of each key.
///
/// They are listed by store and then in the order in which their keys first changed, so that the same run always
/// writes the same changelog.
///
/// Whoever asks brings the key's hash. All layers of a task use the same one, so that a change on its way down through
/// them is hashed once.
#[derive(Default)]
pub(super) struct Layer {
    /// By store id.
    tables: Vec<Table>,
    is_dirty: bool,
}

/// What a layer's changes go down to.
pub(super) trait Below {
    fn table(&self, store: StoreId) -> Option<&Table>;
    fn place(&mut self, store: StoreId, entry: Entry);
}

impl Below for Layer {
    fn table(&self, store: StoreId) -> Option<&Table> {
        self.tables.get(usize::from(store))
    }

    fn place(&mut self, store: StoreId, entry: Entry) {
        let store = usize::from(store);
        if self.tables.len() <= store {
            self.tables.resize_with(store + 1, Table::default);
        }
        self.tables[store].put(entry);
        self.is_dirty = true;
    }
}

impl Layer {
    pub fn is_empty(&self) -> bool {
        !self.is_dirty
    }

    /// `Some(None)` is a key that this layer has deleted; `None` is one that it knows nothing of.
    #[inline]
    pub fn get(&self, store: StoreId, hash: u64, key: &[u8]) -> Option<Option<&Bytes>> {
        self.table(store)?.get(hash, key)
    }

    pub fn set(&mut self, store: StoreId, hash: u64, key: &[u8], value: Option<Bytes>) {
        self.place(store, Entry { hash, key: key.into(), value });
    }

    /// Puts the changes of another layer on top of this one's and leaves that one empty, its room kept.
    pub fn absorb(&mut self, newer: &mut Layer) {
        if self.is_empty() {
            std::mem::swap(self, newer);
        } else {
            newer.pour_onto(self);
        }
    }

    /// Gives all changes to what is below and is left empty, its room kept.
    pub fn pour_onto(&mut self, below: &mut impl Below) {
        for (store, table) in (0..=StoreId::MAX).zip(&mut self.tables) {
            let mut entries = table.drain();
            while !entries.as_slice().is_empty() {
                if let Some(table) = below.table(store) {
                    table.look_ahead(&entries.as_slice()[..entries.as_slice().len().min(AHEAD)]);
                }
                for entry in entries.by_ref().take(AHEAD) {
                    below.place(store, entry);
                }
            }
        }
        self.is_dirty = false;
    }

    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_dirty) {
            self.tables.iter_mut().for_each(|table| _ = table.drain());
        }
    }

    pub fn changes(&self) -> impl Iterator<Item = (StoreId, &[u8], Option<&Bytes>)> {
        (0..=StoreId::MAX).zip(&self.tables).flat_map(|(store, table)| {
            table.entries().iter().map(move |entry| (store, &*entry.key, entry.value.as_ref()))
        })
    }

    pub fn changes_of(&self, store: StoreId) -> impl Iterator<Item = (&[u8], Option<&Bytes>)> {
        let entries = self.table(store).into_iter().flat_map(Table::entries);
        entries.map(|entry| (&*entry.key, entry.value.as_ref()))
    }
}
