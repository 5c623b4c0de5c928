//! The platform: orders, stock and payments as they are, an executor of payments around the real one's books, a gateway
//! that misbehaves, and clients that order, cancel, repeat themselves, and receive stock.

mod accounts;
mod client;
mod codecs;
mod executor;
mod feed;
mod gateway;
mod ledger;
mod messages;
mod reckoning;
mod stages;

use std::collections::{BTreeMap, HashMap};

use rand::Rng;
use tradewind_connectors::stripe::executor::NAME;
use tradewind_runtime::{Layout, Limits, Names, changelog, dead_letters};
use tradewind_topics::{
    TopicPartition,
    list::{self, PAYMENT_INTENTS},
};

use crate::{
    bugs::Bug,
    disk::Medium,
    group::Group,
    member::MemberId,
    world::{LARGE, Plan, Workload, World},
};
use client::Clients;
use executor::Executor;
use gateway::Gateway;

const NAMESPACE: &str = "sim";
pub const PARTITIONS: u32 = 2;
const PROCESSES: usize = 2;

pub struct Shop {
    clients: Clients,
    gateway: Gateway,
    executors: BTreeMap<MemberId, Executor>,
    bug: Option<Bug>,
}

/// A world with the platform in it, and all that is outside of it.
pub fn world(seed: u64, bug: Option<Bug>, medium: Medium) -> (World, Shop) {
    let stages = stages::all(bug);
    let mut topics: Vec<String> = list::all().iter().map(|topic| topic.name.to_owned()).collect();
    topics.extend(list::all().iter().map(|topic| dead_letters(topic.name)));
    topics.extend(stages.iter().map(|(stage, _)| changelog(stage.name())));
    let partitions: HashMap<_, _> = topics.into_iter().map(|topic| (topic, PARTITIONS)).collect();
    let layout = Layout::new(NAMESPACE, partitions);
    let mut groups: Vec<_> = stages.into_iter().map(|(stage, parks)| Group::of_stage(&layout, stage, parks)).collect();
    groups.push(Group::of_topic(&layout, NAME, PAYMENT_INTENTS.name));
    // In every other seed a commit that is restored is large, and is applied in parts.
    let restore_bytes = if seed.is_multiple_of(2) { LARGE } else { 500 };
    let plan = Plan {
        storm: 6_000,
        calm: 400_000,
        pace: 0..=100,
        processes: PROCESSES,
        rarity: 3,
        limits: Limits {
            outputs: 12,
            output_bytes: 1 << 20,
            commit_ms: 200,
            flush_ms: 3_000,
            restore_bytes,
            retry_ms: 500,
        },
        room: 8_000,
        describe: codecs::describe,
    };
    let world = World::new(seed, bug, layout, groups, plan, medium);
    (world, Shop { clients: Clients::default(), gateway: Gateway::new(bug), executors: BTreeMap::new(), bug })
}

/// A partition of one of the platform's topics.
pub fn partition_of_topic(topic: &str, partition: u32) -> TopicPartition {
    TopicPartition::new(format!("{NAMESPACE}.{topic}"), partition)
}

impl Workload for Shop {
    fn arrive(&mut self, world: &mut World) {
        self.clients.arrive(world);
        self.gateway.go_on(world);
        // All of it is away for a while: a night, a power cut.
        if world.chance(2_500) {
            let away = world.rng.random_range(10..900);
            world.now += away * 1_000;
            world.counts.one("times away");
            world.say(|| format!("everything stands still for {away} s"));
        }
    }

    fn act(&mut self, world: &mut World, id: MemberId) -> Result<(), String> {
        let life = world.members[id].life;
        let bug = self.bug;
        let executor = self.executors.entry(id).or_insert_with(|| Executor::new(id, life, bug));
        if executor.life != life {
            self.gateway.hang_up(id);
            *executor = Executor::new(id, life, bug);
        }
        executor.act(world, &mut self.gateway)
    }

    fn see_to_it(&mut self, world: &mut World) {
        self.gateway.go_on(world);
        self.clients.retry_parked(world);
    }

    fn at_rest(&self, world: &World) -> bool {
        self.gateway.is_idle() && self.clients.is_done(world) && self.executors.values().all(Executor::is_idle)
    }

    fn reckon(&mut self, world: &mut World) -> Result<(), String> {
        let verdict = reckoning::reckon(world, &self.clients, &self.gateway)?;
        world.counts.add("orders confirmed", verdict.confirmed);
        world.counts.add("orders rejected", verdict.rejected);
        world.counts.add("orders cancelled", verdict.cancelled);
        Ok(())
    }
}

/// The names of a member's group.
fn names_of(world: &World, id: MemberId) -> &Names {
    &world.groups[world.members[id].group].names
}
