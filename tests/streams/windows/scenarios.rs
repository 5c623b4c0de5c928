//! Where windows begin and end, when they close, and what time it is.

use tradewind_runtime::{Failure, Freshness, Progress, STORES, Stage, Windows};
use tradewind_schemas::{Key, Sku, Timestamp};
use tradewind_state::{TaskState, model::ModelDisk};
use tradewind_topics::partition_of;

use super::{
    super::{
        in_memory::{PARTITIONS, World},
        on_a_log::{On, Running, Shop, on_both_logs},
    },
    LATE, READINGS, Reading, TOTALS, Total, WINDOWS, codecs, finals, ms, sku, stage,
};

const ANY: i64 = 1 << 60;

/// One key's records at these times, numbered from 0: the windows that can be asked for and the results.
fn taken(windows: Windows, times: impl IntoIterator<Item = i64>) -> (World, Sku) {
    let (mut world, key) = (World::new(codecs(), vec![stage(windows)]), sku(0));
    for (number, at) in (0..).zip(times) {
        world.write(READINGS, &key, at, Reading::Taken { number });
    }
    world.settle();
    (world, key)
}

fn held(windows: Windows, times: impl IntoIterator<Item = i64>) -> Vec<Vec<i64>> {
    let (world, key) = taken(windows.leap(ms(ANY)), times);
    world.view(0, WINDOWS, &key).into_iter().map(|held| held.numbers).collect()
}

#[test]
fn a_tumbling_window_has_its_start_and_not_its_end() {
    let windows = Windows::tumbling(ms(10));
    assert_eq!(held(windows, [0, 9, 10]), [vec![0, 1], vec![2]]);
    assert_eq!(held(windows, [-10, -1, 0]), [vec![0, 1], vec![2]], "also before 1970");
}

#[test]
fn a_record_is_in_each_hopping_window_that_covers_it() {
    // [-10, 10), [0, 20), [10, 30)
    assert_eq!(held(Windows::hopping(ms(20), ms(10)), [5, 10]), [vec![0], vec![0, 1], vec![1]]);
}

#[test]
fn a_sliding_window_has_both_of_its_ends() {
    // [-10, 0], [0, 10] and [1, 11]: 0 and 10 are together.
    assert_eq!(held(Windows::sliding(ms(10)), [0, 10]), [vec![0], vec![0, 1], vec![1]]);
    // [-10, 0] and [1, 11], which 11 ends and which begins after 0: they are not.
    assert_eq!(held(Windows::sliding(ms(10)), [0, 11]), [vec![0], vec![1]]);
}

#[test]
fn a_window_takes_records_until_its_end_and_grace_are_over() {
    let windows = Windows::tumbling(ms(10)).grace(ms(5));
    assert_eq!(held(windows, [0, 14, 1]), [vec![0, 2], vec![1]]);
    assert_eq!(held(windows, [0, 15, 1]), [vec![0], vec![1]]);
    let (world, key) = taken(windows.leap(ms(ANY)), [0, 15, 1, 2]);
    assert_eq!(world.view(0, LATE, &key), [2]);
    assert_eq!(finals(&world), [(key, 0, 10, vec![0])]);
}

#[test]
fn a_closed_window_is_kept_for_as_long_as_was_said() {
    let windows = Windows::tumbling(ms(10)).kept_for(ms(20));
    assert_eq!(held(windows, [0, 29]), [vec![0], vec![1]]);
    assert_eq!(held(windows, [0, 30]), [vec![1]]);
}

#[test]
fn after_a_silence_the_second_record_says_what_time_it_is() {
    let windows = Windows::tumbling(ms(10)).leap(ms(100));
    let closed = |times: &[i64]| finals(&taken(windows, times.iter().copied()).0).len();
    assert_eq!(closed(&[0, 0, 100]), 1, "no further than a leap");
    assert_eq!(closed(&[0, 0, 5_000]), 0, "one record alone");
    assert_eq!(closed(&[0, 0, 5_000, 5_000]), 1, "two in a row");
    assert_eq!(closed(&[0, 0, 5_000, 2, 5_000]), 0, "not in a row");
    let (world, key) = taken(windows, [0, 0, 9_000, 5_000, 2]);
    assert_eq!((finals(&world).len(), world.view(0, LATE, &key)), (1, vec![1]), "the lesser of the two");
}

#[test]
fn a_longer_grace_opens_no_window_again() {
    let at = |grace: i64| stage(Windows::tumbling(ms(10)).grace(ms(grace)).leap(ms(ANY)));
    let mut task = task();
    for time in [0, 15] {
        take(&*at(0), &mut task, time).expect("it is taken");
    }
    for time in [16, 1] {
        take(&*at(100), &mut task, time).expect("it is taken");
    }
    assert_eq!(Progress::of(&task).expect("it can be read").map(|progress| progress.late()), Some(1));
}

