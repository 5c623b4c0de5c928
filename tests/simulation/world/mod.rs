//! The seeded world: who does what next, until the storm is over and everything has come to rest.

mod committing;
mod driving;
mod rebalancing;
mod rest;
mod standbys;
mod storm;

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::Bytes;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tradewind_runtime::{Input, Layout, Limits};
use tradewind_schemas::Timestamp;
use tradewind_state::TaskState;
use tradewind_topics::{Append, Record};

use crate::{
    bugs::Bug,
    counts::Counts,
    disk::Medium,
    group::Group,
    log::SimLog,
    member::{Member, MemberId, Todo},
    trace::Trace,
};

/// What comes from outside of the workers, what others than workers do, and whether the books are right in the end.
pub trait Workload {
    /// Something may come, once a step of the storm.
    fn arrive(&mut self, world: &mut World);

    /// One step of a member that is no worker.
    fn act(&mut self, _: &mut World, _: MemberId) -> Result<(), String> {
        Ok(())
    }

    /// Once a step after the storm.
    fn see_to_it(&mut self, _: &mut World) {}

    /// Whether nothing is under way outside of the workers.
    fn at_rest(&self, _: &World) -> bool {
        true
    }

    /// What the state of a task shows to a reader now is what its position says.
    fn look(&mut self, _: &World, _: MemberId, _: u32) -> Result<(), String> {
        Ok(())
    }

    /// What the committed records say happened is what happened.
    fn reckon(&mut self, world: &mut World) -> Result<(), String>;
}

/// How a world is built and how long it goes on.
pub struct Plan {
    /// How long faults go on, in steps, and how long the world has to come to rest afterwards.
    pub storm: u64,
    pub calm: u64,
    /// How long a step takes, in milliseconds.
    pub pace: RangeInclusive<i64>,
    /// So many processes, each with a member of every group.
    pub processes: usize,
    /// How much rarer than in a world of one group anything goes wrong.
    pub rarity: u32,
    pub limits: Limits,
    /// Bytes for the rows of each task.
    pub room: usize,
    /// What a record is, for a person.
    pub describe: fn(&str, Option<&Bytes>, Option<&Bytes>) -> String,
}

/// No commit of a world has so many bytes.
pub const LARGE: usize = 1 << 20;

/// When a world begins: the second of January 1970.
const BEGINNING: i64 = 100_000_000;

pub struct World {
    pub rng: ChaCha8Rng,
    pub log: SimLog,
    pub layout: Layout,
    pub groups: Vec<Group>,
    pub members: Vec<Member>,
    pub step: u64,
    /// The true time, in milliseconds.
    pub now: i64,
    pub bug: Option<Bug>,
    pub trace: Trace,
    pub counts: Counts,
    /// What the clock of whoever acts says: for stages that break the rule not to look.
    pub wall_clock: Arc<AtomicI64>,
    plan: Plan,
    medium: Medium,
    /// By how much the clock of each process is wrong.
    skews: Vec<i64>,
    /// Commits whose answer was lost: when they take effect, and for which epoch.
    delayed: Vec<(u64, MemberId, u64)>,
    /// When something was last done.
    busy: u64,
}

