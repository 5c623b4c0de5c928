//! How many files the process may have open at once.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The local stores of all stages may come to half of it; connections come on top.
const WANTED: u64 = 4_096;

/// Raises the limit as far as the system lets a process do it by itself, and warns where that is not far enough.
pub fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(%error, ?current, ?maximum, "the limit of open files could not be raised");
    }
    // Without a number there is no limit.
    if let Some(limit) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < WANTED) {
        tracing::warn!(
            limit,
            wanted = WANTED,
            "few open files are allowed: raise `ulimit -n`, or LimitNOFILE of the service"
        );
    }
}
