//! A simulated member of a group: a worker or an executor, what it still has to do, its disks, and what it believes of
//! the world.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use tradewind_runtime::{Effect, Input, Layout, Limits, Processing, Worker};
use tradewind_state::TaskState;
use tradewind_topics::Offset;

use crate::{
    disk::{Disk, Medium, Store},
    group::Group,
};

/// Its number in the world, and its transactional identity.
pub type MemberId = usize;

/// The largest value, in bytes, that the log takes.
const LARGEST: usize = 1 << 20;

/// What a driver has still to do.
pub enum Todo {
    Carry(Effect),
    /// The second half of looking positions up: the group's offset is known, the changelog's end is not.
    LookUpEnd {
        partition: u32,
        state: Option<TaskState>,
        group: Option<Offset>,
    },
    /// Instead of a commit: the transaction's records did not all get through.
    NotStaged,
}

pub struct Member {
    pub name: String,
    pub group: usize,
    pub process: usize,
    pub up: bool,
    /// `None` while it is down, and always where it is not a worker.
    pub worker: Option<Worker>,
    pub epoch: u64,
    /// The epoch that it started with: another one is another life.
    pub life: u64,
    pub todo: VecDeque<Todo>,
    pub inputs: VecDeque<Input>,
    /// A disk for each partition: they outlive the process.
    pub disks: BTreeMap<u32, Disk>,
    pub stores: BTreeMap<u32, Arc<Store>>,
    /// Where it fetches next.
    pub fetching: BTreeMap<u32, Offset>,
    pub restoring: BTreeMap<u32, Offset>,
    /// Where it reads on for its standbys.
    pub following: BTreeMap<u32, Offset>,
    /// When it last did.
    pub followed: i64,
    /// Tasks that go on with what their standbys had.
    pub taking_over: BTreeSet<u32>,
    /// Tasks whose state is given to readers.
    pub served: BTreeSet<u32>,
    /// What it was told that it owns, and what it has been told to give back.
    pub assigned: BTreeSet<u32>,
    pub revoking: BTreeSet<u32>,
    /// The grants that it acts on: it may have lost and regained a partition that it has not let go yet.
    pub granted: BTreeMap<u32, u64>,
    /// It does nothing until that step: a process that is stopped, swapped out, or in a long pause.
    pub asleep_until: u64,
    /// Its restores stand still until that step.
    pub slow_until: u64,
    pub in_group: bool,
    /// When its transaction began, in steps.
    pub transaction_since: u64,
}

impl Member {
    pub fn down(name: String, group: usize, process: usize) -> Self {
        Self {
            name,
            group,
            process,
            up: false,
            worker: None,
            epoch: 0,
            life: 0,
            todo: VecDeque::new(),
            inputs: VecDeque::new(),
            disks: BTreeMap::new(),
            stores: BTreeMap::new(),
            fetching: BTreeMap::new(),
            restoring: BTreeMap::new(),
            following: BTreeMap::new(),
            followed: 0,
            taking_over: BTreeSet::new(),
            served: BTreeSet::new(),
            assigned: BTreeSet::new(),
            revoking: BTreeSet::new(),
            granted: BTreeMap::new(),
            asleep_until: 0,
            slow_until: 0,
            in_group: false,
            transaction_since: 0,
        }
    }

    pub fn start(&mut self, group: &Group, layout: &Layout, limits: Limits, epoch: u64) {
        if let Some(stage) = &group.stage {
            let processing = Processing::new(stage.clone(), layout.clone(), LARGEST, group.parks);
            self.worker = Some(Worker::new(processing, group.names.clone(), limits));
        }
        self.up = true;
        self.epoch = epoch;
        self.life = epoch;
        self.in_group = true;
    }

    /// The process dies; its disks keep what they please of what was not synced.
    pub fn crash(&mut self, mut choice: impl FnMut() -> u64) {
        for disk in self.disks.values_mut() {
            disk.crash(choice());
        }
        let disks = std::mem::take(&mut self.disks);
        *self = Self { disks, ..Self::down(std::mem::take(&mut self.name), self.group, self.process) };
    }

    /// Its session is over: what it was told in it counts no more.
    pub fn forget_session(&mut self) {
        self.assigned.clear();
        self.revoking.clear();
        self.inputs.clear();
        self.fetching.clear();
        self.restoring.clear();
    }

    pub fn disk(&mut self, partition: u32, medium: &Medium) -> &mut Disk {
        let name = &self.name;
        self.disks.entry(partition).or_insert_with(|| medium.disk(&format!("{name}/{partition}")))
    }

    pub fn is_awake(&self, step: u64) -> bool {
        self.up && self.asleep_until <= step
    }

    pub fn is_idle(&self) -> bool {
        self.todo.is_empty() && self.inputs.is_empty() && self.restoring.is_empty() && self.revoking.is_empty()
    }
}
