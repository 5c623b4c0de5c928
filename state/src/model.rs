//! The store backend as a model: in memory, deterministic, and able to lose, tear and refuse writes.
//!
//! A [`ModelDisk`] stands for a task's directory and outlives the backends that are opened on it. Nothing in here is
//! random: who crashes it chooses what is lost.

mod contents;

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::{Backend, Batch, Checkpoint, Range, StateError, StoreId};
use contents::Contents;

/// What the state calls itself in errors.
const PATH: &str = "model";
/// The format that this model writes.
const FORMAT: u32 = 1;

/// A fault to come. The call that meets it fails and changes nothing but what is said here. After one that was met by
/// a write, as after RocksDB's, writes are refused until the state is opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No space is left on the device.
    NoSpace(Call),
    /// The device answers with an I/O error.
    Io(Call),
    /// The next [`Backend::apply`] fails half-way, and the half stays on the disk: the state is damaged from then on.
    Torn,
}

/// Which call a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Apply,
    Sync,
    /// [`Backend::get`] and [`Backend::scan`].
    Get,
}

/// A task's directory. Clones are the same one.
#[derive(Clone, Default)]
pub struct ModelDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What survives a crash for certain.
    durable: Contents,
    /// What was applied since, oldest first.
    unsynced: Vec<Batch>,
    /// Both together: what reads see.
    applied: Contents,
    faults: VecDeque<Fault>,
    damage: Option<&'static str>,
    /// What the last write met, while the state stays open.
    broken: Option<&'static str>,
    /// 0 for the one that this model writes.
    newer_format: u32,
    opened: u64,
    /// Which opening has the disk.
    owner: Option<u64>,
}

impl ModelDisk {
    pub fn new() -> Self {
        Self::default()
    }

    /// # Errors
    /// As of the real one: [`StateError::InUse`], [`StateError::Newer`], [`StateError::Corrupt`].
    pub fn open(&self, stores: &[StoreId]) -> Result<ModelBackend, StateError> {
        let mut state = self.state.lock();
        if state.owner.is_some() {
            return Err(StateError::InUse { path: PATH.to_owned() });
        }
        if state.newer_format > FORMAT {
            return Err(StateError::Newer { path: PATH.to_owned(), format: state.newer_format });
        }
        state.intact()?;
        state.opened += 1;
        state.owner = Some(state.opened);
        state.broken = None;
        Ok(ModelBackend { disk: self.clone(), opening: state.opened, stores: stores.to_vec() })
    }

    /// The process dies: the backend that is open answers no more, and the disk is as it was at the last sync or at
    /// some later batch. `choice` says at which one, of as many as there are.
    pub fn crash(&self, choice: u64) {
        let mut state = self.state.lock();
        state.owner = None;
        let unsynced = std::mem::take(&mut state.unsynced);
        let kept = choice % (unsynced.len() as u64 + 1);
        for (_, batch) in (0..kept).zip(unsynced) {
            state.durable.apply(batch);
        }
        state.applied = state.durable.clone();
    }

    /// How many batches a crash could lose.
    pub fn unsynced(&self) -> usize {
        self.state.lock().unsynced.len()
    }

    /// Queues a fault for the next call that it is about.
    pub fn fail_next(&self, fault: Fault) {
        self.state.lock().faults.push_back(fault);
    }

    /// Damages what is there, as a bad sector would: the next to open it is told.
    pub fn damage(&self) {
        self.state.lock().damage = Some("a block does not match its checksum");
    }

    /// Makes it what a newer release has written.
    pub fn write_newer_format(&self) {
        self.state.lock().newer_format = FORMAT + 1;
    }

    /// Removes the state. Faults still to come stay.
    ///
    /// # Errors
    /// [`StateError::InUse`] while it is open.
    pub fn wipe(&self) -> Result<(), StateError> {
        let mut state = self.state.lock();
        if state.owner.is_some() {
            return Err(StateError::InUse { path: PATH.to_owned() });
        }
        let (faults, opened) = (std::mem::take(&mut state.faults), state.opened);
        *state = State { faults, opened, ..State::default() };
        Ok(())
    }
}

impl State {
    fn intact(&self) -> Result<(), StateError> {
        match self.damage {
            Some(why) => Err(StateError::Corrupt { path: PATH.to_owned(), why: why.to_owned() }),
            None => Ok(()),
        }
    }

    /// Takes the first fault for this call out of the queue.
    fn meet(&mut self, call: Call, doing: &'static str) -> Result<(), StateError> {
        let writes = call != Call::Get;
        if let (true, Some(why)) = (writes, self.broken) {
            return Err(io(doing, why));
        }
        let about = |fault: &Fault| match fault {
            Fault::NoSpace(of) | Fault::Io(of) => *of == call,
            Fault::Torn => call == Call::Apply,
        };
        let at = self.faults.iter().position(about);
        let Some(fault) = at.and_then(|at| self.faults.remove(at)) else { return Ok(()) };
        if fault == Fault::Torn {
            self.damage = Some("a batch is there in part");
        }
        let why = if matches!(fault, Fault::NoSpace(_)) { "no space left on device" } else { "input/output error" };
        if writes {
            self.broken = Some(why);
        }
        Err(io(doing, why))
    }
}

/// One opening of a [`ModelDisk`].
pub struct ModelBackend {
    disk: ModelDisk,
    opening: u64,
    stores: Vec<StoreId>,
}

impl ModelBackend {
    fn with<T>(
        &self,
        doing: &'static str,
        f: impl FnOnce(&mut State) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let mut state = self.disk.state.lock();
        if state.owner != Some(self.opening) {
            return Err(io(doing, "the process that had it open has crashed"));
        }
        state.intact()?;
        f(&mut state)
    }

    fn known(&self, store: StoreId, doing: &'static str) -> Result<(), StateError> {
        if self.stores.contains(&store) { Ok(()) } else { Err(io(doing, &format!("the task has no store {store}"))) }
    }
}

impl Backend for ModelBackend {
    fn get(&self, store: StoreId, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        self.known(store, "read")?;
        self.with("read", |state| {
            state.meet(Call::Get, "read")?;
            Ok(state.applied.get(store, key))
        })
    }

    fn scan(&self, store: StoreId, range: Range<'_>, limit: usize) -> Result<Vec<(Bytes, Bytes)>, StateError> {
        self.known(store, "read")?;
        self.with("read", |state| {
            state.meet(Call::Get, "read")?;
            Ok(state.applied.scan(store, range, limit))
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), StateError> {
        batch.changes.iter().try_for_each(|(store, ..)| self.known(*store, "written"))?;
        self.with("written", |state| {
            state.meet(Call::Apply, "written")?;
            state.applied.apply(batch.clone());
            state.unsynced.push(batch);
            Ok(())
        })
    }

    fn sync(&self) -> Result<(), StateError> {
        self.with("synced", |state| {
            state.meet(Call::Sync, "synced")?;
            for batch in std::mem::take(&mut state.unsynced) {
                state.durable.apply(batch);
            }
            Ok(())
        })
    }

    fn checkpoint(&self) -> Result<Checkpoint, StateError> {
        self.with("read", |state| Ok(state.applied.checkpoint.clone()))
    }
}

impl Drop for ModelBackend {
    fn drop(&mut self) {
        let mut state = self.disk.state.lock();
        if state.owner == Some(self.opening) {
            state.owner = None;
        }
    }
}

fn io(doing: &'static str, why: &str) -> StateError {
    StateError::Io { path: PATH.to_owned(), doing, why: why.to_owned() }
}
