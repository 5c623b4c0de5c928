//! A worker goes on with what its standby has, when the one that ran the task leaves.

use tempfile::TempDir;

use super::running::{PARTITIONS, Running, log, write};

const RECORDS: i64 = 3_000;
const READ: &str = "tradewind_restore_records_total";
pub const LAG: &str = "tradewind_standby_lag_records";

#[test]
fn a_task_goes_on_with_what_its_standby_has() {
    let home = TempDir::new().expect("a folder");
    let log = log(home.path());
    let ann = Running::start("ann", log.clone(), &home.path().join("ann"));
    let bob = Running::start("bob", log.clone(), &home.path().join("bob"));
    bob.standbys.set("keeping", (0..PARTITIONS).collect());
    (0..PARTITIONS).for_each(|partition| write(&log, partition, 0..RECORDS));
    // Each has one of the two; which, is the log's to say.
    let is_anns = |partition: &u32| bob.metric(LAG, *partition).is_some() && bob.position(1 - partition).is_some();
    let theirs = || (0..PARTITIONS).find(is_anns);
    bob.until("it stands by", || theirs().is_some() && bob.metric(READ, theirs().unwrap_or(0)) > Some(RECORDS));
    let moving = theirs().expect("its standby");
    ann.comes_to(moving, RECORDS);
    bob.comes_to(1 - moving, RECORDS);
    bob.until("the standby has all", || bob.metric(LAG, moving) == Some(0));

    let before = bob.metric(READ, moving).expect("what it has read");
    ann.stop();
    bob.comes_to(moving, RECORDS);
    let more = bob.metric(READ, moving).expect("what it has read") - before;
    assert!(more < RECORDS / 10, "{more} records were restored");
    assert_eq!(bob.metric(LAG, moving), None, "it stands by no more");
    write(&log, moving, RECORDS..RECORDS + 10);
    bob.comes_to(moving, RECORDS + 10);
    bob.stop();
}
