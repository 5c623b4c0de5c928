//! A task's state in memory: the layers above its backend, and what others may read of it.

mod committed;
mod key;
mod layer;
mod marks;
mod merge;
mod progress;
mod reader;
mod rows;
mod table;

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use parking_lot::{RwLock, RwLockWriteGuard};
use tradewind_topics::{Millis, Offset};

use crate::{
    Backend, Batch, Checkpoint, Range, StateError, StoreId,
    room::{Room, Share},
};
use committed::Committed;
use layer::{Below, Layer};
use progress::Progress;
use reader::Shared;
use rows::Rows;
use table::Entry;

pub use progress::Reached;
pub use reader::{Pinned, TaskReader};

/// Bytes that come from memory together.
const CACHE_LINE: usize = 64;
/// A flush goes to the backend in so many, or in fewer where there is little to write.
const PIECES: usize = 32;
/// For the rows of a task that shares with no other.
const ROOM_BYTES: usize = 32 << 20;

/// The state of one task, as the thread that runs it sees it. Others read it through [`TaskReader`].
///
/// Dropping it closes its readers and gives up the backend.
pub struct TaskState {
    staged: Layer,
    uncommitted: Layer,
    shared: Arc<Shared>,
    backend: Arc<dyn Backend>,
    /// What a read has found to be wrong with the backend.
    damage: OnceLock<String>,
    share: Share,
    /// Of all layers. Keys come from outside, so the hash is one that nobody can aim at.
    hashes: RandomState,
}

impl TaskState {
    /// A task that shares its memory with no other.
    ///
    /// # Errors
    /// The backend's, which is asked for its checkpoint.
    pub fn new(backend: Arc<dyn Backend>) -> Result<Self, StateError> {
        Self::within(&Room::new(ROOM_BYTES), backend)
    }

    /// # Errors
    /// The backend's, which is asked for its checkpoint.
    pub fn within(room: &Room, backend: Arc<dyn Backend>) -> Result<Self, StateError> {
        let hashes = RandomState::new();
        let committed = Committed::above(backend.clone(), hashes.clone())?;
        let progress = Progress::default();
        progress.reach(committed.checkpoint.source);
        let shared = Shared { committed: RwLock::new(committed), progress: Arc::new(progress) };
        let (staged, uncommitted) = (Layer::default(), Layer::default());
        let (damage, share) = (OnceLock::new(), room.share());
        Ok(Self { staged, uncommitted, shared: Arc::new(shared), backend, damage, share, hashes })
    }

    /// What the record in hand has staged in this store.
    pub fn staged(&self, store: StoreId) -> impl Iterator<Item = (&[u8], Option<&Bytes>)> {
        self.staged.changes_of(store)
    }

    /// Bytes of the largest change that the record in hand has staged, key and value.
    pub fn largest_staged(&self) -> usize {
        let size = |key: &[u8], value: Option<&Bytes>| key.len() + value.map_or(0, Bytes::len);
        self.staged.changes().map(|(_, key, value)| size(key, value)).max().unwrap_or(0)
    }

    /// What the record in hand sees: all that came before it, and its own changes.
    ///
    /// # Errors
    /// The backend's.
    pub fn get(&self, store: StoreId, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        self.read(store, key, |value| value.map(Bytes::copy_from_slice))
    }

    /// [`get`](Self::get) without a copy: `f` is given the value, or `None`.
    ///
    /// # Errors
    /// The backend's.
    pub fn read<T>(&self, store: StoreId, key: &[u8], f: impl FnOnce(Option<&[u8]>) -> T) -> Result<T, StateError> {
        let hash = self.hashes.hash_one(key);
        if let Some(changed) = self.staged.get(store, hash, key).or_else(|| self.uncommitted.get(store, hash, key)) {
            return Ok(f(changed.map(Bytes::as_ref)));
        }
        if let Some(changed) = self.shared.committed.read().rows.get(store, hash, key) {
            return Ok(f(changed.map(Bytes::as_ref)));
        }
        // Only this thread commits, and a flush that goes on meanwhile writes none but keys that are in memory: what the
        // backend says of this one holds without the lock.
        Ok(f(self.noting_damage(self.backend.get(store, key))?.as_deref()))
    }

