//! The store backend over RocksDB: one database a task, one column family a store.
//!
//! Nothing here is synced but by [`sync`](Backend::sync) and by a clean end: the changelog has it all.

mod checkpoint;
mod directory;
mod faults;
mod memory;
mod settings;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rocksdb::{ColumnFamily, ColumnFamilyDescriptor, DB, FlushOptions, ReadOptions, WriteBatch, WriteOptions};

use crate::{Backend, Batch, Checkpoint, Range, StateError, StoreId, bounds::Bounds};
use faults::{corrupt, fault, open_fault};

pub use directory::wipe;
pub use memory::SharedMemory;

/// Holds the checkpoint, and no store.
const DEFAULT_FAMILY: &str = rocksdb::DEFAULT_COLUMN_FAMILY_NAME;

/// A task's store in a directory of its own.
pub struct RocksBackend {
    dir: PathBuf,
    db: DB,
    /// The names of all column families, those of stores that were not asked for too.
    families: Vec<String>,
    /// By store id; kept, because every read asks for one.
    names: Vec<Option<String>>,
}

impl RocksBackend {
    /// Opens the state in this directory, and makes it where there is none. Stores that it has and that are not named
    /// stay as they are.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] when it is damaged or incomplete, so has to be [wiped](wipe);
    /// [`StateError::InUse`] while this or another process has it open; [`StateError::Newer`] when it has to be left to
    /// a newer release; else [`StateError::Io`].
    pub fn open(dir: &Path, stores: &[StoreId], shared: &SharedMemory) -> Result<Self, StateError> {
        directory::prepare(dir)?;
        let settings = settings::of_database(shared);
        let mut names: BTreeSet<String> = stores.iter().map(|&store| name(store)).collect();
        names.insert(DEFAULT_FAMILY.to_owned());
        if dir.join("CURRENT").exists() {
            names.extend(DB::list_cf(&settings, dir).map_err(|error| open_fault(dir, "opened", &error))?);
        }
        let families: Vec<_> = names.into_iter().collect();
        let descriptors = families.iter().map(|name| ColumnFamilyDescriptor::new(name, settings::of_store(shared)));
        let db =
            DB::open_cf_descriptors(&settings, dir, descriptors).map_err(|error| open_fault(dir, "opened", &error))?;
        let names = (0..=StoreId::MAX).map(|store| stores.contains(&store).then(|| name(store))).collect();
        let opened = Self { dir: dir.to_owned(), db, families, names };
        opened.checkpoint()?;
        Ok(opened)
    }

    fn family(&self, store: StoreId, doing: &'static str) -> Result<&ColumnFamily, StateError> {
        let name = self.names[usize::from(store)].as_deref();
        name.and_then(|name| self.db.cf_handle(name)).ok_or_else(|| StateError::Io {
            path: self.dir.display().to_string(),
            doing,
            why: format!("the task has no store {store}"),
        })
    }
}

impl RocksBackend {
    fn flush(&self, wait: bool) -> Result<(), StateError> {
        let families: Vec<_> = self.families.iter().filter_map(|name| self.db.cf_handle(name)).collect();
        let mut options = FlushOptions::default();
        options.set_wait(wait);
        let flushed = self.db.flush_cfs_opt(&families, &options);
        flushed.map_err(|error| fault(&self.dir, "synced", &error))
    }
}

impl Backend for RocksBackend {
    fn get(&self, store: StoreId, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        let value = self.db.get_pinned_cf(self.family(store, "read")?, key);
        let value = value.map_err(|error| fault(&self.dir, "read", &error))?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan(&self, store: StoreId, range: Range<'_>, limit: usize) -> Result<Vec<(Bytes, Bytes)>, StateError> {
        let family = self.family(store, "read")?;
        let bounds = Bounds::of(range);
        let mut found = Vec::new();
        if limit == 0 || bounds.is_empty() {
            return Ok(found);
        }
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(bounds.lower);
        if let Some(upper) = bounds.upper {
            options.set_iterate_upper_bound(upper);
        }
        let mut entries = self.db.raw_iterator_cf_opt(family, options);
        if range.backwards {
            entries.seek_to_last();
        } else {
            entries.seek_to_first();
        }
        while let Some((key, value)) = entries.item() {
            found.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
            if found.len() == limit {
                break;
            }
            if range.backwards {
                entries.prev();
            } else {
                entries.next();
            }
        }
        entries.status().map_err(|error| fault(&self.dir, "read", &error))?;
        Ok(found)
    }

    fn apply(&self, mut batch: Batch) -> Result<(), StateError> {
        // In order, each key goes into the write buffer next to the one before, which is several times as fast.
        batch.changes.sort_unstable_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        let mut writes = WriteBatch::default();
        for (store, key, value) in batch.changes {
            let family = self.family(store, "written")?;
            match value {
                Some(value) => writes.put_cf(family, key, value),
                None => writes.delete_cf(family, key),
            }
        }
        let checkpoint = checkpoint::encode(&batch.checkpoint).map_err(|error| StateError::Io {
            path: self.dir.display().to_string(),
            doing: "written",
            why: format!("its checkpoint cannot be encoded: {error}"),
        })?;
        writes.put(checkpoint::KEY, checkpoint);
        let mut how = WriteOptions::default();
        how.disable_wal(true);
        how.set_memtable_insert_hint_per_batch(true);
        self.db.write_opt(writes, &how).map_err(|error| fault(&self.dir, "written", &error))
    }

    fn sync(&self) -> Result<(), StateError> {
        self.flush(true)
    }

    fn begin_sync(&self) -> Result<(), StateError> {
        self.flush(false)
    }

    fn checkpoint(&self) -> Result<Checkpoint, StateError> {
        let value = self.db.get_pinned(checkpoint::KEY).map_err(|error| fault(&self.dir, "read", &error))?;
        let Some(value) = value else { return Ok(Checkpoint::default()) };
        checkpoint::decode(&value).map_err(|undecodable| match undecodable {
            checkpoint::Undecodable::Damaged(why) => corrupt(&self.dir, format!("its checkpoint: {why}")),
            checkpoint::Undecodable::Newer(version) => {
                StateError::Newer { path: self.dir.display().to_string(), format: version.into() }
            }
        })
    }
}

fn name(store: StoreId) -> String {
    format!("store-{store:03}")
}
