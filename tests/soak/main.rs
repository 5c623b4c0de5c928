//! The ledger on a real Kafka while processes, brokers and what is between them fail, verified from the topics alone.
//!
//! Two members (processes of the production worker under identities of their own) share four partitions, the first stands
//! by for the tasks of the others, a third comes and goes, commands come at a constant rate. Members talk to the brokers
//! through a [`relay`] that understands Kafka's requests, so that a member can be killed, stopped, or cut off from its
//! answer at a named point of the commit protocol without anything in the binary that would help with it. [`faults`] has
//! all that can go wrong, [`strikes`] how.
//!
//! While faults last, nobody but one of two processes with the same identity may give up; after each, everything loaded
//! comes out. In the end ([`verified`]) every event must be that of its command, byte by byte, in its order, and the
//! changelog's states those of the commands.
//!
//! `make soak` runs by chance for `SOAK_MINUTES` and writes a report. `SOAK_SEED=17` chooses the same faults again,
//! there and here. A run that fails says where its topics, states and logs are kept.

mod faults;
mod kept;
mod ledger;
mod load;
mod member;
mod reading;
mod relay;
mod report;
mod runs;
mod scene;
mod strikes;
mod topics;
mod verified;
mod watch;

use std::{
    env,
    time::{Duration, Instant},
};

use anyhow::Result;
use rand::{
    Rng,
    seq::{IndexedRandom, SliceRandom},
};

use faults::{Fault, Misfortune, POINTS, Times, When, Which};
use runs::{Run, run};

/// Short ones, so that little time goes by until others take over.
const BRISK: Times =
    Times { session: Duration::from_secs(4), transaction: Duration::from_secs(3), frozen: Duration::from_secs(6) };
/// Brokers hang for longer than anybody waits.
const LASTING: Times = Times { frozen: Duration::from_secs(20), ..BRISK };

#[test]
fn a_process_dies_at_every_point_of_a_commit() {
    run("commits", 1, BRISK, |run| {
        let mut points: Vec<_> = POINTS.into_iter().filter(|point| point.when == When::AtWork).collect();
        points.shuffle(&mut run.misfortune.chance);
        let faults: Vec<_> = points.into_iter().map(|point| run.misfortune.kill_at(point)).collect();
        in_a_row(run, &faults)
    });
}

#[test]
fn processes_fail_in_every_way() {
    run("processes", 1, BRISK, |run| {
        let mut faults = every_way(&mut run.misfortune);
        faults.shuffle(&mut run.misfortune.chance);
        in_a_row(run, &faults)
    });
}

/// One after the other; only sometimes is it waited until everybody has recovered.
fn in_a_row(run: &mut Run, faults: &[Fault]) -> Result<()> {
    for (number, fault) in faults.iter().enumerate() {
        if number % 5 == 4 { run.strike(fault)? } else { run.strike_in_passing(fault)? }
    }
    Ok(())
}

/// Each way once; some of the points outside of commits.
fn every_way(misfortune: &mut Misfortune) -> Vec<Fault> {
    let others: Vec<_> = POINTS.into_iter().filter(|point| point.when != When::AtWork).collect();
    let some: Vec<_> = others.choose_multiple(&mut misfortune.chance, 4).copied().collect();
    let mut faults: Vec<Fault> = some.into_iter().map(|point| misfortune.kill_at(point)).collect();
    faults.extend([
        misfortune.kill(),
        misfortune.zombie(),
        misfortune.zombie_at_commit(),
        misfortune.late_commit(),
        misfortune.lost_answer(),
        misfortune.cut_off(),
        misfortune.come_and_go(),
        misfortune.twin(),
        misfortune.state_lost(),
        misfortune.state_damaged(),
    ]);
    faults
}

#[test]
fn leader_and_coordinators_fail_in_turn() {
    run("three brokers", 3, BRISK, |run| {
        let mut which = [Which::Leader, Which::GroupCoordinator, Which::TransactionCoordinator];
        which.shuffle(&mut run.misfortune.chance);
        let mut faults = which.map(|which| run.misfortune.broker_dies(which)).to_vec();
        faults.push(run.misfortune.broker_freezes(Which::Leader));
        faults.iter().try_for_each(|fault| run.strike(fault))
    });
}

/// `make soak`: half the time on one broker, half on three.
#[test]
#[ignore = "takes as long as it is told to"]
fn soak() {
    let minutes = env::var("SOAK_MINUTES").ok().map_or(30, |text| text.parse().expect("SOAK_MINUTES is a number"));
    let half = Duration::from_secs(minutes * 30);
    let mut page = String::new();
    for (name, brokers) in [("one broker", 1), ("three brokers", 3)] {
        let report = run(name, brokers, LASTING, |run| by_chance(run, half));
        page.push_str(&report.as_markdown());
        page.push('\n');
    }
    println!("{page}");
    if let Ok(file) = env::var("SOAK_REPORT") {
        runs::write_into(file.as_ref(), &page).unwrap_or_else(|error| panic!("the report: {error:#}"));
    }
}

fn by_chance(run: &mut Run, lasts: Duration) -> Result<()> {
    let until = Instant::now() + lasts;
    while Instant::now() < until {
        let fault = run.misfortune.next();
        // Sometimes the next fault comes before everybody has recovered from the last.
        if run.misfortune.chance.random_bool(0.4) {
            run.strike_in_passing(&fault)?;
        } else {
            run.strike(&fault)?;
        }
    }
    Ok(())
}
