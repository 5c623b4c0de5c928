//! The embedded log: the contract, with and without gaps between offsets, and its own promises.

mod damage;
mod directory;
mod durability;
mod forgetting;
mod full_disk;

use std::{path::Path, sync::Arc, time::Duration};

use tempfile::TempDir;
use tradewind_topics::embedded::{EmbeddedLog, Options};

use crate::suite::Subject;

const SHORTEST_SESSION: Duration = Duration::from_millis(500);

fn subject(options: Options) -> Subject {
    let directory = TempDir::new().expect("a directory");
    let log = EmbeddedLog::open(directory.path(), options).expect("the log opens");
    Subject::new(log, "", SHORTEST_SESSION, directory)
}

/// A log in a directory that outlives it.
fn subject_in(directory: &Path) -> (Subject, Arc<EmbeddedLog>) {
    let log = EmbeddedLog::open(directory, Options::default()).expect("the log opens");
    (Subject::new(log.clone(), "", SHORTEST_SESSION, ()), log)
}

mod contract {
    use super::{Options, subject};
    use crate::suite::log_contract;

    log_contract!(subject(Options::default()));
}

mod contract_with_gaps {
    use super::{Options, subject};
    use crate::suite::log_contract;

    log_contract!(subject(Options { gaps: Some(7), ..Options::default() }));
}
