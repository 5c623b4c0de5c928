//! Committed rows in memory: those that wait for a flush, and as many of those that the backend has as there is room for.

use bytes::Bytes;

use super::{
    layer::{AHEAD, Below},
    marks::Marks,
    table::{Entry, Table},
};
use crate::StoreId;

/// What an entry takes beside its value and a long key: itself, and the slots of the tables. Approximate.
const ENTRY_BYTES: usize = 128;

/// So many rows are looked at for one to be given up, for each that was written, …
const LOOKS: usize = 4;
/// … and so many in any case.
const FEW_LOOKS: usize = 1024;

#[derive(Default)]
pub(super) struct Rows {
    /// By store id.
    stores: Vec<Store>,
    /// Approximately the memory of all, …
    bytes: usize,
    /// … and of those that the backend does not have yet.
    unflushed_bytes: usize,
    /// Where the search for rows to be given up goes on: in which store, and where in it.
    hand: (usize, usize),
}

#[derive(Default)]
struct Store {
    table: Table,
    /// What has changed since the last flush began, …
    changed: Marks,
    /// … what that flush has still to write, …
    flushing: Marks,
    /// … which of that it is writing now, …
    writing: Marks,
    /// What was written since the search for rows to be given up last came by.
    recent: Marks,
}

fn size(entry: &Entry) -> usize {
    ENTRY_BYTES + entry.key.apart() + value_size(entry.value.as_ref())
}

fn value_size(value: Option<&Bytes>) -> usize {
    value.map_or(0, Bytes::len)
}

impl Below for Rows {
    fn table(&self, store: StoreId) -> Option<&Table> {
        self.stores.get(usize::from(store)).map(|store| &store.table)
    }

    fn place(&mut self, store: StoreId, entry: Entry) {
        let store = usize::from(store);
        if self.stores.len() <= store {
            self.stores.resize_with(store + 1, Store::default);
        }
        let store = &mut self.stores[store];
        let bytes = size(&entry);
        let (at, replaced) = store.table.put(entry);
        let before = replaced
            .map(|value| bytes - value_size(store.table.entries()[at].value.as_ref()) + value_size(value.as_ref()));
        self.bytes = self.bytes + bytes - before.unwrap_or(0);
        let waits = store.changed.has(at) || store.flushing.has(at);
        self.unflushed_bytes = self.unflushed_bytes + bytes - before.filter(|_| waits).unwrap_or(0);
        store.changed.set(at, true);
    }
}

impl Rows {
    /// Takes these over, in their order.
    pub fn take(&mut self, entries: Vec<(StoreId, Entry)>) {
        let mut entries = entries.into_iter();
        while !entries.as_slice().is_empty() {
            // The waits for memory all at once instead of one after the other.
            let ahead = entries.as_slice().iter().take(AHEAD);
            let found = ahead.filter_map(|(store, entry)| self.table(*store)?.find(entry.hash, &entry.key));
            std::hint::black_box(found.fold(0, |sum: usize, at| sum ^ at));
            for (store, entry) in entries.by_ref().take(AHEAD) {
                self.place(store, entry);
            }
        }
    }

    /// `Some(None)` is a key that was deleted; `None` is one for which the backend is to be asked.
    #[inline]
    pub fn get(&self, store: StoreId, hash: u64, key: &[u8]) -> Option<Option<&Bytes>> {
        self.table(store)?.get(hash, key)
    }

    pub fn unflushed_bytes(&self) -> usize {
        self.unflushed_bytes
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether anything has changed since the last flush began.
    pub fn have_changed(&self) -> bool {
        self.stores.iter().any(|store| !store.changed.is_empty())
    }

    /// Whether the flush in hand has to write more.
    pub fn are_flushing(&self) -> bool {
        self.stores.iter().any(|store| !store.flushing.is_empty())
    }

    /// A flush begins, of all that the backend does not have.
    pub fn freeze(&mut self) {
        for store in &mut self.stores {
            store.flushing.add(&std::mem::take(&mut store.changed));
        }
    }

    /// Chooses what is written next: rows of about so many bytes, but one at least. Whether that is all there is.
    pub fn choose(&mut self, bytes: usize) -> bool {
        self.stores.iter_mut().for_each(|store| store.writing = Marks::default());
        let mut chosen = 0;
        for store in &mut self.stores {
            for at in store.flushing.iter() {
                if chosen > 0 && chosen >= bytes {
                    return false;
                }
                store.writing.set(at, true);
                chosen += size(&store.table.entries()[at]);
            }
        }
        true
    }

    /// What was chosen, as it is now.
    pub fn chosen(&self) -> Vec<(StoreId, Bytes, Option<Bytes>)> {
        let mut chosen = Vec::with_capacity(self.stores.iter().map(|store| store.writing.count()).sum());
        for (id, store) in (0..=StoreId::MAX).zip(&self.stores) {
            let entries = store.writing.iter().map(|at| &store.table.entries()[at]);
            chosen.extend(entries.map(|entry| (id, Bytes::copy_from_slice(&entry.key), entry.value.clone())));
        }
        chosen
    }

    /// The backend has what was chosen: how many rows that were. Of those, deleted keys are given up.
    pub fn wrote(&mut self, dropped: &mut Vec<Entry>) -> usize {
        let mut written = 0;
        for number in 0..self.stores.len() {
            let store = &mut self.stores[number];
            let all: Vec<_> = std::mem::take(&mut store.writing).iter().collect();
            written += all.len();
            // From the last one on, since what is removed is replaced by a later one.
            for at in all.into_iter().rev() {
                let store = &mut self.stores[number];
                store.flushing.set(at, false);
                store.recent.set(at, true);
                if store.changed.has(at) {
                    continue;
                }
                let entry = &store.table.entries()[at];
                self.unflushed_bytes -= size(entry);
                if entry.value.is_none() {
                    dropped.push(self.remove(number, at));
                }
            }
        }
        written
    }

    /// Gives up rows that the backend has, until so many bytes of such are left, or for as long as `written` rows are
    /// worth: what was not written for long goes first. They go to `dropped`, to be freed where nobody waits for it.
    pub fn make_room(&mut self, keep: usize, written: usize, dropped: &mut Vec<Entry>) {
        let mut looks = LOOKS * written + FEW_LOOKS;
        while self.bytes - self.unflushed_bytes > keep && looks > 0 {
            looks -= 1;
            let (number, at) = self.hand;
            let Some(store) = self.stores.get_mut(number) else {
                self.hand = (0, 0);
                continue;
            };
            if at >= store.table.entries().len() {
                self.hand = (number + 1, 0);
            } else if store.changed.has(at) || store.flushing.has(at) || store.recent.has(at) {
                store.recent.set(at, false);
                self.hand = (number, at + 1);
            } else {
                dropped.push(self.remove(number, at));
            }
        }
    }

    /// Takes out a row that the backend has. The last one of its store is where it was then.
    fn remove(&mut self, number: usize, at: usize) -> Entry {
        let store = &mut self.stores[number];
        let last = store.table.entries().len() - 1;
        for marks in [&mut store.changed, &mut store.flushing, &mut store.writing, &mut store.recent] {
            marks.remove(at, last);
        }
        let entry = store.table.remove(at);
        self.bytes -= size(&entry);
        entry
    }
}
