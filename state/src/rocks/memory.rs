//! The memory that all stores of a process share.

use std::sync::Arc;

use rocksdb::{Cache, WriteBufferManager};

use crate::Room;

/// One budget for all stores of the process. Three quarters are [room](Room) for the rows that their tasks have at hand,
/// since to find one there is the cheapest of all reads. A quarter is one block cache, to which write buffers are charged
/// as well, so that blocks, indexes, filters and unwritten changes together stay near it however many stores there are.
#[derive(Clone)]
pub struct SharedMemory {
    inner: Arc<Inner>,
    room: Room,
}

struct Inner {
    cache: Cache,
    write_buffers: WriteBufferManager,
}

impl SharedMemory {
    /// `bytes` is the whole budget, of which write buffers take at most about an eighth before they are flushed.
    pub fn new(bytes: usize) -> Self {
        let (room, bytes) = (Room::new(bytes - bytes / 4), bytes / 4);
        let cache = Cache::new_lru_cache(bytes);
        // Writers never stall at the limit: a flush of their own store may not free what idle stores hold.
        let write_buffers = WriteBufferManager::new_write_buffer_manager_with_cache(bytes / 2, false, cache.clone());
        Self { inner: Arc::new(Inner { cache, write_buffers }), room }
    }

    pub fn room(&self) -> &Room {
        &self.room
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(super) fn write_buffers(&self) -> &WriteBufferManager {
        &self.inner.write_buffers
    }

    /// The bytes that caches and write buffers use now.
    pub fn used(&self) -> usize {
        self.inner.cache.get_usage()
    }
}
