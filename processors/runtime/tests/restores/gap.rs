//! A state, or a standby, that has not had all there was for longer than can be made up for begins anew; one that lacks
//! nothing goes on, however old it is.

use std::sync::Arc;

use bytes::Bytes;
use tradewind_runtime::{Effect, Input, Limits, Names, Opened, STATE, STORES, Worker};
use tradewind_schemas::Timestamp;
use tradewind_state::{Checkpoint, TaskState, model::ModelDisk};
use tradewind_topics::{CommitError, Offset, Record};

use super::keeping::{layout, worker};

const HOUR: i64 = 3_600_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis((1_000 + hours) * HOUR)
}

const ORIGIN: &str = "these topics";

fn empty() -> TaskState {
    let store = ModelDisk::new().open(&STORES).expect("the model opens");
    TaskState::new(Arc::new(store)).expect("the model can be read")
}

/// What a store holds that was closed at hour 0, at 50 of its changelog.
fn of_old() -> TaskState {
    let mut state = empty();
    let checkpoint =
        Checkpoint { changelog: 50, rows: 50, source: Some(9), at: at(0).millis(), origin: ORIGIN.to_owned() };
    state.restore(Vec::new(), checkpoint);
    state
}

fn with_standby_of(state: TaskState, hours: i64) -> (Worker, Names, Vec<Effect>) {
    let (mut worker, names) = worker(&layout(1), Limits::default());
    let effects = worker.step(at(hours), Input::StandBy(vec![0]));
    assert!(matches!(effects[..], [Effect::OpenStandby(0)]));
    let opened = Input::StandbyOpened { partition: 0, state, origin: ORIGIN.to_owned() };
    let effects = worker.step(at(hours), opened);
    (worker, names, effects)
}

/// A standby of partition 0, opened at hour 0.
fn standby() -> (Worker, Names) {
    let (worker, names, effects) = with_standby_of(empty(), 0);
    assert!(matches!(effects[..], [Effect::Follow { partition: 0, from: 0 }]));
    (worker, names)
}

/// A task with a state of old, opened so many hours later; its changelog ends at 52.
fn task_of_old(hours: i64) -> (Worker, Names) {
    let (mut worker, names) = worker(&layout(1), Limits::default());
    worker.step(at(hours), Input::Assigned(vec![0]));
    let opened = Opened { state: Some(of_old()), group: Some(9), changelog_end: 52, origin: ORIGIN.to_owned() };
    let effects = worker.step(at(hours), Input::Opened(0, opened));
    assert!(matches!(effects[..], [Effect::Restore { partition: 0, from: 50, to: 52 }]));
    (worker, names)
}

#[test]
fn a_state_that_was_closed_for_too_long_is_rebuilt_where_it_lacks_something() {
    let (mut worker, names) = task_of_old(11);
    assert!(!reads(&mut worker, &names, 11, 51).iter().any(|effect| matches!(effect, Effect::Rebuild { .. })));
    let (mut worker, names) = task_of_old(13);
    let effects = reads(&mut worker, &names, 13, 51);
    assert!(matches!(&effects[..], [Effect::Rebuild { partition: 0, why }] if why.contains("46800 s ago")));
}

/// What comes while a commit of other tasks is being recovered from is read again: it is as much too late then.
#[test]
fn a_state_stays_outdated_until_it_is_rebuilt() {
    let (mut worker, names) = worker(&layout(2), Limits::default());
    worker.step(at(13), Input::Assigned(vec![0, 1]));
    let origin = || ORIGIN.to_owned();
    let of_other = Opened { state: Some(empty()), group: Some(0), changelog_end: 0, origin: origin() };
    worker.step(at(13), Input::Opened(1, of_other));
    let opened = |state| Opened { state, group: Some(9), changelog_end: 52, origin: origin() };
    worker.step(at(13), Input::Opened(0, opened(Some(of_old()))));
    let (key, value) = (Some(Bytes::from_static(b"key")), Some(Bytes::from_static(b"value")));
    let (source, headers) = (names.source(1), Vec::new());
    worker.step(at(13), Input::Records(vec![Record { source, offset: 0, timestamp: 0, key, value, headers }]));
    worker.step(at(13), Input::Idle);
    worker.step(at(13), Input::NotCommitted(CommitError::Unknown("no answer".to_owned())));
    assert!(reads(&mut worker, &names, 13, 51).is_empty());
    worker.step(at(13), Input::Recovered);
    worker.step(at(13), Input::Opened(0, opened(None)));
    let effects = reads(&mut worker, &names, 13, 51);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Rebuild { partition: 0, .. })));
}

/// On Kafka the end of a transaction has an offset, too: a changelog always ends behind its last record.
#[test]
fn a_state_of_any_age_that_lacks_nothing_goes_on() {
    let (mut worker, _) = task_of_old(1_000);
    let effects = worker.step(at(1_000), Input::Restored { partition: 0, records: Vec::new(), position: 52 });
    assert!(matches!(effects[..], [Effect::Serve { .. }, Effect::Start { partition: 0, at: 9 }]));
}

#[test]
fn a_standby_of_old_is_built_anew_where_it_lacks_something() {
    let (mut worker, names, effects) = with_standby_of(of_old(), 13);
    assert!(matches!(effects[..], [Effect::Follow { partition: 0, from: 50 }]));
    assert!(matches!(reads(&mut worker, &names, 13, 51)[..], [Effect::Discard(0), Effect::OpenStandby(0)]));
    let (mut worker, names, _) = with_standby_of(of_old(), 13);
    worker.step(at(13), Input::Level(0));
    assert!(reads(&mut worker, &names, 13, 51).is_empty(), "it had all there was");
}

#[test]
fn a_worker_goes_on_without_a_standby_that_cannot_be() {
    let (mut worker, names) = standby();
    let cannot = Input::NoStandby { partition: 0, why: "the changelog lacks its beginning".to_owned() };
    assert!(matches!(worker.step(at(0), cannot)[..], [Effect::Close(0)]));
    assert!(reads(&mut worker, &names, 0, 0).is_empty());
    assert!(matches!(worker.step(at(0), Input::Assigned(vec![0]))[..], [Effect::Open(0)]));
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
