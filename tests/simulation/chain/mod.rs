//! A hash chain for each key, over (count, offset, partition) of its records: one record lost, doubled or reordered
//! changes the chain for good. Every third record also sets a timer, whose command comes back as one more record of the
//! key; some records poison.

mod books;
mod stage;

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicI64},
};

use bytes::Bytes;
use rand::Rng;
use tradewind_runtime::{Layout, Limits, STATE};
use tradewind_state::{Range, StateError};
use tradewind_topics::{Append, TopicPartition, partition_of};

use crate::{
    bugs::Bug,
    disk::Medium,
    group::Group,
    member::MemberId,
    world::{LARGE, Plan, Workload, World},
};
use books::Book;
use stage::{Chain, ChainStage, DEAD_LETTERS, OUTPUT, SOURCE};

const PARTITIONS: u32 = 3;
const PROCESSES: usize = 3;
const KEYS: u32 = 6;

pub struct Chains {
    produced: u64,
    books: Vec<Book>,
}

/// A world of chains, and what comes to it.
pub fn world(seed: u64, bug: Option<Bug>, medium: Medium) -> (World, Chains) {
    let topics = [SOURCE, OUTPUT, "chain.changelog", DEAD_LETTERS];
    let partitions: HashMap<_, _> = topics.iter().map(|topic| ((*topic).to_owned(), PARTITIONS)).collect();
    let layout = Layout::new("sim", partitions);
    let wall_clock = Arc::<AtomicI64>::default();
    let stage = Arc::new(ChainStage { bug, wall_clock: wall_clock.clone() });
    let groups = vec![Group::of_stage(&layout, stage, false)];
    // In every other seed a commit that is restored is large, and is applied in parts.
    let restore_bytes = if seed.is_multiple_of(2) { LARGE } else { 200 };
    let plan = Plan {
        storm: 2_000,
        calm: 60_000,
        pace: 1..=1,
        processes: PROCESSES,
        rarity: 1,
        limits: Limits { outputs: 8, output_bytes: 1 << 20, commit_ms: 20, flush_ms: 300, restore_bytes, retry_ms: 5 },
        room: 2_000,
        describe,
    };
    let mut world = World::new(seed, bug, layout, groups, plan, medium);
    world.wall_clock = wall_clock;
    let books = (0..PARTITIONS).map(|_| Book::default()).collect();
    (world, Chains { produced: 0, books })
}

fn describe(_: &str, key: Option<&Bytes>, value: Option<&Bytes>) -> String {
    let key = key.map(|key| String::from_utf8_lossy(key).into_owned()).unwrap_or_default();
    let value = match value {
        Some(value) => Chain::read(value)
            .map_or_else(|| String::from_utf8_lossy(value).into_owned(), |chain| format!("chain of {}", chain.count)),
        None => "nothing".to_owned(),
    };
    format!("({key} = {value})")
}

impl Chains {
    fn keep_books(&mut self, world: &World) {
        for (partition, book) in (0..).zip(&mut self.books) {
            book.read_on(&world.log, &world.groups[0].names.source(partition));
        }
    }

    /// What a task shows is what the records below its position come to: all of each, none of a later one, while it is
    /// restored, too.
    fn see(&mut self, world: &World, id: MemberId, partition: u32) -> Result<Result<(), String>, StateError> {
        let member = &world.members[id];
        let restoring = member.restoring.contains_key(&partition);
        if restoring && world.log.is_compacted(&world.groups[0].names.changelog(partition)) {
            return Ok(Ok(()));
        }
        let Some(state) = member.worker.as_ref().and_then(|worker| worker.state(partition)) else {
            return Ok(Err(format!("nobody has partition {partition}")));
        };
        let (position, rows) = state.reader().read(|cut| {
            let rows = cut.scan(STATE, Range::prefix(&[]), usize::MAX)?;
            Ok((cut.checkpoint().source.unwrap_or(0), rows))
        })?;
        self.keep_books(world);
        let there = rows.into_iter().filter_map(|(key, value)| Some((key, Chain::read(&value)?))).collect();
        let expected = self.books[partition as usize].at(position);
        if expected == there {
            return Ok(Ok(()));
        }
        let name = &member.name;
        Ok(Err(format!(
            "a reader of {name}'s {partition} at position {position} (restoring: {restoring}) sees {there:?}, not {expected:?}"
        )))
    }
}

impl Workload for Chains {
    fn arrive(&mut self, world: &mut World) {
        // In between nothing comes for a while, so that timers are all there is to do.
        if !(world.step / 100).is_multiple_of(2) || !world.chance(3) {
            return;
        }
        self.produced += 1;
        let key = format!("key-{}", world.rng.random_range(0..KEYS));
        let value = if world.chance(25) { "p".to_owned() } else { self.produced.to_string() };
        let to = TopicPartition::new(world.layout.physical(SOURCE), partition_of(key.as_bytes(), PARTITIONS));
        let (timestamp, headers) = (world.now, Vec::new());
        world.produce(Append { to, timestamp, key: Some(key.into()), value: Some(value.into()), headers });
    }

    fn look(&mut self, world: &World, id: MemberId, partition: u32) -> Result<(), String> {
        // A disk that breaks under a reader says so; its task will, too.
        self.see(world, id, partition).unwrap_or(Ok(()))
    }

    fn reckon(&mut self, world: &mut World) -> Result<(), String> {
        self.keep_books(world);
        for (partition, book) in (0..).zip(&self.books) {
            let of = |topic: &str| world.log.all(&TopicPartition::new(world.layout.physical(topic), partition));
            book.check(partition, &of(OUTPUT), of(DEAD_LETTERS).len())?;
        }
        for partition in 0..PARTITIONS {
            let owner = world.groups[0].owners.get(&partition).ok_or("a partition has no owner")?;
            self.see(world, *owner, partition).map_err(|fault| fault.to_string())??;
        }
        Ok(())
    }
}
