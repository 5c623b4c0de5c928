//! Rows of one store in memory: hashed for point reads, ordered where the store is scanned.

use std::{collections::BTreeMap, sync::OnceLock, vec::Drain};

use bytes::Bytes;
use hashbrown::HashTable;

use super::key::Key;
use crate::bounds::Bounds;

/// So few entries are found by looking at each: what one record stages needs no table.
const FEW: usize = 8;

pub(super) struct Entry {
    pub hash: u64,
    pub key: Key,
    /// `None` is a key that was deleted.
    pub value: Option<Bytes>,
}

impl Entry {
    fn is(&self, hash: u64, key: &[u8]) -> bool {
        self.hash == hash && *self.key == *key
    }
}

/// Keys and what became of them, in order.
pub(super) type Ordered<'a> = Box<dyn Iterator<Item = (&'a [u8], Option<&'a Bytes>)> + 'a>;

#[derive(Default)]
pub(super) struct Table {
    /// In the order in which the keys came, as long as none is removed.
    entries: Vec<Entry>,
    /// Where in them; empty while there are only a [`FEW`].
    index: HashTable<usize>,
    /// Kept from the first scan on: most stores are never scanned and need not pay for it.
    order: OnceLock<BTreeMap<Key, usize>>,
}

impl Table {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        if self.entries.len() <= FEW {
            return self.entries.iter().position(|entry| entry.is(hash, key));
        }
        self.index.find(hash, |&at| self.entries[at].is(hash, key)).copied()
    }

    /// `Some(None)` is a key that was deleted; `None` is one of which nothing is known here.
    #[inline]
    pub fn get(&self, hash: u64, key: &[u8]) -> Option<Option<&Bytes>> {
        Some(self.entries[self.find(hash, key)?].value.as_ref())
    }

    /// Fetches what is there of these keys, the waits for memory all at once instead of one after the other.
    pub fn look_ahead(&self, entries: &[Entry]) {
        if entries.len() > FEW {
            let found = entries.iter().filter_map(|entry| self.find(entry.hash, &entry.key));
            std::hint::black_box(found.fold(0, |sum: usize, at| sum ^ at));
        }
    }

    /// Where the entry is now, and the value that its key had in this table, if it was in it.
    pub fn put(&mut self, entry: Entry) -> (usize, Option<Option<Bytes>>) {
        if let Some(known) = self.find(entry.hash, &entry.key) {
            return (known, Some(std::mem::replace(&mut self.entries[known].value, entry.value)));
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
        (at, None)
    }

    /// Takes this entry out. The last one is where it was then.
    pub fn remove(&mut self, at: usize) -> Entry {
        let removed = self.entries.swap_remove(at);
        if self.entries.len() <= FEW {
            self.index.clear();
        } else if let Ok(slot) = self.index.find_entry(removed.hash, |&slot| slot == at) {
            slot.remove();
        }
        let order = self.order.get_mut();
        if let Some(moved) = self.entries.get(at) {
            let last = self.entries.len();
            if let Some(slot) = self.index.find_mut(moved.hash, |&slot| slot == last) {
                *slot = at;
            }
            if let Some(order) = order {
                order.remove(&removed.key);
                order.insert(moved.key.clone(), at);
            }
        } else if let Some(order) = order {
            order.remove(&removed.key);
        }
        removed
    }

    /// The entries within the bounds, in order of keys; `None` if there are none in this store at all.
    pub fn ordered(&self, bounds: &Bounds, backwards: bool) -> Option<Ordered<'_>> {
        if self.entries.is_empty() {
            return None;
        }
        let entries = self.order().range::<[u8], _>(bounds.as_bounds()).map(|(_, &at)| {
            let entry = &self.entries[at];
            (&*entry.key, entry.value.as_ref())
        });
        Some(if backwards { Box::new(entries.rev()) } else { Box::new(entries) })
    }

    fn order(&self) -> &BTreeMap<Key, usize> {
        self.order.get_or_init(|| self.entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect())
    }

    /// Gives all entries away, the room for them kept.
    pub fn drain(&mut self) -> Drain<'_, Entry> {
        self.index.clear();
        if let Some(order) = self.order.get_mut() {
            order.clear();
        }
        self.entries.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    /// Few keys with many puts and removals, so that a table is small, large, and small again.
    #[test]
    fn what_is_removed_is_gone_and_all_else_is_found() {
        let hashes = RandomState::new();
        let mut table = Table::default();
        let mut expected = BTreeMap::new();
        for step in 0_u32..4_000 {
            let key = (step * 7919 % 61).to_be_bytes();
            let hash = hashes.hash_one(key);
            let grows = step / 500 % 2 == 0;
            match table.find(hash, &key) {
                Some(at) if !grows || step % 3 == 0 => {
                    assert_eq!(table.remove(at).value, expected.remove(&key));
                }
                known => {
                    let value = Bytes::copy_from_slice(&step.to_be_bytes());
                    let (at, old) = table.put(Entry { hash, key: key[..].into(), value: Some(value.clone()) });
                    assert_eq!((at, old.flatten()), (known.unwrap_or(expected.len()), expected.insert(key, value)));
                }
            }
            assert_eq!(table.entries().len(), expected.len());
            // From here on it is kept in order as well.
            if step >= 1_000 {
                let everything = Bounds { lower: Vec::new(), upper: None };
                let ordered: Vec<_> = table.ordered(&everything, false).into_iter().flatten().collect();
                let same = expected.iter().map(|(key, value)| (&key[..], Some(value)));
                assert!(same.eq(ordered), "after {step} steps");
            }
            for key in (0_u32..61).map(u32::to_be_bytes) {
                assert_eq!(table.get(hashes.hash_one(key), &key).flatten(), expected.get(&key));
            }
        }
    }
}
