//! RocksDB as this log uses it: its column families, its settings, and what its errors mean.

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRawIterator,
    DBRecoveryMode, Error, ErrorKind, FlushOptions, ReadOptions, WriteBatch, WriteOptions,
};

use super::options::Options;
use crate::LogError;

/// Topics and epochs.
const META: &str = "default";
/// Every record, by partition and offset.
const RECORDS: &str = "records";
/// Groups' offsets, and the notes of each partition.
const POSITIONS: &str = "positions";
/// The sparse time index.
const TIMES: &str = "times";

/// An open store.
pub struct Rocks {
    pub db: DB,
    sync: bool,
}

impl Rocks {
    /// # Errors
    /// [`LogError::Corrupt`] for anything but a torn end of the newest write-ahead log; else [`LogError::Io`].
    pub fn open(path: &Path, create: bool, options: &Options) -> Result<Self, LogError> {
        let mut settings = rocksdb::Options::default();
        settings.create_if_missing(create);
        settings.create_missing_column_families(create);
        // The default recovery, to a point in time, silently drops acknowledged commits after damage in mid-log. This
        // one drops only a record that was cut off at the end, and needs logs that are not recycled.
        settings.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        settings.set_recycle_log_file_num(0);
        settings.set_track_and_verify_wals_in_manifest(true);
        settings.set_max_total_wal_size(4 * options.write_buffer_bytes as u64);
        settings.set_max_background_jobs(4);
        settings.set_max_open_files(1024);
        settings.set_bytes_per_sync(1 << 20);
        settings.set_keep_log_file_num(4);
        settings.set_max_log_file_size(4 << 20);
        let cache = Cache::new_lru_cache(options.cache_bytes);
        let family = |name: &str, write_buffer: usize| {
            let mut settings = rocksdb::Options::default();
            let mut blocks = BlockBasedOptions::default();
            blocks.set_block_cache(&cache);
            blocks.set_block_size(16 << 10);
            blocks.set_format_version(5);
            settings.set_block_based_table_factory(&blocks);
            settings.set_compression_type(DBCompressionType::Lz4);
            settings.set_level_compaction_dynamic_level_bytes(true);
            settings.set_write_buffer_size(write_buffer);
            settings.set_max_write_buffer_number(4);
            // Retention and compaction leave markers of deletion behind, over which readers would stumble.
            settings.add_compact_on_deletion_collector_factory(4096, 2048, 0.5);
            ColumnFamilyDescriptor::new(name, settings)
        };
        let small = options.write_buffer_bytes / 8;
        let families = [
            family(META, small),
            family(RECORDS, options.write_buffer_bytes),
            family(POSITIONS, small),
            family(TIMES, small),
        ];
        let db = DB::open_cf_descriptors(&settings, path, families).map_err(|error| open_fault(path, &error))?;
        Ok(Self { db, sync: options.sync })
    }

    pub fn meta(&self) -> &ColumnFamily {
        self.family(META)
    }

    pub fn records(&self) -> &ColumnFamily {
        self.family(RECORDS)
    }

    pub fn positions(&self) -> &ColumnFamily {
        self.family(POSITIONS)
    }

    pub fn times(&self) -> &ColumnFamily {
        self.family(TIMES)
    }

    fn family(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("all families were opened, and none is ever dropped")
    }

    /// Writes the batch as one, durably if this log syncs.
    pub fn write(&self, batch: WriteBatch) -> Result<(), Error> {
        let mut how = WriteOptions::default();
        how.set_sync(self.sync);
        how.set_memtable_insert_hint_per_batch(true);
        self.db.write_opt(batch, &how)
    }

    /// Writes what may be lost with the machine because it would be done again.
    pub fn write_repeatable(&self, batch: WriteBatch) -> Result<(), Error> {
        self.db.write_opt(batch, &WriteOptions::default())
    }

    /// Takes what was deleted between these records off the disk: out of the sorted files, and out of the write-ahead
    /// log, which goes once every family was flushed.
    pub fn purge(&self, from: &[u8], to: &[u8]) -> Result<(), Error> {
        self.db.compact_range_cf(self.records(), Some(from), Some(to));
        let families = [self.meta(), self.records(), self.positions(), self.times()];
        self.db.flush_cfs_opt(&families.each_ref(), &FlushOptions::default())
    }

    pub fn get(&self, family: &ColumnFamily, key: &[u8]) -> Result<Option<Vec<u8>>, LogError> {
        self.db.get_cf(family, key).map_err(|error| self.read_fault(&error))
    }

    /// Iterates over the keys from the first to before the second; it stands at the first.
    pub fn range(&self, family: &ColumnFamily, from: &[u8], to: &[u8]) -> DBRawIterator<'_> {
        let mut bounds = ReadOptions::default();
        bounds.set_iterate_lower_bound(from);
        bounds.set_iterate_upper_bound(to);
        let mut iterator = self.db.raw_iterator_cf_opt(family, bounds);
        iterator.seek(from);
        iterator
    }

    /// Whether an iterator that stands nowhere came to the end, and not to damage.
    pub fn ended(&self, iterator: &DBRawIterator<'_>) -> Result<(), LogError> {
        iterator.status().map_err(|error| self.read_fault(&error))
    }

    pub fn read_fault(&self, error: &Error) -> LogError {
        fault(self.db.path(), error, "reading")
    }

    /// For bytes that RocksDB vouches for but that make no sense.
    pub fn nonsense(&self, what: impl std::fmt::Display) -> LogError {
        corrupt(self.db.path(), format!("{what} cannot be understood"))
    }
}

fn open_fault(path: &Path, error: &Error) -> LogError {
    match error.kind() {
        // What RocksDB says when its own root file is missing and it may not begin anew.
        ErrorKind::InvalidArgument => corrupt(path, error.to_string()),
        _ if error.to_string().contains("No such file") => corrupt(path, error.to_string()),
        _ => fault(path, error, "opening"),
    }
}

fn fault(path: &Path, error: &Error, doing: &str) -> LogError {
    match error.kind() {
        ErrorKind::Corruption => corrupt(path, error.to_string()),
        _ => LogError::Io {
            what: format!("{doing} the log at {}", path.display()),
            cause: std::io::Error::other(error.clone()),
        },
    }
}

fn corrupt(path: &Path, what: String) -> LogError {
    LogError::Corrupt {
        path: path.display().to_string(),
        what: format!(
            "{what}; check the disk, then restore the whole directory from a backup, or move it away to begin anew \
             without what it held"
        ),
    }
}
