//! A task over the model, in words.

use std::sync::Arc;

use bytes::Bytes;
use tradewind_state::{Range, Room, StateError, TaskState, model::ModelDisk};

pub fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// A task over the model.
pub struct Task {
    pub disk: ModelDisk,
    pub state: TaskState,
}

impl Task {
    /// One that keeps nothing in memory that its backend has.
    pub fn new() -> Self {
        Self::with_room(0)
    }

    pub fn with_room(bytes: usize) -> Self {
        let disk = ModelDisk::new();
        let backend = Arc::new(disk.open(&[0, 1]).expect("opened"));
        let state = TaskState::within(&Room::new(bytes), backend).expect("a task");
        Self { disk, state }
    }

    pub fn put(&mut self, key: &str, value: &str) {
        self.state.put(0, key.as_bytes(), bytes(value));
    }

    pub fn delete(&mut self, key: &str) {
        self.state.delete(0, key.as_bytes());
    }

    pub fn accept(&mut self) {
        self.state.accept();
    }

    pub fn commit(&mut self, position: i64) {
        self.state.accept();
        self.state.commit(Some(position), Some(position), position * 10);
    }

    /// A flush to its end.
    pub fn flush(&mut self) {
        while let Some(batch) = self.state.batch() {
            self.state.backend().apply(batch).expect("applied");
            self.state.flushed();
        }
    }

    pub fn listed(&self) -> Vec<String> {
        listed(self.state.scan(0, Range::prefix(b""), usize::MAX))
    }

    pub fn committed(&self) -> Vec<String> {
        listed(self.state.reader().read(|cut| cut.scan(0, Range::prefix(b""), usize::MAX)))
    }
}

pub fn listed(found: Result<Vec<(Bytes, Bytes)>, StateError>) -> Vec<String> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    found.expect("scanned").iter().map(|(key, value)| format!("{}={}", text(key), text(value))).collect()
}
