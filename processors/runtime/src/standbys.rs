//! Which tasks of others this process is to stand by for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use parking_lot::RwLock;

/// Told by whoever knows the members, followed by the workers of each stage. Clones are the same one.
#[derive(Clone, Default)]
pub struct Standbys(Arc<RwLock<BTreeMap<String, BTreeSet<u32>>>>);

impl Standbys {
    /// For these partitions of the stage, and for no others of it.
    pub fn set(&self, stage: &str, partitions: BTreeSet<u32>) {
        self.0.write().insert(stage.to_owned(), partitions);
    }

    /// `Some` where it is other than what is known.
    pub(crate) fn news(&self, stage: &str, known: &BTreeSet<u32>) -> Option<BTreeSet<u32>> {
        self.0.read().get(stage).filter(|wanted| *wanted != known).cloned()
    }
}
