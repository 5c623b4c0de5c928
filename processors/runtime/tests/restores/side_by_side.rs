//! One task is restored for long; another one of the same worker runs meanwhile.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tempfile::TempDir;

use super::{
    gated::GatedLog,
    running::{Running, log, write},
};

const SLOW: u32 = 0;
const QUICK: u32 = 1;
const RECORDS: i64 = 3_000;

#[test]
fn a_task_runs_while_another_is_restored() {
    let home = TempDir::new().expect("a folder");
    let log = log(home.path());
    write(&log, SLOW, 0..RECORDS);
    write(&log, QUICK, 0..10);
    let first = Running::start("keeper", log.clone(), &home.path().join("first"));
    first.comes_to(SLOW, RECORDS);
    first.comes_to(QUICK, 10);
    first.stop();

    let open = Arc::<AtomicBool>::default();
    let gated = Arc::new(GatedLog { log: log.clone(), closed: SLOW, open: open.clone() });
    let second = Running::start("keeper", gated, &home.path().join("second"));
    second.comes_to(QUICK, 10);
    write(&log, QUICK, 10..20);
    second.comes_to(QUICK, 20);
    assert_eq!(second.position(SLOW), None, "it is not restored yet");
    assert!(second.metric("tradewind_restore_remaining_records", SLOW).is_some_and(|left| left >= RECORDS));

    open.store(true, Ordering::Relaxed);
    second.comes_to(SLOW, RECORDS);
    assert_eq!(second.metric("tradewind_restore_remaining_records", SLOW), Some(0));
    assert!(second.metric("tradewind_restore_records_total", SLOW).is_some_and(|read| read > RECORDS));
    second.stop();
}
