//! The seeded world: who does what next, what breaks, and whether the books are right in the end.

use std::{collections::BTreeMap, collections::HashMap, sync::Arc};

use bytes::Bytes;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tradewind_runtime::{Effect, Input, Layout, Limits, Names, Opened, STATE, STORES, TIMERS};
use tradewind_schemas::Timestamp;
use tradewind_state::{
    Backend, Range, TaskState,
    model::{Call, Fault},
};
use tradewind_topics::{Append, CommitError, TopicPartition, partition_of};

use crate::{
    bugs::Bug,
    log::{End, NodeId, SimLog},
    node::Node,
    workload::{Chain, Expected, OUTPUT, SOURCE},
};

const PARTITIONS: u32 = 3;
const NODES: usize = 3;
/// How long faults go on, in steps, and how long the world has to come to rest afterwards.
const STORM: u64 = 2_000;
const CALM: u64 = 60_000;
/// A transaction older than this is aborted; a silent member loses its partitions after this.
const TRANSACTION_TIMEOUT: u64 = 120;
const SESSION_TIMEOUT: u64 = 60;

/// How the model's disk says that a read failed.
const READ_FAULT: &str = "input/output error";

pub struct World {
    rng: ChaCha8Rng,
    log: SimLog,
    nodes: Vec<Node>,
    layout: Layout,
    names: Names,
    step: u64,
    produced: u64,
    bug: Option<Bug>,
    pub trace: Vec<String>,
    pub crashes: u64,
    /// Commits whose answer was lost: when they take effect, and for which epoch.
    delayed: Vec<(u64, NodeId, u64)>,
}

