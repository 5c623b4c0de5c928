//! Opening the stores of tasks and standbys: as they are, or as they have to be made first.

use std::{
    panic,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use tradewind_state::{
    Backend, Checkpoint, StateError, TaskState,
    rocks::{self, RocksBackend, SharedMemory},
};
use tradewind_topics::{End, LogError};

use super::{
    Driver, Store, WorkerError,
    unplaced::{Holds, Unplaced},
};
use crate::{
    entity::STORES,
    fate::{Extent, Fate, fate},
    patience::patiently,
};

/// So many stores are opened at a time: most of it is waiting for the disk.
const SIDE_BY_SIDE: usize = 8;

/// A store to be opened, with what decides on what becomes of it.
struct Wanted {
    partition: u32,
    /// Known before it is opened.
    damage: Option<String>,
    origin: String,
    changelog: Extent,
}

/// What is there, or why it cannot be used.
type Found = Result<(RocksBackend, Checkpoint), String>;

impl Driver<'_> {
    /// Opens the stores of all tasks that wait for it.
    pub(super) fn open_tasks(&mut self) -> Result<(), WorkerError> {
        let closed = self.unplaced.iter().filter_map(|(partition, task)| match &task.holds {
            Holds::Closed(damage) => Some((*partition, damage.clone())),
            _ => None,
        });
        for (partition, state) in self.open(self.wanted(closed.collect())?)? {
            self.unplaced.insert(partition, Unplaced::opened(state));
        }
        Ok(())
    }

    pub(super) fn open_standby(&mut self, partition: u32) -> Result<TaskState, WorkerError> {
        let wanted = || self.wanted(vec![(partition, None)]);
        let wanted = patiently(self.stop, "looking up the changelog of a standby", wanted)?;
        let opened = self.open(wanted)?.into_iter().next();
        Ok(opened.ok_or_else(|| LogError::Misuse(format!("nothing is known of the standby {partition}")))?.1)
    }

    /// Looks up, for all of them together, what their changelogs have.
    fn wanted(&self, stores: Vec<(u32, Option<String>)>) -> Result<Vec<Wanted>, LogError> {
        let changelogs: Vec<_> = stores.iter().map(|(partition, _)| self.names.changelog(*partition)).collect();
        let beginnings = self.admin.beginnings(&changelogs)?;
        let ends = self.admin.ends(&changelogs, End::Written)?;
        let wanted = stores.into_iter().zip(beginnings).zip(ends).map(|(((partition, damage), beginning), end)| {
            let origin = self.origin(partition)?;
            Ok(Wanted { partition, damage, origin, changelog: Extent { beginning, end } })
        });
        wanted.collect()
    }

    /// Opens stores, several at a time; one that is damaged, or cannot be used, is wiped, and comes back from the
    /// changelog.
    fn open(&mut self, wanted: Vec<Wanted>) -> Result<Vec<(u32, TaskState)>, WorkerError> {
        let mut opened = Vec::with_capacity(wanted.len());
        let mut wanted = wanted.into_iter().peekable();
        while wanted.peek().is_some() {
            let some = wanted.by_ref().take(SIDE_BY_SIDE).map(|wanted| (self.directory(wanted.partition), wanted));
            for (found, wanted) in open_all(some.collect(), &self.place.memory)? {
                let partition = wanted.partition;
                let store = Arc::new(self.settle(found?, wanted)?);
                self.stores.insert(partition, Store::new(store.clone()));
                opened.push((partition, TaskState::within(self.place.memory.room(), store)?));
            }
        }
        Ok(opened)
    }

    pub(super) fn directory(&self, partition: u32) -> PathBuf {
        self.place.state_dir.join(&self.names.stage).join(partition.to_string())
    }

    /// Keeps the store that was found, or makes a new one.
    fn settle(&self, found: Found, wanted: Wanted) -> Result<RocksBackend, WorkerError> {
        let Wanted { partition, origin, changelog, .. } = wanted;
        let directory = self.directory(partition);
        let path = directory.display().to_string();
        let (store, checkpoint) = match found {
            Ok((store, checkpoint)) => (Ok(store), Ok(checkpoint)),
            Err(why) => (Err(why.clone()), Err(why)),
        };
        let fate = fate(checkpoint, &origin, changelog).map_err(|refusal| {
            let refusal = self.names.refusal(partition, &refusal);
            WorkerError::Halted(format!("{refusal}. Its local state is in {path}"))
        })?;
        let why = match (fate, store) {
            (Fate::Keep, Ok(store)) => {
                if changelog.beginning > 0 {
                    tracing::error!(
                        changelog = %self.names.changelog(partition), beginning = changelog.beginning, path,
                        "the changelog lacks its beginning: no state can be rebuilt from it, so keep this one"
                    );
                }
                return Ok(store);
            }
            (Fate::Keep, Err(why)) | (Fate::Rebuild(why), _) => why,
        };
        tracing::error!(path, why, "local state cannot be used: wiping it, to rebuild it from the changelog");
        rocks::wipe(&directory)?;
        Ok(RocksBackend::open(&directory, &STORES, &self.place.memory)?)
    }
}

type Opening = (Result<Found, StateError>, Wanted);

/// Opens all of these stores at the same time.
fn open_all(wanted: Vec<(PathBuf, Wanted)>, memory: &SharedMemory) -> Result<Vec<Opening>, LogError> {
    thread::scope(|scope| {
        let opening = wanted.into_iter().map(|(directory, wanted)| {
            let (memory, damage) = (memory.clone(), wanted.damage.clone());
            let thread = thread::Builder::new().name("opening".to_owned());
            let thread = thread.spawn_scoped(scope, move || open_one(&directory, &memory, damage));
            let thread =
                thread.map_err(|cause| LogError::Io { what: "no thread to open a store".to_owned(), cause })?;
            Ok((thread, wanted))
        });
        let opening: Vec<_> = opening.collect::<Result<_, LogError>>()?;
        let found = |(thread, wanted): (thread::ScopedJoinHandle<'_, _>, _)| {
            (thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)), wanted)
        };
        Ok(opening.into_iter().map(found).collect())
    })
}

fn open_one(directory: &Path, memory: &SharedMemory, damage: Option<String>) -> Result<Found, StateError> {
    if let Some(why) = damage {
        return Ok(Err(why));
    }
    match RocksBackend::open(directory, &STORES, memory) {
        Ok(store) => {
            let checkpoint = store.checkpoint()?;
            Ok(Ok((store, checkpoint)))
        }
        Err(StateError::Corrupt { why, .. }) => Ok(Err(why)),
        Err(other) => Err(other),
    }
}
