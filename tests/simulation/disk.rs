//! A task's disk: the model, or a directory that RocksDB keeps; and what can happen to either.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;
use tempfile::TempDir;
use tradewind_runtime::STORES;
use tradewind_state::{
    Backend, Batch, Checkpoint, Range, StateError, StoreId,
    model::{Fault, ModelDisk},
    rocks::{self, RocksBackend, SharedMemory},
};

/// How a failing disk says so. A process that ends for this is in its right.
const NO_SPACE: &str = "no space left on device";
const IO_FAULT: &str = "input/output error";
/// Of the memory of all stores of a world, in bytes.
const MEMORY: usize = 64 << 20;

/// Whether the environment is to blame for this.
pub fn is_disk_fault(why: &str) -> bool {
    [NO_SPACE, IO_FAULT, "is damaged"].iter().any(|fault| why.contains(fault))
}

/// What the disks of a world are.
#[derive(Clone)]
pub enum Medium {
    Model,
    Rocks { home: Arc<TempDir>, memory: SharedMemory },
}

impl Medium {
    pub fn rocks() -> io::Result<Self> {
        Ok(Self::Rocks { home: Arc::new(tempfile::tempdir()?), memory: SharedMemory::new(MEMORY) })
    }

    pub fn disk(&self, name: &str) -> Disk {
        let state = match self {
            Self::Model => State::Model(ModelDisk::new()),
            Self::Rocks { home, memory } => {
                let (memory, _home) = (memory.clone(), home.clone());
                State::Rocks { home: home.path().join(name), copy: 0, memory, _home }
            }
        };
        Disk { state, weather: Arc::default(), backup: None }
    }
}

enum State {
    Model(ModelDisk),
    Rocks { home: PathBuf, copy: u32, memory: SharedMemory, _home: Arc<TempDir> },
}

#[derive(Default)]
struct Weather {
    full: bool,
    /// The next read fails.
    reads_fail: bool,
    /// A write has failed: no other is taken until the store is opened again.
    broken: bool,
}

pub struct Disk {
    state: State,
    weather: Arc<Mutex<Weather>>,
    backup: Option<Batch>,
}

impl Disk {
    /// Opens what is there, for one process at a time.
    pub fn open(&self) -> Result<Store, StateError> {
        let inner: Box<dyn Backend> = match &self.state {
            State::Model(disk) => Box::new(disk.open(&STORES)?),
            State::Rocks { memory, .. } => Box::new(RocksBackend::open(&self.directory(), &STORES, memory)?),
        };
        self.weather.lock().broken = false;
        Ok(Store { inner, weather: self.weather.clone() })
    }

    fn directory(&self) -> PathBuf {
        match &self.state {
            State::Model(_) => PathBuf::new(),
            State::Rocks { home, copy, .. } => home.join(copy.to_string()),
        }
    }

    /// The process dies, before it closes anything: the disk keeps what it pleases of what was not synced.
    pub fn crash(&mut self, choice: u64) {
        self.weather.lock().reads_fail = false;
        if let State::Model(disk) = &self.state {
            disk.crash(choice);
            return;
        }
        // What the operating system has of it now: closing the store, as the dying process must here, would write more.
        let before = self.directory();
        if let State::Rocks { copy, .. } = &mut self.state {
            *copy += 1;
        }
        // Files may come and go meanwhile: then it is no copy of any moment, and is made anew.
        while let Err(error) = copy_files(&before, &self.directory()) {
            let is_late = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::Interrupted);
            assert!(is_late, "{}: {error}", before.display());
            fs::remove_dir_all(self.directory()).expect("a directory in a temporary one can be removed");
        }
    }

    /// Somebody removes the state, or the disk is replaced. It must not be open.
    pub fn wipe(&mut self) -> Result<(), StateError> {
        match &self.state {
            State::Model(disk) => disk.wipe(),
            State::Rocks { .. } => rocks::wipe(&self.directory()),
        }
    }

    /// Keeps a copy of what this store of it holds.
    pub fn back_up(&mut self, store: &Store) -> Result<(), StateError> {
        let mut changes = Vec::new();
        for id in STORES {
            let rows = store.inner.scan(id, Range::prefix(&[]), usize::MAX)?;
            changes.extend(rows.into_iter().map(|(key, value)| (id, key, Some(value))));
        }
        self.backup = Some(Batch { changes, checkpoint: store.inner.checkpoint()? });
        Ok(())
    }

    /// Puts the copy back, if there is one. It must not be open.
    pub fn restore_backup(&mut self) -> Result<bool, StateError> {
        let Some(backup) = self.backup.clone() else { return Ok(false) };
        self.wipe()?;
        let store = self.open()?;
        store.inner.apply(backup)?;
        store.inner.sync()?;
        Ok(true)
    }

    /// A block goes bad; `false` where it cannot be done.
    pub fn damage(&self) -> bool {
        let State::Model(disk) = &self.state else { return false };
        disk.damage();
        true
    }

    /// The next write stays half done; `false` where it cannot be done.
    pub fn tear(&self) -> bool {
        let State::Model(disk) = &self.state else { return false };
        disk.fail_next(Fault::Torn);
        true
    }

    pub fn fill(&self, full: bool) {
        self.weather.lock().full = full;
    }

    pub fn fail_a_read(&self) {
        self.weather.lock().reads_fail = true;
    }

    pub fn is_fair(&self) -> bool {
        let weather = self.weather.lock();
        !(weather.full || weather.reads_fail)
    }

    /// The storm is over.
    pub fn mend(&self) {
        let mut weather = self.weather.lock();
        weather.full = false;
        weather.reads_fail = false;
    }
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    if !from.exists() {
        return Ok(());
    }
    let before = sizes(from)?;
    for name in before.keys() {
        fs::copy(from.join(name), to.join(name))?;
    }
    if sizes(from)? == before { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
}

fn sizes(of: &Path) -> io::Result<BTreeMap<OsString, u64>> {
    fs::read_dir(of)?.map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.metadata()?.len())))).collect()
}

/// A store on a disk that has its moods.
pub struct Store {
    inner: Box<dyn Backend>,
    weather: Arc<Mutex<Weather>>,
}

impl Store {
    fn reading(&self) -> Result<(), StateError> {
        if std::mem::take(&mut self.weather.lock().reads_fail) { Err(fault("read", IO_FAULT)) } else { Ok(()) }
    }

    fn writing(&self, doing: &'static str) -> Result<(), StateError> {
        let mut weather = self.weather.lock();
        weather.broken |= weather.full;
        if weather.broken { Err(fault(doing, NO_SPACE)) } else { Ok(()) }
    }
}

impl Backend for Store {
    fn get(&self, store: StoreId, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        self.reading()?;
        self.inner.get(store, key)
    }

    fn scan(&self, store: StoreId, range: Range<'_>, limit: usize) -> Result<Vec<(Bytes, Bytes)>, StateError> {
        self.reading()?;
        self.inner.scan(store, range, limit)
    }

    fn apply(&self, batch: Batch) -> Result<(), StateError> {
        self.writing("written")?;
        self.inner.apply(batch)
    }

    fn sync(&self) -> Result<(), StateError> {
        self.writing("synced")?;
        self.inner.sync()
    }

    fn checkpoint(&self) -> Result<Checkpoint, StateError> {
        self.inner.checkpoint()
    }
}

fn fault(doing: &'static str, why: &str) -> StateError {
    StateError::Io { path: "simulated".to_owned(), doing, why: why.to_owned() }
}