    /// These keys are read next: fetches what the layers have of them, the waits for memory all at once instead of
    /// one after the other. Changes nothing.
    pub fn look_ahead<'k>(&self, store: StoreId, keys: impl Iterator<Item = &'k [u8]>) {
        let hashed: Vec<_> = keys.map(|key| (self.hashes.hash_one(key), key)).collect();
        let committed = self.shared.committed.read();
        let found: Vec<_> = hashed.iter().filter_map(|(hash, key)| committed.rows.get(store, *hash, key)?).collect();
        let touched = found.iter().flat_map(|value| value.iter().step_by(CACHE_LINE));
        std::hint::black_box(touched.fold(0, |sum: u8, byte| sum ^ byte));
    }

    /// At most `limit` entries, as the record in hand sees them.
    ///
    /// # Errors
    /// The backend's.
    pub fn scan(&self, store: StoreId, range: Range<'_>, limit: usize) -> Result<Vec<(Bytes, Bytes)>, StateError> {
        let committed = self.shared.committed.read();
        let tables = [self.staged.table(store), self.uncommitted.table(store), committed.rows.table(store)];
        self.noting_damage(merge::scan(tables.into_iter().flatten(), &*self.backend, store, range, limit))
    }

    fn noting_damage<T>(&self, read: Result<T, StateError>) -> Result<T, StateError> {
        if let Err(StateError::Corrupt { why, .. }) = &read {
            self.damage.get_or_init(|| why.clone());
        }
        read
    }

    /// Why the backend has to be wiped and rebuilt, if a read has found it damaged.
    pub fn damage(&self) -> Option<&str> {
        self.damage.get().map(String::as_str)
    }

    /// A value that is a part of something larger is copied, so as not to keep all of that.
    pub fn put(&mut self, store: StoreId, key: &[u8], value: Bytes) {
        self.staged.set(store, self.hashes.hash_one(key), key, Some(alone(value)));
    }

    pub fn delete(&mut self, store: StoreId, key: &[u8]) {
        self.staged.set(store, self.hashes.hash_one(key), key, None);
    }

    /// The record in hand succeeded: what it staged joins the transaction.
    pub fn accept(&mut self) {
        self.uncommitted.absorb(&mut self.staged);
    }

    /// The record in hand failed: what it staged is dropped.
    pub fn discard(&mut self) {
        self.staged.clear();
    }

    /// Whether the transaction has changed anything.
    pub fn is_dirty(&self) -> bool {
        !self.uncommitted.is_empty()
    }

    /// What the transaction has changed, once a key, for the changelog: in an order that is the same in every run.
    pub fn changes(&self) -> impl Iterator<Item = (StoreId, &[u8], Option<&Bytes>)> {
        self.uncommitted.changes()
    }

    /// The transaction was committed at this time: readers see its changes and the new positions, both at once. A
    /// position that is `None` stays.
    pub fn commit(&mut self, source: Option<Offset>, changelog: Option<Offset>, at: Millis) {
        let mut committed = self.shared.committed.write();
        self.uncommitted.pour_onto(&mut committed.rows);
        let checkpoint = &mut committed.checkpoint;
        checkpoint.source = source.or(checkpoint.source);
        if let Some(changelog) = changelog {
            (checkpoint.changelog, checkpoint.at) = (changelog, at);
        }
        let source = checkpoint.source;
        drop(committed);
        self.shared.progress.reach(source);
    }

    /// The transaction failed: drops all that was not committed.
    pub fn rollback(&mut self) {
        self.staged.clear();
        self.uncommitted.clear();
    }

    /// Takes over a committed transaction read from the changelog. What was not committed is dropped. How new its rows are
    /// the state knows itself.
    pub fn restore(&mut self, changes: Vec<(StoreId, Bytes, Option<Bytes>)>, checkpoint: Checkpoint) {
        self.rollback();
        let source = checkpoint.source;
        let entry = |key: Bytes, value: Option<Bytes>| Entry {
            hash: self.hashes.hash_one(&key[..]),
            key: key[..].into(),
            value: value.map(alone),
        };
        let entries: Vec<_> = changes.into_iter().map(|(store, key, value)| (store, entry(key, value))).collect();
        let mut committed = self.shared.committed.write();
        committed.rows.take(entries);
        committed.checkpoint = Checkpoint { rows: committed.checkpoint.rows, ..checkpoint };
        drop(committed);
        self.shared.progress.reach(source);
    }

    pub fn set_origin(&mut self, origin: String) {
        self.shared.committed.write().checkpoint.origin = origin;
    }

    /// Of the committed state; may be ahead of the backend's.
    pub fn checkpoint(&self) -> Checkpoint {
        self.shared.committed.read().checkpoint.clone()
    }

    /// Approximately the memory that waits for a flush.
    pub fn unflushed_bytes(&self) -> usize {
        self.shared.committed.read().rows.unflushed_bytes()
    }

    /// Whether so much waits for a flush that it is time for one.
    pub fn is_full(&self) -> bool {
        self.unflushed_bytes() >= self.share.half()
    }

    /// Approximately the memory of all committed rows that are at hand.
    pub fn bytes_at_hand(&self) -> usize {
        self.shared.committed.read().rows.bytes()
    }

    /// What a flush writes next; `None` when the backend is up to date. It goes to the backend in pieces, so that nobody
    /// has to wait for long, and comes to an end however much is committed meanwhile. Apply it, then call
    /// [`flushed`](Self::flushed), before another one is asked for; commits may come in between, and a piece that could
    /// not be applied comes again.
    pub fn batch(&self) -> Option<Batch> {
        self.next_batch(|committed| committed.is_flushing() || committed.begin_flushing(PIECES, self.share.half()))
    }

    /// All that the backend does not have, at once; `None` when it is up to date. To be applied like a
    /// [`batch`](Self::batch).
    pub fn whole_batch(&self) -> Option<Batch> {
        self.next_batch(|committed| committed.begin_flushing(1, usize::MAX / 2))
    }

    fn next_batch(&self, flush: impl FnOnce(&mut Committed) -> bool) -> Option<Batch> {
        let mut committed = self.shared.committed.write();
        if !flush(&mut committed) {
            return None;
        }
        committed.choose();
        // Readers may go on while the batch is put together.
        RwLockWriteGuard::downgrade(committed).chosen()
    }

    /// Whether a flush has been begun and is not at its end.
    pub fn is_flushing(&self) -> bool {
        self.shared.committed.read().is_flushing()
    }

    /// The last batch was applied, so rows for which there is no room may be given up. Readers notice nothing.
    pub fn flushed(&mut self) {
        let dropped = self.shared.committed.write().wrote(self.share.half());
        drop(dropped);
    }

    /// Gives up what there is no room for any more, since others have a share in it.
    pub fn make_room(&mut self) {
        let keep = self.share.half();
        let has_too_much = |rows: &Rows| rows.bytes() - rows.unflushed_bytes() > keep;
        if has_too_much(&self.shared.committed.read().rows) {
            let mut dropped = Vec::new();
            self.shared.committed.write().rows.make_room(keep, 0, &mut dropped);
        }
    }

    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    pub fn reader(&self) -> TaskReader {
        TaskReader { shared: self.shared.clone() }
    }

    /// Tells readers that this task is no longer the place to ask. Waits for those that are reading.
    pub fn close(&self) {
        self.shared.committed.write().close();
        self.shared.progress.close();
    }
}

/// A value that keeps nothing but itself: one that is a part of something larger is copied.
fn alone(value: Bytes) -> Bytes {
    if value.is_unique() { value } else { Bytes::copy_from_slice(&value) }
}

impl Drop for TaskState {
    fn drop(&mut self) {
        let held = self.shared.committed.write().empty();
        self.shared.progress.close();
        drop(held);
    }
}
