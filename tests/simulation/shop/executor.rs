//! An executor of payment intents: the books of the real one (what was taken, begun and ended; what it reads and
//! writes), driven here without threads, clock or network.

use std::{collections::BTreeMap, time::Duration};

use rand::Rng;
use tradewind_connectors::stripe::executor::{
    partition::{Partition, Phase},
    reading::Unread,
    records::Records,
    restoring::{Progress, Restoring},
};
use tradewind_runtime::Input;
use tradewind_schemas::payment::GatewayResult;
use tradewind_topics::{Append, Offset, TopicPartition};

use super::{codecs::codecs, feed::Feed, gateway::Gateway, names_of};
use crate::{bugs::Bug, log::Isolation, member::MemberId, world::World};

/// In steps: how long the calls under way may hold up a hand-over.
const HAND_OVER: u64 = 100;

struct Held {
    partition: Partition,
    /// What its restore reads.
    feed: Feed,
}

pub struct Executor {
    id: MemberId,
    /// Which life of the member this is.
    pub life: u64,
    records: Option<Records>,
    held: BTreeMap<u32, Held>,
    incarnations: u64,
    /// The transaction is written, and to be committed with these positions.
    committing: Option<Vec<(TopicPartition, Offset)>>,
    /// To be given back, at the latest in that step.
    leaving: Option<(Vec<u32>, u64)>,
    bug: Option<Bug>,
}

impl Executor {
    pub fn new(id: MemberId, life: u64, bug: Option<Bug>) -> Self {
        let incarnations = life * 1_000_000 + id as u64 * 100_000;
        let (records, held, committing, leaving) = (None, BTreeMap::new(), None, None);
        Self { id, life, records, held, incarnations, committing, leaving, bug }
    }

    pub fn is_idle(&self) -> bool {
        let idle = |held: &Held| held.partition.unfinished() == 0 && !held.partition.is_dirty();
        self.committing.is_none() && self.leaving.is_none() && self.held.values().all(idle)
    }

    /// One thing that there is to do.
    pub fn act(&mut self, world: &mut World, gateway: &mut Gateway) -> Result<(), String> {
        if self.records.is_none() {
            self.records = Some(Records::new(codecs().clone(), &world.layout).map_err(|e| e.to_string())?);
        }
        if let Some(positions) = self.committing.take() {
            return self.commit(world, gateway, &positions);
        }
        if self.leaving.is_some() {
            return self.wind_up(world, gateway);
        }
        if let Some(input) = world.members[self.id].inputs.pop_front() {
            self.hear(world, input);
            return Ok(());
        }
        if let Some(number) = world.members[self.id].restoring.keys().next().copied() {
            return self.restore(world, number);
        }
        if world.chance(2) {
            self.fetch(world);
            return Ok(());
        }
        self.settle(world, gateway)
    }

    fn hear(&mut self, world: &mut World, input: Input) {
        match input {
            Input::Assigned(partitions) => {
                for number in partitions {
                    if !self.open(world, number) {
                        world.members[self.id].inputs.push_front(Input::Assigned(vec![number]));
                    }
                }
            }
            Input::Revoked(partitions) => {
                for number in &partitions {
                    if let Some(held) = self.held.get_mut(number) {
                        held.partition.close();
                    }
                    world.members[self.id].fetching.remove(number);
                    world.members[self.id].restoring.remove(number);
                }
                self.leaving = Some((partitions, world.step + HAND_OVER));
            }
            Input::Lost(partitions) => {
                partitions.iter().for_each(|number| self.drop_partition(world, *number));
            }
            _ => {}
        }
    }

    /// The group's stable position first, then the end of what earlier executors did; `false` while it is not settled.
    fn open(&mut self, world: &mut World, number: u32) -> bool {
        let Some(records) = &self.records else { return false };
        let (intents, source) = (records.intents(number), records.attempts(number));
        let Some(position) = world.log.stable_offset(&intents) else { return false };
        let end = world.log.written_end(&source);
        let grant = world.groups[world.members[self.id].group].grants.get(&number).copied().unwrap_or_default();
        self.drop_partition(world, number);
        let member = &mut world.members[self.id];
        member.granted.insert(number, grant);
        member.restoring.insert(number, 0);
        self.incarnations += 1;
        let feed = Feed::default();
        let restoring = Restoring { reader: Box::new(feed.clone()), source, end, position, not_before: None };
        let partition = Partition::new(self.incarnations, restoring, false);
        self.held.insert(number, Held { partition, feed });
        true
    }

    fn drop_partition(&mut self, world: &mut World, number: u32) {
        self.held.remove(&number);
        world.members[self.id].fetching.remove(&number);
        world.members[self.id].restoring.remove(&number);
    }