impl World {
    pub fn new(seed: u64, bug: Option<Bug>) -> Self {
        let topics = [SOURCE, OUTPUT, "chain.changelog", "chain.commands.dlq"];
        let partitions: HashMap<_, _> = topics.iter().map(|topic| ((*topic).to_owned(), PARTITIONS)).collect();
        let layout = Layout::new("sim", partitions);
        let names = Names::new(layout.clone(), "chain", SOURCE);
        let mut log = SimLog::default();
        log.bug = bug;
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            log,
            nodes: (0..NODES).map(|_| Node::down()).collect(),
            layout,
            names,
            step: 0,
            produced: 0,
            bug,
            trace: Vec::new(),
            crashes: 0,
            delayed: Vec::new(),
        }
    }

    /// Storm, calm, and the reckoning.
    pub fn run(&mut self) -> Result<(), String> {
        while self.step < STORM {
            self.tick()?;
        }
        while !self.at_rest() {
            if self.step > STORM + CALM {
                return Err(format!("the world does not come to rest: {}", self.picture()));
            }
            self.tick()?;
        }
        self.reckon()
    }

    fn storm(&self) -> bool {
        self.step < STORM
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.step as i64)
    }

    fn chance(&mut self, one_in: u32) -> bool {
        self.rng.random_ratio(1, one_in)
    }

    fn say(&mut self, what: impl FnOnce() -> String) {
        self.trace.push(format!("{:>6} {}", self.step, what()));
    }

    fn tick(&mut self) -> Result<(), String> {
        self.step += 1;
        // In between nothing comes for a while, so that timers are all there is to do.
        if self.storm() && (self.step / 100).is_multiple_of(2) && self.chance(3) {
            self.produce();
        }
        self.settle_delayed();
        self.time_out();
        self.rebalance();
        let id = self.rng.random_range(0..NODES);
        if self.nodes[id].worker.is_none() {
            if !self.storm() || self.chance(10) {
                self.start(id);
            }
            return Ok(());
        }
        if self.storm() && self.chance(150) {
            self.crash(id);
            return Ok(());
        }
        if self.storm() && self.chance(200) {
            let until = self.step + self.rng.random_range(10..3 * SESSION_TIMEOUT);
            self.nodes[id].asleep_until = until;
            self.say(|| format!("node {id} sleeps until {until}"));
        }
        if self.nodes[id].asleep_until > self.step {
            return Ok(());
        }
        if self.storm() && self.chance(100) {
            self.fail_a_read(id);
        }
        self.act(id)
    }

    fn produce(&mut self) {
        self.produced += 1;
        let key = format!("key-{}", self.rng.random_range(0..6));
        let value = if self.chance(25) { "p".to_owned() } else { format!("{}", self.produced) };
        let to = TopicPartition::new(self.layout.physical(SOURCE), partition_of(key.as_bytes(), PARTITIONS));
        let timestamp = self.now().millis();
        self.log.produce(Append {
            to,
            timestamp,
            key: Some(key.into()),
            value: Some(value.into()),
            headers: Vec::new(),
        });
    }

    fn start(&mut self, id: NodeId) {
        // Its identity is static: the session of the run before ends with this one's beginning.
        self.log.owners.retain(|_, owner| *owner != id);
        let epoch = self.log.take_epoch(id);
        let limits = Limits { outputs: 8, commit_ms: 20, flush_bytes: 400, retry_ms: 5 };
        self.nodes[id].start(&self.layout, limits, epoch);
        self.say(|| format!("node {id} starts with epoch {epoch}"));
    }

    fn crash(&mut self, id: NodeId) {
        self.crashes += 1;
        let rng = &mut self.rng;
        self.nodes[id].crash(|| rng.random());
        self.say(|| format!("node {id} crashes"));
        // Its session ends at once or after its time-out; ownership stays until then.
        if self.chance(2) {
            self.log.owners.retain(|_, owner| *owner != id);
        }
    }

    /// One of its disks will fail a read: the record in hand must wait, and leave nothing behind.
    fn fail_a_read(&mut self, id: NodeId) {
        let running = |partition: &&u32| self.nodes[id].fetching.contains_key(partition);
        let Some(partition) = self.nodes[id].stores.keys().find(running).copied() else { return };
        if self.nodes[id].todo.is_empty() {
            self.nodes[id].disks[&partition].fail_next(Fault::Io(Call::Get));
            self.say(|| format!("node {id}'s disk {partition} will fail a read"));
        }
    }

    /// A commit whose answer was lost takes effect late, unless a newer epoch came before it.
    fn settle_delayed(&mut self) {
        let (due, later): (Vec<_>, Vec<_>) = self.delayed.drain(..).partition(|(at, ..)| *at <= self.step);
        self.delayed = later;
        for (_, id, epoch) in due {
            let end = self.log.commit(id, epoch);
            self.say(|| format!("node {id}'s delayed commit: {end:?}"));
        }
    }

    fn time_out(&mut self) {
        for id in 0..NODES {
            let node = &self.nodes[id];
            let old = self.step.saturating_sub(node.transaction_since) > TRANSACTION_TIMEOUT;
            if self.log.is_open(id) && (node.worker.is_none() || old) {
                if node.worker.is_none() && self.step.saturating_sub(node.transaction_since) <= TRANSACTION_TIMEOUT / 4
                {
                    continue;
                }
                self.log.take_epoch(id);
                self.say(|| format!("node {id}'s transaction is aborted by time"));
            }
            let silent = self.nodes[id].asleep_until > self.step + SESSION_TIMEOUT || self.nodes[id].worker.is_none();
            if silent && self.log.owners.values().any(|owner| *owner == id) && self.rng.random_ratio(1, 20) {
                self.log.owners.retain(|_, owner| *owner != id);
                self.nodes[id].in_group = false;
                self.say(|| format!("node {id} has timed out of the group"));
            }
        }
    }

    /// Range over the members that are there; who must give a partition back is told, and gives it back first.
    fn rebalance(&mut self) {
        for id in 0..NODES {
            let node = &mut self.nodes[id];
            if node.worker.is_none() || node.asleep_until > self.step {
                continue;
            }
            let lost: Vec<_> = node.assigned.iter().copied().filter(|p| self.log.owners.get(p) != Some(&id)).collect();
            if !lost.is_empty() {
                node.assigned.retain(|p| !lost.contains(p));
                node.revoking.retain(|p| !lost.contains(p));
                node.inputs.push_back(Input::Lost(lost.clone()));
                node.in_group = true;
                self.say(|| format!("node {id} lost {lost:?}"));
            }
            self.nodes[id].in_group = true;
        }
        let members: Vec<_> =
            (0..NODES).filter(|id| self.nodes[*id].worker.is_some() && self.nodes[*id].in_group).collect();
        if members.is_empty() {
            return;
        }
        for partition in 0..PARTITIONS {
            let target = members[partition as usize % members.len()];
            match self.log.owners.get(&partition).copied() {
                None => {
                    self.log.owners.insert(partition, target);
                    *self.log.grants.entry(partition).or_default() += 1;
                    self.nodes[target].assigned.insert(partition);
                    self.nodes[target].inputs.push_back(Input::Assigned(vec![partition]));
                    self.say(|| format!("node {target} gets {partition}"));
                }
                Some(owner) if owner != target && self.nodes[owner].assigned.contains(&partition) => {
                    if self.nodes[owner].worker.is_some() && self.nodes[owner].revoking.insert(partition) {
                        self.nodes[owner].inputs.push_back(Input::Revoked(vec![partition]));
                        self.say(|| format!("node {owner} is to give back {partition}"));
                    }
                }
                Some(_) => {}
            }
        }
    }

    /// One effect or one input of a node.
    fn act(&mut self, id: NodeId) -> Result<(), String> {
        if let Some(effect) = self.nodes[id].todo.pop_front() {
            return self.carry_out(id, effect);
        }
        if let Some(input) = self.nodes[id].inputs.pop_front() {
            self.tell(id, input);
            return Ok(());
        }
        if let Some((&partition, &from)) = self.nodes[id].restoring.iter().next() {
            let most = self.rng.random_range(1..6);
            let (records, position) = self.log.read(&self.names.changelog(partition), from, most);
            self.nodes[id].restoring.insert(partition, position);
            self.tell(id, Input::Restored { partition, records, position });
            return Ok(());
        }
        let fetching: Vec<_> = self.nodes[id].fetching.clone().into_iter().collect();
        if !fetching.is_empty() && !self.chance(4) {
            let (partition, from) = fetching[self.rng.random_range(0..fetching.len())];
            let most = self.rng.random_range(1..6);
            let (records, position) = self.log.read(&self.names.source(partition), from, most);
            self.nodes[id].fetching.insert(partition, position);
            if !records.is_empty() {
                self.tell(id, Input::Records(records));
                return Ok(());
            }
        }
        self.tell(id, Input::Idle);
        Ok(())
    }

    fn tell(&mut self, id: NodeId, input: Input) {
        let now = self.now();
        let Some(worker) = &mut self.nodes[id].worker else { return };
        let effects = worker.step(now, input);
        // What it says now comes after what it said before, and before whatever happens next.
        self.nodes[id].todo.extend(effects);
    }

    fn carry_out(&mut self, id: NodeId, effect: Effect) -> Result<(), String> {
        let epoch = self.nodes[id].epoch;
        match effect {
            Effect::Open(partition) => {
                let Some(positions) = self.positions(partition) else {
                    self.nodes[id].todo.push_front(Effect::Open(partition));
                    return Ok(());
                };
                let grant = self.log.grants.get(&partition).copied().unwrap_or_default();
                self.nodes[id].granted.insert(partition, grant);
                let disk = self.nodes[id].disks.entry(partition).or_default().clone();
                let store =
                    Arc::new(disk.open(&STORES).map_err(|e| format!("node {id} cannot open {partition}: {e}"))?);
                self.nodes[id].stores.insert(partition, store.clone());
                let mut state = TaskState::new(store).map_err(|e| e.to_string())?;
                if self.bug == Some(Bug::RestoreSkipsChangelog) {
                    let end = self.log.stable_end(&self.names.changelog(partition));
                    let checkpoint = state.checkpoint();
                    let source = self.log.stable_offset(&self.names.source(partition)).ok().flatten();
                    if checkpoint.changelog < end {
                        let checkpoint = tradewind_state::Checkpoint { changelog: end, source, ..checkpoint };
                        state.restore(Vec::new(), checkpoint);
                    }
                }
                self.tell(id, Input::Opened(partition, Opened { state: Some(state), ..positions }));
            }
            Effect::Reopen(partition) => {
                let Some(mut positions) = self.positions(partition) else {
                    self.nodes[id].todo.push_front(Effect::Reopen(partition));
                    return Ok(());
                };
                if self.bug == Some(Bug::NoReplayAfterUnknown)
                    && let Some(state) = self.nodes[id].worker.as_ref().and_then(|worker| worker.state(partition))
                {
                    positions.changelog_end = state.checkpoint().changelog;
                    positions.group = Some(state.checkpoint().source.unwrap_or(0));
                }
                self.tell(id, Input::Opened(partition, positions));
            }
            Effect::Restore { partition, from } => {
                self.nodes[id].restoring.insert(partition, from);
            }
            Effect::Serve { partition, .. } => {
                self.nodes[id].restoring.remove(&partition);
            }
            Effect::Start { partition, at } => {
                self.nodes[id].restoring.remove(&partition);
                self.nodes[id].fetching.insert(partition, at);
            }
            Effect::Append(records) => {
                self.nodes[id].transaction_since = self.step;
                self.log.append(id, epoch, records);
            }
            Effect::Commit(positions) => self.commit(id, epoch, &positions),
            Effect::Recover => {
                let epoch = self.log.take_epoch(id);
                self.nodes[id].epoch = epoch;
                self.say(|| format!("node {id} takes epoch {epoch}"));
                self.tell(id, Input::Recovered);
            }
            Effect::Rejoin => {
                // What it was told before is about a session that is over.
                self.log.owners.retain(|_, owner| *owner != id);
                let node = &mut self.nodes[id];
                node.assigned.clear();
                node.revoking.clear();
                node.inputs.clear();
                node.fetching.clear();
                node.restoring.clear();
                node.epoch = self.log.take_epoch(id);
            }
            Effect::Flush { partition, mut batch } => {
                if self.bug == Some(Bug::FlushLosesAChange) {
                    batch.changes.pop();
                }
                let result = self.nodes[id].stores[&partition].apply(batch);
                self.tell(id, Input::Flushed { partition, result });
            }
            Effect::Close(partition) => {
                let node = &mut self.nodes[id];
                node.fetching.remove(&partition);
                node.restoring.remove(&partition);
                if let Some(store) = node.stores.remove(&partition) {
                    store.sync().map_err(|e| e.to_string())?;
                }
            }
            Effect::Release => {
                let node = &mut self.nodes[id];
                for partition in std::mem::take(&mut node.revoking) {
                    node.assigned.remove(&partition);
                    self.log.owners.remove(&partition);
                }
            }
            Effect::Leave => {}
            // A disk that cannot be read when a task begins ends the process, as it should; it is started again.
            Effect::Halt(why) if why.ends_with(READ_FAULT) => self.crash(id),
            Effect::Halt(why) => return Err(format!("node {id} halts: {why}")),
        }
        Ok(())
    }

    fn commit(&mut self, id: NodeId, epoch: u64, positions: &[(TopicPartition, i64)]) {
        let moved = |(partition, position): &&(TopicPartition, i64)| {
            self.log.stable_offset(partition).ok().flatten() != Some(*position)
        };
        let moved: Vec<_> = positions.iter().filter(moved).cloned().collect();
        let positions = if self.bug == Some(Bug::UnmovedPositionsLeftOut) { &moved[..] } else { positions };
        if !self.log.send_positions(id, epoch, &self.nodes[id].granted, positions) {
            self.say(|| format!("node {id} is fenced"));
            self.tell(id, Input::NotCommitted(CommitError::Fenced("simulated".to_owned())));
            return;
        }
        if self.storm() && self.chance(12) {
            // The answer is lost: the commit happened, or will, or will not.
            match self.rng.random_range(0..3) {
                0 => {
                    self.log.commit(id, epoch);
                    self.say(|| format!("node {id} committed, and is not told"));
                }
                1 => {
                    let at = self.step + self.rng.random_range(1..30);
                    self.delayed.push((at, id, epoch));
                    self.say(|| format!("node {id}'s commit is under way until {at}"));
                }
                _ => self.say(|| format!("node {id}'s commit is lost")),
            }
            self.tell(id, Input::NotCommitted(CommitError::Unknown("simulated".to_owned())));
            return;
        }
        let input = match self.log.commit(id, epoch) {
            End::Committed(receipt) => Input::Committed(receipt),
            End::Fenced => Input::NotCommitted(CommitError::Fenced("simulated".to_owned())),
        };
        self.say(|| format!("node {id} commits {positions:?}"));
        self.tell(id, input);
    }

    /// `None` while they are not settled.
    fn positions(&self, partition: u32) -> Option<Opened> {
        let group = self.log.stable_offset(&self.names.source(partition)).ok()?;
        let changelog = self.names.changelog(partition);
        let changelog_end = match self.bug {
            Some(Bug::RestoreToStaleEnd) => self.log.stable_end(&changelog).saturating_sub(4),
            _ => self.log.written_end(&changelog),
        };
        Some(Opened { state: None, group, changelog_end, origin: "sim".to_owned() })
    }

    /// Everything is read, decided and committed, and no timer is left.
    fn at_rest(&self) -> bool {
        if self.nodes.iter().any(|node| node.worker.is_none() || node.asleep_until > self.step) {
            return false;
        }
        let idle = |node: &Node| {
            node.todo.is_empty() && node.inputs.is_empty() && node.restoring.is_empty() && node.revoking.is_empty()
        };
        let quiet = self.nodes.iter().all(idle) && self.delayed.is_empty();
        quiet
            && (0..PARTITIONS).all(|partition| {
                let source = self.names.source(partition);
                let Some(owner) = self.log.owners.get(&partition) else { return false };
                let Some(worker) = &self.nodes[*owner].worker else { return false };
                let Some(state) = worker.state(partition) else { return false };
                let timers = state.scan(TIMERS, Range::prefix(&[]), 1).map_or(true, |rows| rows.is_empty());
                let position = state.checkpoint().source.unwrap_or(0);
                let (left, _) = self.log.read(&source, position, 1);
                timers
                    && left.is_empty()
                    && !worker.is_dirty()
                    && self.log.stable_end(&source) == self.log.written_end(&source)
            })
    }

    /// Who has what, for a reader of a failure.
    fn picture(&self) -> String {
        let nodes = self.nodes.iter().enumerate().map(|(id, node)| {
            format!(
                "node {id}: up {}, assigned {:?}, revoking {:?}, effects {}, inputs {}, restoring {:?}, fetching {:?}, dirty {:?}",
                node.worker.is_some(),
                node.assigned,
                node.revoking,
                node.todo.len(),
                node.inputs.len(),
                node.restoring,
                node.fetching,
                node.worker.as_ref().map(tradewind_runtime::Worker::is_dirty)
            )
        });
        let nodes: Vec<_> = nodes.collect();
        format!("owners {:?}\n{}", self.log.owners, nodes.join("\n"))
    }

    /// What the committed records say happened is what happened.
    fn reckon(&mut self) -> Result<(), String> {
        for partition in 0..PARTITIONS {
            let (records, _) = self.log.read(&self.names.source(partition), 0, usize::MAX);
            let expected = Expected::of(&records);
            if expected.timers_set != expected.timers_fired {
                let Expected { timers_set, timers_fired, .. } = expected;
                return Err(format!("partition {partition}: {timers_set} timers were set, {timers_fired} fired"));
            }
            let output = TopicPartition::new(self.layout.physical(OUTPUT), partition);
            let mut chains: BTreeMap<Bytes, Vec<Chain>> = BTreeMap::new();
            for record in self.log.read(&output, 0, usize::MAX).0 {
                let (Some(key), Some(value)) = (record.key, record.value) else { continue };
                chains.entry(key).or_default().push(Chain::read(&value));
            }
            if chains != expected.chains {
                return Err(format!(
                    "partition {partition}: the outputs are not those of its records, once each and in order"
                ));
            }
            let dead = TopicPartition::new(self.layout.physical("chain.commands.dlq"), partition);
            let dead = self.log.read(&dead, 0, usize::MAX).0.len();
            if dead != expected.poisoned {
                return Err(format!(
                    "partition {partition}: {} poisoned records, {dead} dead letters",
                    expected.poisoned
                ));
            }
            self.reckon_state(partition, &expected)?;
        }
        Ok(())
    }

    fn reckon_state(&self, partition: u32, expected: &Expected) -> Result<(), String> {
        let owner = self.log.owners.get(&partition).ok_or("a partition has no owner")?;
        let state = self.nodes[*owner].worker.as_ref().and_then(|worker| worker.state(partition));
        let state = state.ok_or("a partition has no task")?;
        for (key, chains) in &expected.chains {
            let there = state.get(STATE, key).map_err(|e| e.to_string())?.map(|bytes| Chain::read(&bytes));
            if there.as_ref() != chains.last() {
                return Err(format!(
                    "partition {partition}: the state of {key:?} is {there:?}, not {:?}",
                    chains.last()
                ));
            }
        }
        Ok(())
    }
}
