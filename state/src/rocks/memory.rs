//! The memory that all stores of a process share.

use std::sync::Arc;

use rocksdb::{Cache, WriteBufferManager};

/// One block cache for all stores of the process. What their write buffers take is charged to it, so that blocks,
/// indexes, filters and unwritten changes together stay near one budget however many stores there are.
#[derive(Clone)]
pub struct SharedMemory {
    inner: Arc<Inner>,
}

struct Inner {
    cache: Cache,
    write_buffers: WriteBufferManager,
}

impl SharedMemory {
    /// `bytes` is the whole budget, of which write buffers take at most about a half before they are flushed.
    pub fn new(bytes: usize) -> Self {
        let cache = Cache::new_lru_cache(bytes);
        // Writers never stall at the limit: a flush of their own store may not free what idle stores hold.
        let write_buffers = WriteBufferManager::new_write_buffer_manager_with_cache(bytes / 2, false, cache.clone());
        Self { inner: Arc::new(Inner { cache, write_buffers }) }
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(super) fn write_buffers(&self) -> &WriteBufferManager {
        &self.inner.write_buffers
    }

    /// The bytes in use now.
    pub fn used(&self) -> usize {
        self.inner.cache.get_usage()
    }
}
