//! Opening the store of a task or standby: as it is, or as it has to be made first.

use std::{path::PathBuf, sync::Arc};

use tradewind_state::{
    Backend, Checkpoint, StateError, TaskState,
    rocks::{self, RocksBackend},
};
use tradewind_topics::End;

use super::{Driver, Store, WorkerError};
use crate::{
    entity::STORES,
    fate::{Extent, Fate, fate},
    patience::patiently,
};

impl Driver<'_> {
    /// Opens a task's store; one that is damaged, or cannot be used (which may be known before), is wiped, and comes back
    /// from the changelog.
    pub(super) fn open(&mut self, partition: u32, damage: Option<String>) -> Result<TaskState, WorkerError> {
        let directory = self.directory(partition);
        let open = || RocksBackend::open(&directory, &STORES, &self.place.memory);
        let found = match damage.map_or_else(open, |why| Err(StateError::Corrupt { path: String::new(), why })) {
            Ok(store) => Ok(store),
            Err(StateError::Corrupt { why, .. }) => Err(why),
            Err(other) => return Err(other.into()),
        };
        let path = directory.display().to_string();
        let checkpoint = match &found {
            Ok(store) => Ok(store.checkpoint()?),
            Err(why) => Err(why.clone()),
        };
        let why = match (self.fate(partition, checkpoint, &path)?, found) {
            (Fate::Keep, Ok(store)) => return self.keep(partition, store),
            (Fate::Keep, Err(why)) | (Fate::Rebuild(why), _) => why,
        };
        tracing::error!(path, why, "local state cannot be used: wiping it, to rebuild it from the changelog");
        rocks::wipe(&directory)?;
        let store = open()?;
        self.keep(partition, store)
    }

    pub(super) fn directory(&self, partition: u32) -> PathBuf {
        self.place.state_dir.join(&self.names.stage).join(partition.to_string())
    }

    fn fate(&self, partition: u32, found: Result<Checkpoint, String>, path: &str) -> Result<Fate, WorkerError> {
        let changelog = self.names.changelog(partition);
        let beginning = patiently(self.stop, "reading the changelog's beginning", || self.admin.beginning(&changelog))?;
        let end = patiently(self.stop, "reading the changelog's end", || self.admin.end(&changelog, End::Written))?;
        let origin = patiently(self.stop, "looking the topics up", || self.origin(partition))?;
        let fate = fate(found, &origin, Extent { beginning, end });
        if let (Ok(Fate::Keep), true) = (&fate, beginning > 0) {
            tracing::error!(
                %changelog, beginning, path,
                "the changelog lacks its beginning: no state can be rebuilt from it, so keep this one"
            );
        }
        fate.map_err(|refusal| {
            let refusal = self.names.refusal(partition, &refusal);
            WorkerError::Halted(format!("{refusal}. Its local state is in {path}"))
        })
    }

    fn keep(&mut self, partition: u32, store: RocksBackend) -> Result<TaskState, WorkerError> {
        let store = Arc::new(store);
        self.stores.insert(partition, Store::new(store.clone()));
        Ok(TaskState::within(self.place.memory.room(), store)?)
    }
}