    fn restore(&mut self, world: &mut World, number: u32) -> Result<(), String> {
        let (Some(records), Some(held)) = (&self.records, self.held.get_mut(&number)) else { return Ok(()) };
        let from = world.members[self.id].restoring[&number];
        let most = world.rng.random_range(1..20);
        let (read, position) = world.log.read(&records.attempts(number), from, most, Isolation::Committed);
        world.members[self.id].restoring.insert(number, position);
        world.is_busy();
        *held.feed.0.lock() = super::feed::Read { records: read, position };
        let Phase::Restoring(restoring) = &mut held.partition.phase else { return Ok(()) };
        let now = world.clock(self.id);
        let progress = restoring.step(&mut held.partition.attempts, records, now, Duration::ZERO);
        match progress.map_err(|e| e.to_string())? {
            Progress::More => {}
            Progress::Done => {
                held.partition.phase = Phase::Running;
                let next = held.partition.next();
                world.members[self.id].restoring.remove(&number);
                world.members[self.id].fetching.insert(number, next);
            }
            Progress::Interrupted(why) => return Err(format!("an attempt cannot be read: {why}")),
        }
        Ok(())
    }

    fn fetch(&mut self, world: &mut World) {
        let Some(records) = &self.records else { return };
        let fetching: Vec<_> = world.members[self.id].fetching.iter().map(|(number, from)| (*number, *from)).collect();
        if fetching.is_empty() {
            return;
        }
        let (number, from) = fetching[world.rng.random_range(0..fetching.len())];
        let most = world.rng.random_range(1..4);
        let (read, position) = world.log.read(&records.intents(number), from, most, Isolation::Committed);
        world.members[self.id].fetching.insert(number, position);
        let Some(held) = self.held.get_mut(&number) else { return };
        for record in read {
            if !held.partition.expects(record.offset) {
                continue;
            }
            world.is_busy();
            match records.intent(&record) {
                Ok(job) => held.partition.take(job),
                Err(Unread::Fault(why) | Unread::Environment(why)) => {
                    held.partition.put_aside(record.offset, records.dead_letter(&record, &why));
                }
            }
        }
    }

    /// Writes down all that happened since the last time, to be committed next.
    fn settle(&mut self, world: &mut World, gateway: &mut Gateway) -> Result<(), String> {
        let Some(records) = &self.records else { return Ok(()) };
        let now = world.clock(self.id);
        let mut appends: Vec<Append> = Vec::new();
        for answer in gateway.fetch(self.id) {
            let held = self.held.get_mut(&answer.partition).map(|held| &mut held.partition);
            let held = held.filter(|partition| partition.incarnation == answer.incarnation);
            let Some(job) = held.and_then(|partition| partition.finish(answer.offset)) else { continue };
            let result = match answer.result {
                GatewayResult::Unsettled { why } if self.bug == Some(Bug::TimeOutTakenForRefusal) => {
                    GatewayResult::Declined { code: "timeout".to_owned(), message: why }
                }
                result => result,
            };
            appends.push(records.report(&job, result.clone(), now).map_err(|e| e.to_string())?);
            appends.push(records.attempted(&job, result, now).map_err(|e| e.to_string())?);
        }
        let mut positions = Vec::new();
        for (number, held) in &mut self.held {
            for job in held.partition.fresh() {
                appends.push(records.attempting(&job, now).map_err(|e| e.to_string())?);
            }
            appends.extend(held.partition.dead_letters());
            if held.partition.is_dirty() {
                let position = match self.bug {
                    Some(Bug::PositionBeforeAnswer) => held.partition.next(),
                    _ => held.partition.position(),
                };
                positions.push((records.intents(*number), position));
            }
        }
        if positions.is_empty() {
            return Ok(());
        }
        world.is_busy();
        if world.append(self.id, appends) {
            self.committing = Some(positions);
        } else {
            self.recover(world);
        }
        Ok(())
    }

    fn commit(
        &mut self,
        world: &mut World,
        gateway: &mut Gateway,
        positions: &[(TopicPartition, Offset)],
    ) -> Result<(), String> {
        world.is_busy();
        if world.commit(self.id, positions).is_err() {
            self.recover(world);
            return Ok(());
        }
        for held in self.held.values_mut() {
            for job in held.partition.committed() {
                gateway.call(world, self.id, held.partition.incarnation, job);
            }
        }
        Ok(())
    }

    /// Drops all that is in memory, takes a new epoch, and reads positions and attempts anew.
    fn recover(&mut self, world: &mut World) {
        world.recover(self.id);
        let held: Vec<_> = self.held.keys().copied().collect();
        for number in held {
            self.drop_partition(world, number);
            world.members[self.id].inputs.push_front(Input::Assigned(vec![number]));
        }
        if let Some((leaving, _)) = self.leaving.take() {
            world.members[self.id].inputs.push_back(Input::Revoked(leaving));
        }
    }

    /// Settles what is answered, waits a little for what is under way, and gives the partitions back.
    fn wind_up(&mut self, world: &mut World, gateway: &mut Gateway) -> Result<(), String> {
        self.settle(world, gateway)?;
        if self.committing.is_some() {
            return Ok(());
        }
        let Some((leaving, by)) = self.leaving.take() else { return Ok(()) };
        let mut held = leaving.iter().filter_map(|number| self.held.get(number));
        if world.step < by && held.any(|held| gateway.is_waited_for(held.partition.incarnation)) {
            self.leaving = Some((leaving, by));
            return Ok(());
        }
        leaving.iter().for_each(|number| self.drop_partition(world, *number));
        let name = names_of(world, self.id).stage.clone();
        world.say(|| format!("{name} lets {leaving:?} go"));
        world.release(self.id);
        Ok(())
    }
}
