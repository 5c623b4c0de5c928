//! One layer of changes above the backend: hashed for point reads, ordered for those stores that are scanned.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::OnceLock,
};

use bytes::Bytes;

use crate::{StoreId, bounds::Bounds};

/// What an entry takes beside its key and value: the handles to both, twice, and the slots of the tables. Approximate.
const ENTRY_BYTES: usize = 160;

/// Changes of all stores, the last one of each key.
///
/// They are listed by store and then in the order in which their keys first changed, so that the same run always
/// writes the same changelog.
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
    pub fn get(&self, store: StoreId, key: &[u8]) -> Option<Option<&Bytes>> {
        let table = self.tables.get(usize::from(store))?;
        let &at = table.index.get(key)?;
        Some(table.entries[at].1.as_ref())
    }

    pub fn set(&mut self, store: StoreId, key: Bytes, value: Option<Bytes>) {
        let store = usize::from(store);
        if self.tables.len() <= store {
            self.tables.resize_with(store + 1, Table::default);
        }
        let (key_bytes, value_bytes) = (key.len(), size(value.as_ref()));
        match self.tables[store].set(key, value) {
            Some(replaced) => self.bytes = self.bytes + value_bytes - size(replaced.as_ref()),
            None => {
                self.len += 1;
                self.bytes += key_bytes + value_bytes + ENTRY_BYTES;
            }
        }
    }

    /// Puts the changes of another layer on top of this one's and leaves that one empty, its room kept.
    pub fn absorb(&mut self, newer: &mut Layer) {
        for (store, table) in (0..=StoreId::MAX).zip(&mut newer.tables) {
            for (key, value) in table.entries.drain(..) {
                self.set(store, key, value);
            }
        }
        newer.clear();
    }

    pub fn clear(&mut self) {
        self.tables.iter_mut().for_each(Table::clear);
        (self.len, self.bytes) = (0, 0);
    }

    pub fn changes(&self) -> impl Iterator<Item = (StoreId, &Bytes, Option<&Bytes>)> {
        (0..=StoreId::MAX)
            .zip(&self.tables)
            .flat_map(|(store, table)| table.entries.iter().map(move |(key, value)| (store, key, value.as_ref())))
    }

    pub fn changes_of(&self, store: StoreId) -> impl Iterator<Item = (&Bytes, Option<&Bytes>)> {
        let table = self.tables.get(usize::from(store));
        table.into_iter().flat_map(|table| table.entries.iter().map(|(key, value)| (key, value.as_ref())))
    }

    /// The changes within the bounds, in order of keys; `None` if there are none in this store at all.
    pub fn ordered(&self, store: StoreId, bounds: &Bounds, backwards: bool) -> Option<Ordered<'_>> {
        let table = self.tables.get(usize::from(store)).filter(|table| !table.entries.is_empty())?;
        let entries = table.order().range::<[u8], _>(bounds.as_bounds()).map(|(_, &at)| {
            let (key, value) = &table.entries[at];
            (key, value.as_ref())
        });
        Some(if backwards { Box::new(entries.rev()) } else { Box::new(entries) })
    }
}

/// Keys and what became of them, in order.
pub(super) type Ordered<'a> = Box<dyn Iterator<Item = (&'a Bytes, Option<&'a Bytes>)> + 'a>;

#[derive(Default)]
struct Table {
    /// In the order in which the keys first changed.
    entries: Vec<(Bytes, Option<Bytes>)>,
    index: HashMap<Bytes, usize>,
    /// Kept from the first scan on: most stores are never scanned and need not pay for it.
    order: OnceLock<BTreeMap<Bytes, usize>>,
}

impl Table {
    /// The value that the key had in this table, if it was in it.
    fn set(&mut self, key: Bytes, value: Option<Bytes>) -> Option<Option<Bytes>> {
        let at = self.entries.len();
        match self.index.entry(key.clone()) {
            Entry::Occupied(known) => Some(std::mem::replace(&mut self.entries[*known.get()].1, value)),
            Entry::Vacant(new) => {
                new.insert(at);
                if let Some(order) = self.order.get_mut() {
                    order.insert(key.clone(), at);
                }
                self.entries.push((key, value));
                None
            }
        }
    }

    fn order(&self) -> &BTreeMap<Bytes, usize> {
        self.order.get_or_init(|| self.entries.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect())
    }

    fn clear(&mut self) {
        if self.index.is_empty() {
            return;
        }
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
