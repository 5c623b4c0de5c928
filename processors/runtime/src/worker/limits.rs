//! When a worker commits, flushes and tries again.

/// When to commit and when to flush.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Commit at the latest when so many outputs wait, …
    pub outputs: usize,
    /// … or so many bytes of them.
    pub output_bytes: usize,
    /// Commit at the latest after so many milliseconds of work, though more keeps coming.
    pub commit_ms: i64,
    /// Flush what a task has committed to its store at the latest after so many milliseconds, though there is room for
    /// more, so that little has to be restored after a crash, and nothing of which the changelog keeps no tombstone any
    /// more.
    pub flush_ms: i64,
    /// While a task is restored, what was read goes to its store when it is about so large: neither a long changelog nor a
    /// large commit in it takes more memory than that, twice, beside the rows for which there is room. A task that goes
    /// and lacks as much in its store leaves it to the changelog.
    pub restore_bytes: usize,
    /// Records whose environment failed are tried again after so many milliseconds.
    pub retry_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            outputs: 20_000,
            output_bytes: 64 << 20,
            commit_ms: 50,
            flush_ms: 60_000,
            restore_bytes: 16 << 20,
            retry_ms: 1_000,
        }
    }
}
