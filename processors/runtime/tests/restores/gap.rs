//! A standby that has not had all there was for longer than can be made up for begins anew.

use std::sync::Arc;

use bytes::Bytes;
use tradewind_runtime::{Effect, Input, Limits, Names, STATE, STORES, Worker};
use tradewind_schemas::Timestamp;
use tradewind_state::{TaskState, model::ModelDisk};
use tradewind_topics::{Offset, Record};

use super::keeping::{layout, worker};

const HOUR: i64 = 3_600_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis((1_000 + hours) * HOUR)
}

/// A standby of partition 0, opened at hour 0.
fn standby() -> (Worker, Names) {
    let (mut worker, names) = worker(&layout(1), Limits::default());
    let effects = worker.step(at(0), Input::StandBy(vec![0]));
    assert!(matches!(effects[..], [Effect::OpenStandby(0)]));
    let state = TaskState::new(Arc::new(ModelDisk::new().open(&STORES).expect("the model opens")));
    let (state, origin) = (state.expect("the model can be read"), "these topics".to_owned());
    let effects = worker.step(at(0), Input::StandbyOpened { partition: 0, state, origin });
    assert!(matches!(effects[..], [Effect::Follow { partition: 0, from: 0 }]));
    (worker, names)
}

/// What the standby does with one more record.
fn reads(worker: &mut Worker, names: &Names, hours: i64, offset: Offset) -> Vec<Effect> {
    let (key, value) = (Some(Bytes::from(vec![STATE, 1])), Some(Bytes::from_static(b"row")));
    let (source, timestamp, headers) = (names.changelog(0), at(hours).millis(), Vec::new());
    let records = vec![Record { source, offset, timestamp, key, value, headers }];
    worker.step(at(hours), Input::Restored { partition: 0, records, position: offset + 1 })
}

#[test]
fn a_standby_that_stood_still_is_built_anew() {
    let (mut worker, names) = standby();
    assert!(reads(&mut worker, &names, 1, 0).is_empty());
    let effects = reads(&mut worker, &names, 7, 1);
    assert!(matches!(effects[..], [Effect::Discard(0), Effect::OpenStandby(0)]));
}

#[test]
fn one_that_lacked_nothing_reads_on() {
    let (mut worker, names) = standby();
    assert!(reads(&mut worker, &names, 1, 0).is_empty());
    for hours in [5, 10, 15] {
        worker.step(at(hours), Input::Level(0));
    }
    assert!(reads(&mut worker, &names, 20, 1).is_empty());
}

#[test]
fn a_task_goes_on_with_a_young_standby_only() {
    for (hours, taken_over) in [(1, true), (7, false)] {
        let (mut worker, _) = standby();
        let effects = worker.step(at(hours), Input::Assigned(vec![0]));
        match taken_over {
            true => assert!(matches!(effects[..], [Effect::Reopen(0)])),
            false => assert!(matches!(effects[..], [Effect::Close(0), Effect::Open(0)])),
        }
    }
}
