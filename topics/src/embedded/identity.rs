//! Who may commit under a transactional id: the holder of its latest epoch.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use rocksdb::WriteBatch;

use super::rocks::Rocks;
use crate::LogError;

/// A transactional id and its epoch. The epoch changes under the commit lock only.
pub struct Identity {
    pub id: Arc<str>,
    epoch: AtomicU64,
}

impl Identity {
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Puts the next epoch into the batch. It counts with [`take`](Self::take), once the batch was written.
    pub fn prepare(&self, rocks: &Rocks, batch: &mut WriteBatch) -> Result<u64, LogError> {
        let key = [b"epoch/", self.id.as_bytes()].concat();
        let stored = match rocks.get(rocks.meta(), &key)? {
            Some(value) => value
                .try_into()
                .map(u64::from_be_bytes)
                .map_err(|_| rocks.nonsense(format!("the epoch of {}", self.id)))?,
            None => 0,
        };
        let next = stored.max(self.epoch()) + 1;
        batch.put_cf(rocks.meta(), key, next.to_be_bytes());
        Ok(next)
    }

    pub fn take(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Release);
    }
}

/// The identities used since the log was opened.
#[derive(Default)]
pub struct Identities(Mutex<HashMap<Arc<str>, Arc<Identity>>>);

impl Identities {
    pub fn get(&self, id: &Arc<str>) -> Arc<Identity> {
        let new = || Arc::new(Identity { id: id.clone(), epoch: AtomicU64::new(0) });
        self.0.lock().entry(id.clone()).or_insert_with(new).clone()
    }
}
