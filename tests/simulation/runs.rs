//! Runs seeds: as many as are asked for, or one to be looked at.

use std::{
    fs,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use crate::{
    bugs::Bug,
    chain,
    counts::Counts,
    disk::Medium,
    shop,
    world::{Workload, World},
};

/// Of a failing seed, so many lines are shown; of one that was asked for, all.
const SHOWN: usize = 80;

/// A kind of world.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Hash chains and timers.
    Chain,
    /// Orders, stock and payments.
    Shop,
}

pub struct Ran {
    pub result: Result<(), String>,
    pub counts: Counts,
    pub trace: Vec<String>,
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Whether all the seeds of an ordinary run are wanted, and not those that somebody asked for.
pub fn is_ordinary() -> bool {
    number("TRADEWIND_SIM_SEED").is_none() && number("TRADEWIND_SIM_SEEDS").is_none()
}

/// The rule that is broken in every seed, if somebody asks for it.
fn broken() -> Option<Bug> {
    let name = std::env::var("TRADEWIND_SIM_BUG").ok()?;
    Bug::ALL.iter().copied().find(|bug| format!("{bug:?}") == name)
}

/// The processor time of this thread; where the system does not say, the time there is.
fn processor_time(begun: Instant) -> Duration {
    let said = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = said.and_then(|said| said.split(' ').next().and_then(|first| first.parse().ok()));
    nanos.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

/// One seed, from its beginning to its reckoning.
pub fn run(kind: Kind, seed: u64, bug: Option<Bug>, medium: Medium, traced: bool) -> Ran {
    match kind {
        Kind::Chain => go(chain::world(seed, bug, medium), traced),
        Kind::Shop => go(shop::world(seed, bug, medium), traced),
    }
}

/// A worker that panics (an assertion of its own) has failed, too.
fn go((mut world, mut workload): (World, impl Workload), traced: bool) -> Ran {
    world.trace.on = traced;
    let result = catch_unwind(AssertUnwindSafe(|| world.run(&mut workload)));
    let result = result.unwrap_or_else(|panic| Err(World::said(panic.as_ref())));
    Ran { result, counts: world.counts, trace: world.trace.lines }
}

/// Runs every seed; one that fails is run again for its trace, and ends the test with the command that replays it.
pub fn all_hold(test: &str, kind: Kind, seeds: u64, medium: impl Fn() -> Medium) -> Counts {
    let (one, bug) = (number("TRADEWIND_SIM_SEED"), broken());
    let asked = number("TRADEWIND_SIM_SEEDS").filter(|_| matches!(medium(), Medium::Model));
    let seeds = one.map_or(0..asked.unwrap_or(seeds), |one| one..one + 1);
    let (begun, mut counts) = (Instant::now(), Counts::default());
    let before = processor_time(begun);
    for seed in seeds.clone() {
        let ran = run(kind, seed, bug, medium(), one.is_some());
        counts.take_in(ran.counts);
        let lines = if one.is_some() { usize::MAX } else { SHOWN };
        match ran.result {
            Ok(()) => show(&ran.trace, lines),
            Err(why) => {
                let trace = if one.is_some() { ran.trace } else { run(kind, seed, bug, medium(), true).trace };
                show(&trace, lines);
                let bug = bug.map(|bug| format!("TRADEWIND_SIM_BUG={bug:?} ")).unwrap_or_default();
                panic!(
                    "seed {seed}: {why}\nreplay it: {bug}TRADEWIND_SIM_SEED={seed} cargo test --workspace --test simulation {test} -- --nocapture"
                );
            }
        }
    }
    println!("{test}: {}", counts.figures(seeds.end - seeds.start, processor_time(begun).saturating_sub(before)));
    counts
}

fn show(trace: &[String], lines: usize) {
    let from = trace.len().saturating_sub(lines);
    if !trace.is_empty() {
        println!("{}", trace[from..].join("\n"));
    }
}

/// The first of the seeds that finds this bug, and what it says.
pub fn finds(kind: Kind, bug: Bug, seeds: Range<u64>) -> Option<(u64, String)> {
    seeds.into_iter().find_map(|seed| {
        let ran = run(kind, seed, Some(bug), Medium::Model, false);
        ran.result.err().map(|why| (seed, why))
    })
}
