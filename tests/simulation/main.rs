//! Deterministic simulation: the real worker, state and stages in a world of one thread, where a seed decides who does
//! what next and what breaks in between. A seed that fails prints the command that replays it, and its trace.
//!
//! **The world** ([`world`]). Processes hold a member of every group. A member is the real task loop
//! ([`tradewind_runtime::Worker`]) and a driver in steps: one effect or one input a step, anything may happen between
//! two. The log ([`log`]) has Kafka's transactions, epochs, generations, markers and compaction; disks ([`disk`]) are
//! the model's, or RocksDB's in a sample of the seeds.
//!
//! **What goes wrong** ([`world::World::strike`] and around it). Crashes of members and of whole processes; pauses
//! beyond the session (zombies); rebalances; transactions that time out; commits whose answer is lost while they
//! happened, will happen later, or never; aborted commits; appends that get through by half; redelivered records; reads
//! that fail, writes that are refused on a full disk, torn batches, damaged blocks, states that are wiped or put back
//! from an older copy; changelogs compacted down to their tombstones; slow restores in between of all that; clocks an
//! hour off; standbys that come, go, lag behind and are taken over; clients that say the same twice; a gateway that is slow, down, garbles, charges and does not say so, and
//! tells twice. Then the storm ends, and everything must come to rest by itself.
//!
//! **What must be true.** [`chain`]: a SHA-256 chain for each key over (count, offset, partition) of its records, the
//! timers that they set, the poisoned ones in the dead letters, and what readers see at any time, restores included.
//! [`shop`]: the audit of the topics finds no violation and no order open; stock is what a plain model says; the
//! gateway's books are the payments'; timers fired once, not early; every message is there once; everybody is answered,
//! alike.
//!
//! **That it bites** ([`bugs`]): each rule of a list is broken in turn, and must be found within its number of seeds.
//!
//! `TRADEWIND_SIM_SEEDS=100000` runs so many seeds (on the model's disk); `TRADEWIND_SIM_SEED=17` runs one and prints its
//! whole trace; with `TRADEWIND_SIM_BUG=NoFencing` beside either, that rule is broken.

mod bugs;
mod chain;
mod counts;
mod disk;
mod group;
mod log;
mod member;
mod runs;
mod shop;
mod trace;
mod world;

use std::time::Instant;

use bugs::Bug;
use counts::Counts;
use disk::Medium;
use runs::{Kind, all_hold, finds, is_ordinary, run};

/// Seeds in an ordinary run.
const CHAIN_SEEDS: u64 = 5_000;
const SHOP_SEEDS: u64 = 1_500;
const ROCKSDB_SEEDS: u64 = 8;

/// What goes wrong in either kind of world.
const BOTH: [&str; 21] = [
    "appends failed",
    "changelogs compacted",
    "clock jumps",
    "commits",
    "commits aborted",
    "commits delayed",
    "commits lost",
    "crashes",
    "damaged under way",
    "fenced",
    "flushes cut off",
    "flushes failed",
    "halts for a disk",
    "pauses",
    "redeliveries",
    "revocations",
    "slow restores",
    "standbys discarded",
    "standbys taken over",
    "states rebuilt",
    "transactions timed out",
];

fn all_happened(counts: &Counts, wanted: &[&str]) {
    let never: Vec<_> = wanted.iter().filter(|what| counts.of(what) == 0).collect();
    assert!(never.is_empty() || !is_ordinary(), "these never happened: {never:?}");
}

#[test]
fn every_record_takes_effect_exactly_once() {
    let counts = all_hold("every_record", Kind::Chain, CHAIN_SEEDS, || Medium::Model);
    all_happened(&counts, &BOTH);
    all_happened(&counts, &["looks at a state", "looks in a restore"]);
}

#[test]
fn the_shop_keeps_its_books() {
    let counts = all_hold("the_shop", Kind::Shop, SHOP_SEEDS, || Medium::Model);
    all_happened(&counts, &BOTH);
    all_happened(
        &counts,
        &["orders", "cancellations", "duplicates from clients", "gateway outages", "results told twice"],
    );
}

#[test]
fn chains_hold_on_rocksdb() {
    all_hold("chains_hold_on_rocksdb", Kind::Chain, ROCKSDB_SEEDS, || Medium::rocks().expect("a temporary directory"));
}

#[test]
fn books_hold_on_rocksdb() {
    all_hold("books_hold_on_rocksdb", Kind::Shop, ROCKSDB_SEEDS, || Medium::rocks().expect("a temporary directory"));
}

#[test]
fn a_seed_always_tells_the_same_story() {
    for kind in [Kind::Chain, Kind::Shop] {
        let story = || run(kind, 1, None, Medium::Model, true).trace;
        let (once, again) = (story(), story());
        let differs = once.iter().zip(&again).find(|(once, again)| once != again);
        assert!(once.len() == again.len() && differs.is_none(), "{differs:?}");
    }
}

#[test]
fn every_broken_rule_is_found() {
    let (begun, mut missed) = (Instant::now(), Vec::new());
    println!("{:<28} {:>6} {:>6}  how it showed", "broken rule", "within", "seeds");
    for &bug in Bug::ALL {
        let Some((seed, why)) = finds(bug.world(), bug, 0..bug.within()) else {
            println!("{:<28} {:>6}  never  ({})", format!("{bug:?}"), bug.within(), bug.says());
            missed.push(bug);
            continue;
        };
        let why: String = why.lines().next().unwrap_or_default().chars().take(110).collect();
        println!("{:<28} {:>6} {:>6}  {why}", format!("{bug:?}"), bug.within(), seed + 1);
    }
    println!("{} bugs in {:.1} s", Bug::ALL.len(), begun.elapsed().as_secs_f64());
    assert!(missed.is_empty(), "these were not found: {missed:?}");
}
