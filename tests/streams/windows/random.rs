//! Random records, commits and crashes, against the model.

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
use tradewind_runtime::{Freshness, Progress};
use tradewind_schemas::Key;
use tradewind_topics::partition_of;

use super::{
    super::{
        in_memory::{PARTITIONS, World},
        on_a_log::{On, Shop, on_both_logs},
    },
    Held, LATE, READINGS, Reading, TOTALS, WINDOWS, codecs, finals,
    model::{Case, EARLIEST, KEYS, Kind, Then, cases, model},
    ms, partition, sku, stage,
};

/// Each record is taken as it comes, and its task commits or crashes behind it.
fn run(case: &Case) -> World {
    let mut world = World::new(codecs(), vec![stage(case.windows())]);
    for (number, record) in case.records.iter().enumerate() {
        world.write(READINGS, &sku(record.key), record.at, Reading::Taken { number: number as i64 });
        let partition = partition(record.key);
        world.take(0, partition);
        match record.then {
            Then::Nothing => {}
            Then::Commit => world.commit(0, partition),
            Then::Crash => world.crash(0, partition),
        }
    }
    world.settle();
    world
}

/// A key for each partition, of which nothing else is known.
fn strangers() -> Vec<usize> {
    (0..PARTITIONS).map(|partition| (KEYS..).find(|n| self::partition(*n) == partition).expect("one")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_hold_what_came_while_they_were_open(case in cases()) {
        let (world, expected) = (run(&case), model(&case));
        prop_assert_eq!(&world.dead_letters, &Vec::<String>::new());
        let windows = expected.windows.iter();
        let has_closed = |key: usize, end: i64| end <= expected.closed.get(&partition(key)).copied().unwrap_or(i64::MIN);

        let closed: BTreeSet<_> = windows.clone().filter(|((key, _), (end, _))| has_closed(*key, *end)).collect();
        let wanted: BTreeSet<_> = closed.iter().map(|((key, start), (end, numbers))| (sku(*key), *start, *end, numbers.clone())).collect();
        let got = finals(&world);
        prop_assert_eq!(got.len(), wanted.len(), "one result for each window that has closed: {:?}", got);
        prop_assert_eq!(got.iter().cloned().collect::<BTreeSet<_>>(), wanted);

        for key in 0..KEYS {
            let mine = windows.clone().filter(|((of, _), (end, _))| *of == key && !has_closed(key, *end + case.kept));
            let wanted: Vec<_> = mine.map(|(_, (_, numbers))| Held { numbers: numbers.clone() }).collect();
            prop_assert_eq!(world.view(0, WINDOWS, &sku(key)), wanted, "the windows of {}, in order of time", sku(key));
            let late = expected.late.get(&key).copied();
            prop_assert_eq!(world.view(0, LATE, &sku(key)), late.into_iter().collect::<Vec<_>>());
        }
        for partition in 0..PARTITIONS {
            let late: u64 = expected.late.iter().filter(|(key, _)| self::partition(**key) == partition).map(|(_, late)| late).sum();
            let progress = Progress::of(world.state(0, partition)).expect("it can be read");
            prop_assert_eq!(progress.map_or(0, |progress| progress.late()), late);
        }
    }

    /// Results come in the order in which their windows end.
    #[test]
    fn windows_close_in_order(case in cases()) {
        let world = run(&case);
        for partition in 0..PARTITIONS {
            let ends: Vec<_> = finals(&world).into_iter().filter(|(key, ..)| partition_of(key.text().as_bytes(), PARTITIONS) == partition).map(|(_, _, end, _)| end).collect();
            prop_assert!(ends.is_sorted(), "{:?}", ends);
        }
    }

    /// When time has moved on for long enough, nothing is left of what was, but the counts of late records.
    #[test]
    fn nothing_is_kept_for_good(case in cases()) {
        let mut world = run(&case);
        // Each partition gets a record of a key that nothing else is known of.
        for stranger in strangers() {
            world.write(READINGS, &sku(stranger), 10_000, Reading::Taken { number: -1 });
        }
        world.settle();
        let late = model(&case).late;
        for (partition, stranger) in (0..).zip(strangers()) {
            let own = late.keys().filter(|key| self::partition(**key) == partition).count();
            let windows = world.view(0, WINDOWS, &sku(stranger)).len();
            let records = if matches!(case.kind, Kind::Sliding { .. }) { 1 } else { 0 };
            // The progress, the counts; the stranger's windows with their place in the order, and its record with its.
            prop_assert_eq!(world.rows(0, partition), 1 + own + 2 * windows + 2 * records);
        }
    }

    /// One record alone, from however far ahead, closes nothing.
    #[test]
    fn a_record_from_the_far_future_changes_no_other_window(case in cases(), place in any::<Index>(), key in 0..KEYS) {
        let windows = case.windows().leap(ms(1_000));
        let run = |future: Option<usize>| {
            let mut world = World::new(codecs(), vec![stage(windows)]);
            for stranger in strangers() {
                // Two records say what time it is.
                for at in [EARLIEST; 2] {
                    world.write(READINGS, &sku(stranger), at, Reading::Taken { number: -2 });
                }
            }
            for (number, record) in case.records.iter().enumerate() {
                if future == Some(number) {
                    world.write(READINGS, &sku(key), 1 << 50, Reading::Taken { number: -1 });
                }
                world.write(READINGS, &sku(record.key), record.at, Reading::Taken { number: number as i64 });
            }
            world.settle();
            world
        };
        let far = |held: &Held| held.numbers == [-1];
        let (without, with) = (run(None), run(Some(place.index(case.records.len()))));
        for key in 0..KEYS {
            let mut there: Vec<Held> = with.view(0, WINDOWS, &sku(key));
            there.retain(|held| !far(held));
            prop_assert_eq!(there, without.view(0, WINDOWS, &sku(key)));
        }
    }
}

on_both_logs!(the_same_comes_of_it);

/// On the production worker, which is stopped at any place and loses its local state.
fn the_same_comes_of_it(on: On) {
    let config =
        ProptestConfig { cases: 4, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(cases(), any::<Index>()), |(case, restart)| {
            let (expected, world) = (model(&case), run(&case));
            let shop = Shop::open(on, codecs(), &[READINGS.name, TOTALS.name], vec![stage(case.windows())]);
            let restart = restart.index(case.records.len());
            for numbers in [0..restart, restart..case.records.len()] {
                let running = shop.start();
                for number in numbers {
                    let record = case.records[number];
                    shop.write(READINGS, &sku(record.key), record.at, Reading::Taken { number: number as i64 });
                }
                running.stop();
                shop.lose_state();
            }
            let running = shop.start();
            for key in 0..KEYS {
                let late = running.ask(async || running.client.row(LATE, &sku(key), &(), Freshness::SourceEnd).await);
                prop_assert_eq!(late, expected.late.get(&key).copied());
                let page = running.ask(async || {
                    running.client.rows(WINDOWS, &sku(key), &[], None, false, 1_000, Freshness::SourceEnd).await
                });
                let held: Vec<Held> = page.items.into_iter().map(|(_, held)| held).collect();
                prop_assert_eq!(held, world.view(0, WINDOWS, &sku(key)));
            }
            running.stop();
            let expected: Vec<_> =
                world.read(TOTALS).into_iter().map(|(key, at, total)| (key, on.has(at), total)).collect();
            prop_assert_eq!(shop.read(TOTALS), expected);
            Ok(())
        })
        .unwrap_or_else(|failed| panic!("{failed}"));
}
