//! The data directory: whose it is, told before anything is opened or made in it.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use anyhow::{Context, Result, bail};
use tradewind_topics::embedded::holds_log;

use crate::{config::Origins, platform::STAGES};

/// The embedded log.
pub const LOG: &str = "log";
/// Local stores, by stage and partition.
pub const STATE: &str = "state";
/// The sandbox gateway's books.
pub const GATEWAY: &str = "sandbox-gateway";
/// The shop's keys, where no other file is named.
pub const SECRETS: &str = "secrets.json";

/// What a disk's own root has.
const OF_THE_DISK: &str = "lost+found";

/// Whether roles may keep things there: in what is not there yet, in what is empty, and in what is theirs. Nothing is
/// touched.
pub fn check(path: &Path, origins: &Origins) -> Result<()> {
    let told = || format!("the data directory {} ({})", path.display(), origins.of("data_dir"));
    if is_ours(path).with_context(told)? {
        return Ok(());
    }
    if let Some(foreign) = foreign(path).with_context(told)? {
        bail!("{} holds {foreign:?} and nothing of Tradewind's: name an empty or a new directory", told());
    }
    Ok(())
}

fn is_ours(path: &Path) -> Result<bool> {
    let has_state = STAGES.iter().any(|stage| path.join(STATE).join(stage.name).is_dir());
    Ok(has_state || path.join(GATEWAY).is_dir() || holds_log(&path.join(LOG))?)
}

/// Something there that no role would have made.
fn foreign(path: &Path) -> io::Result<Option<String>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if ![LOG, STATE, GATEWAY, SECRETS, OF_THE_DISK].contains(&name.as_str()) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