#[test]
fn a_state_of_other_windows_is_refused() {
    let mut task = task();
    take(&*stage(Windows::tumbling(ms(10))), &mut task, 0).expect("it is taken");
    let refused = take(&*stage(Windows::tumbling(ms(20))), &mut task, 0);
    assert!(matches!(refused, Err(Failure::Environment(_))), "{refused:?}");
}

#[test]
fn a_time_that_cannot_be_reckoned_with_is_its_records_fault() {
    for time in [i64::MAX, i64::MIN, (1 << 60) + 1] {
        let refused = take(&*stage(Windows::sliding(ms(10))), &mut task(), time);
        assert!(matches!(refused, Err(Failure::Record(_))), "{refused:?}");
    }
    for time in [1 << 60, -(1 << 60)] {
        take(&*stage(Windows::sliding(ms(10))), &mut task(), time).expect("it is taken");
    }
}

/// One record closes a thousand windows; the others close with the next ones, and take no records meanwhile.
#[test]
fn closing_is_bounded_for_each_record() {
    let windows = Windows::tumbling(ms(10)).leap(ms(ANY)).kept_for(ms(0));
    let mut world = World::new(codecs(), vec![stage(windows)]);
    let keys: Vec<_> =
        (0..).map(sku).filter(|key| partition_of(key.text().as_bytes(), PARTITIONS) == 0).take(2_500).collect();
    for key in &keys {
        world.write(READINGS, key, 0, Reading::Taken { number: 0 });
    }
    world.settle();
    for closed in [1_000, 2_000, 2_500] {
        world.write(READINGS, &keys[2_499], if closed == 1_000 { 100 } else { 5 }, Reading::Taken { number: 1 });
        world.settle();
        assert_eq!(finals(&world).len(), closed);
    }
    assert_eq!(world.view(0, LATE, &keys[2_499]), [2]);
    assert!(finals(&world).iter().all(|(.., numbers)| numbers == &[0]));
}

fn task() -> TaskState {
    let store = ModelDisk::new().open(&STORES).expect("an empty model opens");
    TaskState::new(std::sync::Arc::new(store)).expect("an empty model can be read")
}

/// Nothing that a record says makes the result of a window fit that is too large.
#[test]
fn a_result_that_the_log_does_not_take_is_no_records_fault() {
    let stage = stage(Windows::tumbling(ms(10)));
    assert!(matches!(stage.misfit("too large".to_owned()), Failure::Environment(_)));
}

/// A record of this time through the stage alone.
fn take(stage: &dyn Stage, task: &mut TaskState, at: i64) -> Result<(), Failure> {
    let mut world = World::new(codecs(), Vec::new());
    world.write(READINGS, &sku(0), at, Reading::Taken { number: 0 });
    let done = stage.process(world.first(READINGS), task, &mut Vec::new());
    task.accept();
    done
}

on_both_logs!(it_runs_on_the_production_worker);

fn it_runs_on_the_production_worker(on: On) {
    let windows = Windows::tumbling(ms(10)).grace(ms(5)).leap(ms(ANY));
    let shop = Shop::open(on, codecs(), &[READINGS.name, TOTALS.name], vec![stage(windows)]);
    let say = |number: i64, at: i64| shop.write(READINGS, &sku(0), at, Reading::Taken { number });
    for (number, at) in [(0, 3), (1, 12), (2, 4)] {
        say(number, at);
    }
    let running = shop.start();
    let asked = |running: &Running<'_>| {
        let page = running
            .ask(async || running.client.rows(WINDOWS, &sku(0), &[], None, false, 10, Freshness::SourceEnd).await);
        let late = running.ask(async || running.client.row(LATE, &sku(0), &(), Freshness::SourceEnd).await);
        (page.items.into_iter().map(|(_, held)| held.numbers).collect::<Vec<_>>(), late)
    };
    assert_eq!(asked(&running), (vec![vec![0, 2], vec![1]], None));
    running.stop();

    // What time it is, and what is open, comes back from the changelog.
    shop.lose_state();
    let running = shop.start();
    assert_eq!(asked(&running), (vec![vec![0, 2], vec![1]], None));
    for (number, at) in [(3, 15), (4, 5), (5, 14)] {
        say(number, at);
    }
    assert_eq!(asked(&running), (vec![vec![0, 2], vec![1, 3, 5]], Some(1)));
    running.stop();
    let totals = shop.read(TOTALS);
    let total = Total::Final { start: Timestamp::from_millis(0), end: Timestamp::from_millis(10), numbers: vec![0, 2] };
    assert_eq!(totals, [(sku(0).text(), 9, Some(total))]);
}