impl World {
    /// `groups` is built for the layout; each gets a member in every process.
    pub fn new(seed: u64, bug: Option<Bug>, layout: Layout, groups: Vec<Group>, plan: Plan, medium: Medium) -> Self {
        let mut members = Vec::new();
        for process in 0..plan.processes {
            for (number, group) in groups.iter().enumerate() {
                members.push(Member::down(format!("{}@{process}", group.names.stage), number, process));
            }
        }
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            log: SimLog::new(bug),
            layout,
            groups,
            members,
            step: 0,
            now: BEGINNING,
            bug,
            trace: Trace::default(),
            counts: Counts::default(),
            wall_clock: Arc::default(),
            skews: vec![0; plan.processes],
            plan,
            medium,
            delayed: Vec::new(),
            busy: 0,
        }
    }

    /// Storm, calm, and the reckoning.
    pub fn run(&mut self, workload: &mut impl Workload) -> Result<(), String> {
        while self.is_storm() {
            self.tick(workload)?;
        }
        self.end_storm();
        while !(self.step.is_multiple_of(16) && self.at_rest() && workload.at_rest(self)) {
            if self.step > self.plan.storm + self.plan.calm {
                return Err(format!("the world does not come to rest:\n{}", self.picture()));
            }
            workload.see_to_it(self);
            self.pass_the_time();
            self.tick(workload)?;
        }
        self.counts.add("steps", self.step);
        workload.reckon(self)
    }

    pub fn is_storm(&self) -> bool {
        self.step < self.plan.storm
    }

    pub fn is(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    pub fn chance(&mut self, one_in: u32) -> bool {
        self.rng.random_ratio(1, one_in)
    }

    /// In the storm only.
    pub fn strikes(&mut self, one_in: u32) -> bool {
        self.is_storm() && self.chance(one_in * self.plan.rarity)
    }

    pub fn say(&mut self, what: impl FnOnce() -> String) {
        self.trace.say(self.step, self.now - BEGINNING, what);
    }

    /// What its clock shows to a member.
    pub fn clock(&self, id: MemberId) -> Timestamp {
        Timestamp::from_millis(self.now + self.skews[self.members[id].process])
    }

    /// Somebody outside writes a record.
    pub fn produce(&mut self, append: Append) {
        let what = self.trace.on.then(|| self.of_append(&append));
        if let Some(what) = what {
            self.say(|| format!("from outside: {what}"));
        }
        self.busy = self.step;
        self.log.produce(append);
    }

    /// Something was done: time does not pass by itself.
    pub fn is_busy(&mut self) {
        self.busy = self.step;
    }

    fn tick(&mut self, workload: &mut impl Workload) -> Result<(), String> {
        self.step += 1;
        self.now += self.rng.random_range(self.plan.pace.clone());
        if self.is_storm() {
            workload.arrive(self);
        }
        self.settle_delayed();
        self.time_out();
        self.rebalance();
        self.strike();
        let id = self.rng.random_range(0..self.members.len());
        if !self.members[id].up {
            if !self.is_storm() || self.chance(10 / self.plan.rarity) {
                self.start(id);
            }
            return Ok(());
        }
        if self.is_struck(id) || !self.members[id].is_awake(self.step) {
            return Ok(());
        }
        if self.groups[self.members[id].group].stage.is_none() {
            return workload.act(self, id);
        }
        self.act(id)?;
        if self.chance(40) {
            self.look(id, workload)?;
        }
        Ok(())
    }

    /// Somebody asks one of its tasks.
    fn look(&mut self, id: MemberId, workload: &mut impl Workload) -> Result<(), String> {
        let member = &self.members[id];
        // A state in restore that nobody has seen yet may have a part of a large commit, or what was written of a flush
        // that was cut off.
        let state = |partition: &u32| member.worker.as_ref()?.state(*partition);
        let is_cut_off = |partition: &u32| {
            state(partition).map(TaskState::checkpoint).is_some_and(|checkpoint| checkpoint.rows > checkpoint.changelog)
        };
        let parts = |partition: &u32| self.plan.limits.restore_bytes < LARGE || is_cut_off(partition);
        let whole = |partition: &u32| member.served.contains(partition) || !parts(partition);
        let restoring = member.restoring.keys().filter(|partition| whole(partition));
        let served: Vec<_> = member.fetching.keys().chain(restoring).copied().collect();
        let fair = |partition: &u32| member.disks.get(partition).is_some_and(|disk| disk.is_fair());
        let Some(partition) = served.into_iter().find(fair) else { return Ok(()) };
        if member.worker.as_ref().is_none_or(|worker| worker.state(partition).is_none()) {
            return Ok(());
        }
        self.counts.one("looks at a state");
        let (group, is_restored) = (member.group, member.restoring.contains_key(&partition));
        // A changelog that lost records to compaction shows, halfway, what never was.
        if is_restored && !self.log.is_compacted(&self.groups[group].names.changelog(partition)) {
            self.counts.one("looks in a restore");
        }
        workload.look(self, id, partition)
    }

    /// One effect or one input of a worker.
    fn act(&mut self, id: MemberId) -> Result<(), String> {
        let source = self.members[id].group;
        if let Some(todo) = self.members[id].todo.pop_front() {
            self.busy = self.step;
            return match todo {
                Todo::Carry(effect) => self.carry_out(id, effect),
                Todo::LookUpEnd { partition, state, group } => self.look_up_end(id, partition, state, group),
                Todo::NotStaged => {
                    self.not_staged(id);
                    Ok(())
                }
            };
        }
        if let Some(input) = self.members[id].inputs.pop_front() {
            self.tell(id, input);
            return Ok(());
        }
        if self.members[id].slow_until <= self.step
            && let Some((&partition, &from)) = self.members[id].restoring.iter().next()
        {
            self.restore(id, partition, from);
            return Ok(());
        }
        let follows = !self.members[id].following.is_empty() && self.members[id].slow_until <= self.step;
        if follows && self.chance(4) {
            self.follow(id);
            return Ok(());
        }
        let fetching: Vec<_> = self.members[id].fetching.iter().map(|(partition, from)| (*partition, *from)).collect();
        if !fetching.is_empty() && !self.chance(4) {
            let (partition, from) = fetching[self.rng.random_range(0..fetching.len())];
            let most = self.rng.random_range(1..6);
            let isolation = self.isolation(Bug::SourceReadUncommitted);
            let (records, position) =
                self.log.read(&self.groups[source].names.source(partition), from, most, isolation);
            self.members[id].fetching.insert(partition, position);
            if !records.is_empty() {
                self.tell(id, Input::Records(records));
                return Ok(());
            }
        }
        self.tell(id, Input::Idle);
        Ok(())
    }

    /// Tells a worker; what it says to do now comes after what it said before, and before whatever happens next.
    pub fn tell(&mut self, id: MemberId, input: Input) {
        let now = self.clock(id);
        self.wall_clock.store(now.millis(), Ordering::Relaxed);
        if self.trace.on
            && let Input::Records(records) = &input
        {
            let records: Vec<_> = records.iter().map(|record| self.of_record(record)).collect();
            let name = self.members[id].name.clone();
            self.say(|| format!("{name} reads {}", records.join(", ")));
        }
        if !matches!(input, Input::Idle) {
            self.busy = self.step;
        }
        let Some(worker) = &mut self.members[id].worker else { return };
        let effects = worker.step(now, input);
        if !effects.is_empty() {
            self.busy = self.step;
        }
        self.members[id].todo.extend(effects.into_iter().map(Todo::Carry));
    }

    fn of_record(&self, record: &Record) -> String {
        let what = (self.plan.describe)(&record.source.topic, record.key.as_ref(), record.value.as_ref());
        format!("{}:{} {what}", record.source, record.offset)
    }

    pub fn of_append(&self, append: &Append) -> String {
        let what = (self.plan.describe)(&append.to.topic, append.key.as_ref(), append.value.as_ref());
        format!("{} {what}", append.to)
    }

    /// Why a run ended as it did, whoever panicked.
    pub fn said(panic: &(dyn std::any::Any + Send)) -> String {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("it panicked: {}", text.unwrap_or_default())
    }
}
