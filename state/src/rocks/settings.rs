//! How a task's RocksDB is set up: one of dozens in the process, so small in memory, files and threads.

use rocksdb::{BlockBasedOptions, DBCompressionType, DataBlockIndexType, LogLevel, Options};

use super::SharedMemory;

/// A column family's write buffer. A task's changes come in batches, each key once a flush, so there is little to gain from
/// holding more of them.
const WRITE_BUFFER_BYTES: usize = 4 << 20;
/// The step in which a write buffer grows: a store that is hardly written to should hardly cost.
const ARENA_BLOCK_BYTES: usize = 64 << 10;

pub(super) fn of_database(memory: &SharedMemory) -> Options {
    let mut settings = Options::default();
    settings.create_if_missing(true);
    settings.create_missing_column_families(true);
    // There is no write-ahead log: the changelog is it. All column families go to disk together, so what is found
    // after a crash is a whole number of batches. (Pipelined and unordered writes would not keep that.)
    settings.set_atomic_flush(true);
    settings.set_allow_concurrent_memtable_write(false);
    settings.set_write_buffer_manager(memory.write_buffers());
    settings.set_max_background_jobs(2);
    settings.set_max_open_files(48);
    settings.set_max_file_opening_threads(1);
    settings.set_table_cache_num_shard_bits(2);
    settings.set_skip_stats_update_on_db_open(true);
    settings.set_stats_dump_period_sec(0);
    settings.set_stats_persist_period_sec(0);
    settings.set_manifest_preallocation_size(64 << 10);
    settings.set_log_level(LogLevel::Warn);
    settings.set_keep_log_file_num(2);
    settings.set_max_log_file_size(1 << 20);
    settings
}

pub(super) fn of_store(memory: &SharedMemory) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(memory.cache());
    blocks.set_block_size(8 << 10);
    blocks.set_format_version(5);
    // Most point reads that come this far are for keys that are new.
    blocks.set_bloom_filter(10.0, false);
    blocks.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
    blocks.set_data_block_hash_ratio(0.75);
    // Within the budget, not beside it.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_cache_index_and_filter_blocks_with_high_priority(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);

    let mut settings = Options::default();
    settings.set_block_based_table_factory(&blocks);
    settings.set_compression_type(DBCompressionType::Lz4);
    settings.set_write_buffer_size(WRITE_BUFFER_BYTES);
    settings.set_arena_block_size(ARENA_BLOCK_BYTES);
    // A key is in few of the buffers.
    settings.set_memtable_prefix_bloom_ratio(0.05);
    settings.set_memtable_whole_key_filtering(true);
    settings.set_max_write_buffer_number(3);
    settings.set_level_compaction_dynamic_level_bytes(true);
    settings.set_target_file_size_base(16 << 20);
    settings.set_max_bytes_for_level_base(64 << 20);
    settings
}
