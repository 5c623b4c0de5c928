//! One layer of changes above the backend: hashed for point reads, ordered for those stores that are scanned.

use std::{collections::BTreeMap, sync::OnceLock};

use bytes::Bytes;
use hashbrown::HashTable;

use super::key::Key;
use crate::{StoreId, bounds::Bounds};

/// What an entry takes beside its value and a long key: itself, and the slots of the tables. Approximate.
const ENTRY_BYTES: usize = 128;
/// So many entries are looked at ahead of being placed.
const AHEAD: usize = 32;
/// So few entries are found by looking at each: what one record stages needs no table.
const FEW: usize = 8;

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
    len: usize,
    bytes: usize,
}

impl Layer {
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Approximately what the layer holds in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// `Some(None)` is a key that this layer has deleted; `None` is one that it knows nothing of.
    #[inline]
    pub fn get(&self, store: StoreId, hash: u64, key: &[u8]) -> Option<Option<&Bytes>> {
        let table = self.tables.get(usize::from(store))?;
        let at = table.find(hash, key)?;
        Some(table.entries[at].value.as_ref())
    }

    pub fn set(&mut self, store: StoreId, hash: u64, key: &[u8], value: Option<Bytes>) {
        self.place(usize::from(store), Entry { hash, key: key.into(), value });
    }

    fn place(&mut self, store: usize, entry: Entry) {
        let (key_bytes, value_bytes) = (entry.key.apart(), size(entry.value.as_ref()));
        match self.table(store).set(entry) {
            Some(replaced) => self.bytes = self.bytes + value_bytes - size(replaced.as_ref()),
            None => {
                self.len += 1;
                self.bytes += key_bytes + value_bytes + ENTRY_BYTES;
            }
        }
    }

    fn table(&mut self, store: usize) -> &mut Table {
        if self.tables.len() <= store {
            self.tables.resize_with(store + 1, Table::default);
        }
        &mut self.tables[store]
    }

    /// Puts the changes of another layer on top of this one's and leaves that one empty, its room kept.
    pub fn absorb(&mut self, newer: &mut Layer) {
        if self.is_empty() {
            std::mem::swap(self, newer);
            return;
        }
        for (store, table) in newer.tables.iter_mut().enumerate() {
            let mut entries = table.entries.drain(..);
            while !entries.as_slice().is_empty() {
                let next = &entries.as_slice()[..entries.as_slice().len().min(AHEAD)];
                self.look_ahead(store, next);
                for entry in entries.by_ref().take(AHEAD) {
                    self.place(store, entry);
                }
            }
        }
        newer.clear();
    }

    /// Fetches what is there of these keys, the waits for memory all at once instead of one after the other.
    fn look_ahead(&self, store: usize, entries: &[Entry]) {
        if let Some(table) = self.tables.get(store).filter(|_| entries.len() > FEW) {
            let found = entries.iter().filter_map(|entry| table.find(entry.hash, &entry.key));
            std::hint::black_box(found.fold(0, |sum: usize, at| sum ^ at));
        }
    }

    pub fn clear(&mut self) {
        if self.len > 0 {
            self.tables.iter_mut().for_each(Table::clear);
        }
        (self.len, self.bytes) = (0, 0);
    }

    pub fn changes(&self) -> impl Iterator<Item = (StoreId, &[u8], Option<&Bytes>)> {
        (0..=StoreId::MAX).zip(&self.tables).flat_map(|(store, table)| {
            table.entries.iter().map(move |entry| (store, &*entry.key, entry.value.as_ref()))
        })
    }

    pub fn changes_of(&self, store: StoreId) -> impl Iterator<Item = (&[u8], Option<&Bytes>)> {
        let table = self.tables.get(usize::from(store));
        table.into_iter().flat_map(|table| table.entries.iter().map(|entry| (&*entry.key, entry.value.as_ref())))
    }

    /// The changes within the bounds, in order of keys; `None` if there are none in this store at all.
    pub fn ordered(&self, store: StoreId, bounds: &Bounds, backwards: bool) -> Option<Ordered<'_>> {
        let table = self.tables.get(usize::from(store)).filter(|table| !table.entries.is_empty())?;
        let entries = table.order().range::<[u8], _>(bounds.as_bounds()).map(|(_, &at)| {
            let entry = &table.entries[at];
            (&*entry.key, entry.value.as_ref())
        });
        Some(if backwards { Box::new(entries.rev()) } else { Box::new(entries) })
    }
}

/// Keys and what became of them, in order.
pub(super) type Ordered<'a> = Box<dyn Iterator<Item = (&'a [u8], Option<&'a Bytes>)> + 'a>;

struct Entry {
    hash: u64,
    key: Key,
    value: Option<Bytes>,
}

impl Entry {
    fn is(&self, hash: u64, key: &[u8]) -> bool {
        self.hash == hash && *self.key == *key
    }
}

#[derive(Default)]
struct Table {
    /// In the order in which the keys first changed.
    entries: Vec<Entry>,
    /// Where in them; empty while there are only a [`FEW`].
    index: HashTable<usize>,
    /// Kept from the first scan on: most stores are never scanned and need not pay for it.
    order: OnceLock<BTreeMap<Key, usize>>,
}

impl Table {
    fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        if self.entries.len() <= FEW {
            return self.entries.iter().position(|entry| entry.is(hash, key));
        }
        self.index.find(hash, |&at| self.entries[at].is(hash, key)).copied()
    }

    /// The value that the key had in this table, if it was in it.
    fn set(&mut self, entry: Entry) -> Option<Option<Bytes>> {
        if let Some(known) = self.find(entry.hash, &entry.key) {
            return Some(std::mem::replace(&mut self.entries[known].value, entry.value));
        }
        let at = self.entries.len();
        if let Some(order) = self.order.get_mut() {
            order.insert(entry.key.clone(), at);
        }
        self.entries.push(entry);
        let Self { entries, index, .. } = self;
        if entries.len() > FEW {
            // With the first entry too many, those that were there before get their slots as well.
            let first = if index.is_empty() { 0 } else { at };
            for at in first..=at {
                index.insert_unique(entries[at].hash, at, |&at| entries[at].hash);
            }
        }
        None
    }

    fn order(&self) -> &BTreeMap<Key, usize> {
        self.order.get_or_init(|| self.entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect())
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.index.clear();
        if let Some(order) = self.order.get_mut() {
            order.clear();
        }
    }
}

fn size(value: Option<&Bytes>) -> usize {
    value.map_or(0, Bytes::len)
}
