//! A simulated process: a worker, what it still has to do, its disks, and what it believes of the world.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tradewind_runtime::{Effect, Input, Layout, Limits, Names, Processing, Worker};
use tradewind_state::model::{ModelBackend, ModelDisk};
use tradewind_topics::Offset;

use std::sync::Arc;

use crate::workload::{ChainStage, SOURCE};

pub struct Node {
    /// `None` while it is down.
    pub worker: Option<Worker>,
    pub epoch: u64,
    pub todo: VecDeque<Effect>,
    pub inputs: VecDeque<Input>,
    /// A disk for each partition: they outlive the process.
    pub disks: BTreeMap<u32, ModelDisk>,
    pub stores: BTreeMap<u32, Arc<ModelBackend>>,
    /// Where it fetches next.
    pub fetching: BTreeMap<u32, Offset>,
    pub restoring: BTreeMap<u32, Offset>,
    /// What it was told that it owns, and what it has been told to give back.
    pub assigned: BTreeSet<u32>,
    pub revoking: BTreeSet<u32>,
    /// The grants that its worker acts on: it may have lost and regained a partition that it has not let go yet.
    pub granted: BTreeMap<u32, u64>,
    /// It does nothing until that step: a process that is stopped, swapped out, or in a long pause.
    pub asleep_until: u64,
    pub in_group: bool,
    /// When its transaction began, in steps.
    pub transaction_since: u64,
}

impl Node {
    pub fn down() -> Self {
        Self {
            worker: None,
            epoch: 0,
            todo: VecDeque::new(),
            inputs: VecDeque::new(),
            disks: BTreeMap::new(),
            stores: BTreeMap::new(),
            fetching: BTreeMap::new(),
            restoring: BTreeMap::new(),
            assigned: BTreeSet::new(),
            revoking: BTreeSet::new(),
            granted: BTreeMap::new(),
            asleep_until: 0,
            in_group: false,
            transaction_since: 0,
        }
    }

    pub fn start(&mut self, layout: &Layout, limits: Limits, epoch: u64) {
        let processing = Processing::new(Arc::new(ChainStage), layout.clone(), 1 << 20, false);
        let names = Names::new(layout.clone(), "chain", SOURCE);
        self.worker = Some(Worker::new(processing, names, limits));
        self.epoch = epoch;
        self.in_group = true;
    }

    /// The process dies; its disks keep what they please of what was not synced.
    pub fn crash(&mut self, mut choice: impl FnMut() -> u64) {
        let disks = std::mem::take(&mut self.disks);
        *self = Self { disks, ..Self::down() };
        for disk in self.disks.values() {
            disk.crash(choice());
        }
    }
}
