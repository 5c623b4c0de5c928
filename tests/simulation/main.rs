//! Deterministic simulation of the task loop: the real worker and state over a model of log and disk, a seeded
//! scheduler, and faults between any two steps. A failing seed prints the command that replays it.
//!
//! `TRADEWIND_SIM_SEEDS=100000` runs more; `TRADEWIND_SIM_SEED=17` runs one and prints its trace.

mod bugs;
mod log;
mod node;
mod workload;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bugs::Bug;
use world::World;

/// Seeds in an ordinary run.
const SEEDS: u64 = 1_000;
/// Within how many seeds each bug is found.
const BITES_WITHIN: u64 = 400;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A worker that panics (an assertion of its own) has failed, too.
fn run(seed: u64, bug: Option<Bug>) -> (Result<(), String>, World) {
    let mut world = World::new(seed, bug);
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    (result.unwrap_or_else(|_| Err("it panicked".to_owned())), world)
}

#[test]
fn every_record_takes_effect_exactly_once() {
    let seeds =
        number("TRADEWIND_SIM_SEED").map_or(0..number("TRADEWIND_SIM_SEEDS").unwrap_or(SEEDS), |one| one..one + 1);
    let one = seeds.end - seeds.start == 1;
    let mut crashes = 0;
    for seed in seeds.clone() {
        let (result, world) = run(seed, None);
        crashes += world.crashes;
        if one || result.is_err() {
            let last = world.trace.len().saturating_sub(if one { usize::MAX } else { 60 });
            println!("{}", world.trace[last..].join("\n"));
        }
        if let Err(why) = result {
            panic!(
                "seed {seed}: {why}\nreplay: TRADEWIND_SIM_SEED={seed} cargo test --workspace --test simulation every_record -- --nocapture"
            );
        }
    }
    println!("{} seeds, {crashes} crashes", seeds.end - seeds.start);
}

#[test]
fn every_broken_rule_is_found() {
    for bug in Bug::ALL {
        let found = (0..BITES_WITHIN).find_map(|seed| run(seed, Some(bug)).0.err().map(|why| (seed, why)));
        let (seed, why) = found.unwrap_or_else(|| panic!("{bug:?} was not found within {BITES_WITHIN} seeds"));
        println!("{bug:?}: found by seed {seed}: {why}");
    }
}
