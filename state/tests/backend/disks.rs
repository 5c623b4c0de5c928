//! The two backends' disks, as the suite needs them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use tradewind_state::{
    Backend, StateError, StoreId,
    model::ModelDisk,
    rocks::{self, RocksBackend, SharedMemory},
};

/// A task's directory.
pub trait Disk {
    fn open(&self, stores: &[StoreId]) -> Result<Arc<dyn Backend>, StateError>;
    /// The process that has this open dies now.
    fn crash(&mut self, opened: Arc<dyn Backend>);
    /// While nobody has it open.
    fn damage(&self);
    fn write_newer_format(&self);
    fn wipe(&self) -> Result<(), StateError>;
}

pub struct Model {
    disk: ModelDisk,
}

impl Model {
    pub fn new() -> Self {
        Self { disk: ModelDisk::new() }
    }
}

impl Disk for Model {
    fn open(&self, stores: &[StoreId]) -> Result<Arc<dyn Backend>, StateError> {
        Ok(Arc::new(self.disk.open(stores)?))
    }

    fn crash(&mut self, _opened: Arc<dyn Backend>) {
        self.disk.crash(0);
    }

    fn damage(&self) {
        self.disk.damage();
    }

    fn write_newer_format(&self) {
        self.disk.write_newer_format();
    }

    fn wipe(&self) -> Result<(), StateError> {
        self.disk.wipe()
    }
}

pub struct Rocks {
    root: TempDir,
    crashes: u32,
    memory: SharedMemory,
}

impl Rocks {
    pub fn new() -> Self {
        Self { root: TempDir::new().expect("a temporary directory"), crashes: 0, memory: SharedMemory::new(8 << 20) }
    }

    pub fn dir(&self) -> PathBuf {
        self.root.path().join(format!("task-{}", self.crashes))
    }
}

impl Disk for Rocks {
    fn open(&self, stores: &[StoreId]) -> Result<Arc<dyn Backend>, StateError> {
        Ok(Arc::new(RocksBackend::open(&self.dir(), stores, &self.memory)?))
    }

    /// What a dead process leaves behind is what its files hold at that moment.
    fn crash(&mut self, opened: Arc<dyn Backend>) {
        let before = self.dir();
        self.crashes += 1;
        copy(&before, &self.dir()).expect("a copy of the files");
        drop(opened);
    }

    fn damage(&self) {
        let tables: Vec<_> = files(&self.dir()).filter(|path| path.extension().is_some_and(|e| e == "sst")).collect();
        assert!(!tables.is_empty(), "nothing was synced");
        for table in tables {
            let mut bytes = fs::read(&table).expect("a table");
            let middle = bytes.len() / 3;
            bytes[..middle].iter_mut().for_each(|byte| *byte = !*byte);
            bytes.truncate(middle * 2);
            fs::write(&table, bytes).expect("damage");
        }
    }

    fn write_newer_format(&self) {
        fs::write(self.dir().join("FORMAT"), "tradewind-state 2\n").expect("a newer marker");
    }

    fn wipe(&self) -> Result<(), StateError> {
        rocks::wipe(&self.dir())
    }
}

pub fn files(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in files(from) {
        fs::copy(&file, to.join(file.file_name().unwrap_or_default()))?;
    }
    Ok(())
}
