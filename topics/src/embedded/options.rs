//! What can be chosen about an embedded log.

use std::time::Duration;

/// Settings of an [`EmbeddedLog`](super::EmbeddedLog).
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether a commit waits until the disk has it. Without, a crash of the process still loses nothing that was
    /// acknowledged, but one of the machine may.
    pub sync: bool,
    /// Skips random offsets after each transaction, from this seed, as Kafka's markers do: for tests of readers.
    pub gaps: Option<u64>,
    /// The largest record that is taken, in bytes of key, value and headers.
    pub max_record_bytes: usize,
    /// Records outside transactions that may wait for the disk, in bytes; more are refused as unavailable.
    pub max_waiting_bytes: usize,
    /// Memory for blocks read from the disk.
    pub cache_bytes: usize,
    /// Memory for records not yet in a sorted file.
    pub write_buffer_bytes: usize,
    /// How often retention and compaction look for work.
    pub maintenance_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sync: true,
            gaps: None,
            max_record_bytes: 1 << 20,
            max_waiting_bytes: 32 << 20,
            cache_bytes: 64 << 20,
            write_buffer_bytes: 64 << 20,
            maintenance_interval: Duration::from_secs(30),
        }
    }
}
