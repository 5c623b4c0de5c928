//! The scenarios.

use bytes::Bytes;
use tradewind_state::{Backend, Batch, Checkpoint, Range, StateError, StoreId};

use crate::disks::Disk;

const ORDERS: StoreId = 0;
const LINES: StoreId = 1;
const LAST: StoreId = 254;
const STORES: &[StoreId] = &[ORDERS, LINES, LAST];

fn at(changelog: i64) -> Checkpoint {
    Checkpoint {
        changelog,
        rows: changelog + 1,
        source: Some(changelog * 10),
        at: changelog * 100,
        origin: "source-1/changelog-2".to_owned(),
    }
}

type Change<'a> = (StoreId, &'a [u8], Option<&'a [u8]>);

fn batch(changes: &[Change<'_>], checkpoint: Checkpoint) -> Batch {
    let owned = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let changes = changes.iter().map(|(store, key, value)| (*store, owned(key), value.map(owned))).collect();
    Batch { changes, checkpoint }
}

fn put(backend: &dyn Backend, store: StoreId, key: &[u8], value: &[u8]) {
    backend.apply(batch(&[(store, key, Some(value))], at(1))).expect("applied");
}

fn get(backend: &dyn Backend, store: StoreId, key: &[u8]) -> Option<Vec<u8>> {
    backend.get(store, key).expect("read").map(|value| value.to_vec())
}

fn keys(backend: &dyn Backend, range: Range<'_>, limit: usize) -> Vec<String> {
    let found = backend.scan(ORDERS, range, limit).expect("scanned");
    for (key, value) in &found {
        assert_eq!(value, &Bytes::from([b"value of ", &key[..]].concat()), "a scan gives each key its own value");
    }
    found.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect()
}

fn check_scan(backend: &dyn Backend, range: Range<'_>, limit: usize, expected: &[&str]) {
    assert_eq!(keys(backend, range, limit), expected, "{range:?}, at most {limit}");
}

/// Keys with a neighbour on each side, and one that ends where a longer one goes on.
const LISTED: [&str; 7] = ["a", "b", "b1", "b12", "b2", "c", "d9"];

fn listed(disk: &dyn Disk) -> std::sync::Arc<dyn Backend> {
    let backend = disk.open(STORES).expect("opened");
    let values: Vec<_> = LISTED.iter().map(|key| format!("value of {key}")).collect();
    let changes: Vec<Change<'_>> =
        LISTED.iter().zip(&values).map(|(key, value)| (ORDERS, key.as_bytes(), Some(value.as_bytes()))).collect();
    // Half of it on disk, half in memory.
    backend.apply(batch(&changes[..4], at(1))).expect("applied");
    backend.sync().expect("synced");
    backend.apply(batch(&changes[4..], at(2))).expect("applied");
    put(&*backend, LINES, b"b0", b"in another store");
    backend
}

fn forward<'a>(prefix: &'a str, after: Option<&'a str>) -> Range<'a> {
    Range { prefix: prefix.as_bytes(), after: after.map(str::as_bytes), backwards: false }
}

fn backward<'a>(prefix: &'a str, after: Option<&'a str>) -> Range<'a> {
    Range { backwards: true, ..forward(prefix, after) }
}

pub fn a_new_state_is_empty(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    assert_eq!(backend.checkpoint().expect("read"), Checkpoint::default());
    assert_eq!(get(&*backend, ORDERS, b"a"), None);
    check_scan(&*backend, forward("", None), 10, &[]);
}

pub fn what_was_put_is_read_until_it_is_deleted(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    put(&*backend, ORDERS, b"a", b"1");
    assert_eq!(get(&*backend, ORDERS, b"a").as_deref(), Some(&b"1"[..]));
    put(&*backend, ORDERS, b"a", b"2");
    assert_eq!(get(&*backend, ORDERS, b"a").as_deref(), Some(&b"2"[..]));
    backend.apply(batch(&[(ORDERS, b"a", None)], at(2))).expect("applied");
    assert_eq!(get(&*backend, ORDERS, b"a"), None);
    backend.apply(batch(&[(ORDERS, b"never there", None)], at(3))).expect("deleting nothing is fine");
}

pub fn keys_and_values_are_any_bytes(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    let large = vec![7; 1 << 20];
    put(&*backend, ORDERS, b"", b"of the empty key");
    put(&*backend, ORDERS, b"\0\xff\0", b"");
    put(&*backend, ORDERS, b"large", &large);
    assert_eq!(get(&*backend, ORDERS, b"").as_deref(), Some(&b"of the empty key"[..]));
    assert_eq!(get(&*backend, ORDERS, b"\0\xff\0").as_deref(), Some(&b""[..]), "empty is not absent");
    assert_eq!(get(&*backend, ORDERS, b"large"), Some(large));
    assert_eq!(backend.scan(ORDERS, Range::prefix(b""), 10).expect("scanned").len(), 3);
}

pub fn the_last_of_a_key_counts(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    for n in 0..10_i64 {
        backend.apply(batch(&[(ORDERS, b"k", Some(&n.to_be_bytes()))], at(n))).expect("applied");
        if n % 3 == 0 {
            backend.sync().expect("synced");
        }
    }
    assert_eq!(get(&*backend, ORDERS, b"k"), Some(9_i64.to_be_bytes().to_vec()));
    assert_eq!(backend.scan(ORDERS, Range::prefix(b""), 10).expect("scanned").len(), 1);
}

pub fn stores_are_separate(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    for &store in STORES {
        put(&*backend, store, b"key", &[store]);
    }
    backend.apply(batch(&[(LINES, b"key", None)], at(2))).expect("applied");
    assert_eq!(get(&*backend, ORDERS, b"key"), Some(vec![ORDERS]));
    assert_eq!(get(&*backend, LINES, b"key"), None);
    assert_eq!(get(&*backend, LAST, b"key"), Some(vec![LAST]));
}

pub fn a_store_that_was_not_opened_is_an_error(disk: &mut dyn Disk) {
    let backend = disk.open(&[ORDERS]).expect("opened");
    assert!(matches!(backend.get(LINES, b"key"), Err(StateError::Io { .. })));
    assert!(matches!(backend.scan(LINES, Range::prefix(b""), 1), Err(StateError::Io { .. })));
}

pub fn a_scan_finds_a_prefix_in_order(disk: &mut dyn Disk) {
    let backend = listed(disk);
    check_scan(&*backend, forward("b", None), 10, &["b", "b1", "b12", "b2"]);
    check_scan(&*backend, forward("b1", None), 10, &["b1", "b12"]);
    check_scan(&*backend, forward("d", None), 10, &["d9"]);
    check_scan(&*backend, forward("x", None), 10, &[]);
}

pub fn a_scan_backwards_finds_it_in_reverse(disk: &mut dyn Disk) {
    let backend = listed(disk);
    check_scan(&*backend, backward("b", None), 10, &["b2", "b12", "b1", "b"]);
    check_scan(&*backend, backward("x", None), 10, &[]);
}

pub fn a_scan_goes_on_after_a_key(disk: &mut dyn Disk) {
    let backend = listed(disk);
    check_scan(&*backend, forward("b", Some("b")), 10, &["b1", "b12", "b2"]);
    check_scan(&*backend, forward("b", Some("b12")), 10, &["b2"]);
    check_scan(&*backend, forward("b", Some("b2")), 10, &[]);
    check_scan(&*backend, backward("b", Some("b2")), 10, &["b12", "b1", "b"]);
    check_scan(&*backend, backward("b", Some("b")), 10, &[]);
}

pub fn a_scan_goes_on_after_a_key_that_is_not_there(disk: &mut dyn Disk) {
    let backend = listed(disk);
    check_scan(&*backend, forward("b", Some("b11")), 10, &["b12", "b2"]);
    check_scan(&*backend, backward("b", Some("b11")), 10, &["b1", "b"]);
}

pub fn after_may_lie_outside_of_the_prefix(disk: &mut dyn Disk) {
    let backend = listed(disk);
    check_scan(&*backend, forward("b", Some("a")), 10, &["b", "b1", "b12", "b2"]);
    check_scan(&*backend, forward("b", Some("c")), 10, &[]);
    check_scan(&*backend, backward("b", Some("c")), 10, &["b2", "b12", "b1", "b"]);
    check_scan(&*backend, backward("b", Some("a")), 10, &[]);
}

pub fn a_prefix_of_highest_bytes_has_an_end(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    let listed: [&[u8]; 5] = [b"a", b"a\xff", b"a\xff\xff\x01", b"b", b"\xff\xff"];
    for key in listed {
        put(&*backend, ORDERS, key, b"");
    }
    let scan = |prefix: &[u8], backwards| -> Vec<Vec<u8>> {
        let found = backend.scan(ORDERS, Range { prefix, after: None, backwards }, 10).expect("scanned");
        found.into_iter().map(|(key, _)| key.to_vec()).collect()
    };
    assert_eq!(scan(b"a\xff", false), [&b"a\xff"[..], b"a\xff\xff\x01"]);
    assert_eq!(scan(b"a\xff", true), [&b"a\xff\xff\x01"[..], b"a\xff"]);
    assert_eq!(scan(b"\xff", false), [b"\xff\xff"]);
    assert_eq!(scan(b"\xff", true), [b"\xff\xff"]);
}

pub fn the_empty_prefix_is_everything(disk: &mut dyn Disk) {
    let backend = listed(disk);
    check_scan(&*backend, forward("", None), usize::MAX, &LISTED);
    let mut reversed = LISTED;
    reversed.reverse();
    check_scan(&*backend, backward("", None), usize::MAX, &reversed);
}

pub fn a_limit_cuts_from_where_the_scan_begins(disk: &mut dyn Disk) {
    let backend = listed(disk);
    check_scan(&*backend, forward("b", None), 2, &["b", "b1"]);
    check_scan(&*backend, backward("b", None), 2, &["b2", "b12"]);
    check_scan(&*backend, forward("b", Some("b1")), 1, &["b12"]);
    check_scan(&*backend, forward("b", None), 0, &[]);
}

pub fn pages_in_both_directions_cover_everything_once(disk: &mut dyn Disk) {
    let backend = listed(disk);
    for backwards in [false, true] {
        let mut seen: Vec<String> = Vec::new();
        loop {
            let after = seen.last().cloned();
            let range = Range { prefix: b"", after: after.as_deref().map(str::as_bytes), backwards };
            let page = keys(&*backend, range, 3);
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        if backwards {
            seen.reverse();
        }
        assert_eq!(seen, LISTED);
    }
}

pub fn the_checkpoint_comes_with_its_data(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    backend.apply(batch(&[(ORDERS, b"a", Some(b"1"))], at(5))).expect("applied");
    assert_eq!(backend.checkpoint().expect("read"), at(5));
    backend.apply(batch(&[], at(9))).expect("a checkpoint alone is a batch too");
    assert_eq!(backend.checkpoint().expect("read"), at(9));
    let nothing_consumed = Checkpoint { changelog: -1, rows: -1, source: None, at: -2, origin: "äöü".to_owned() };
    backend.apply(batch(&[], nothing_consumed.clone())).expect("applied");
    assert_eq!(backend.checkpoint().expect("read"), nothing_consumed);
}

pub fn a_batch_with_an_unknown_store_changes_nothing(disk: &mut dyn Disk) {
    let backend = disk.open(&[ORDERS]).expect("opened");
    backend.apply(batch(&[(ORDERS, b"a", Some(b"1"))], at(1))).expect("applied");
    let refused = backend.apply(batch(&[(ORDERS, b"a", Some(b"2")), (LINES, b"b", Some(b"2"))], at(2)));
    assert!(matches!(refused, Err(StateError::Io { .. })), "{refused:?}");
    assert_eq!(get(&*backend, ORDERS, b"a").as_deref(), Some(&b"1"[..]));
    assert_eq!(backend.checkpoint().expect("read"), at(1));
}

pub fn an_orderly_end_keeps_everything(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    backend.apply(batch(&[(ORDERS, b"a", Some(b"1")), (LAST, b"b", Some(b"2"))], at(1))).expect("applied");
    backend.sync().expect("synced");
    backend.apply(batch(&[(ORDERS, b"a", None), (LINES, b"c", Some(b"3"))], at(2))).expect("applied");
    drop(backend);
    let backend = disk.open(STORES).expect("opened again");
    assert_eq!(backend.checkpoint().expect("read"), at(2));
    assert_eq!(get(&*backend, ORDERS, b"a"), None);
    assert_eq!(get(&*backend, LINES, b"c").as_deref(), Some(&b"3"[..]));
    assert_eq!(get(&*backend, LAST, b"b").as_deref(), Some(&b"2"[..]));
}

pub fn a_crash_keeps_what_was_synced(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    backend.apply(batch(&[(ORDERS, b"a", Some(b"1")), (LAST, b"b", Some(b"2"))], at(1))).expect("applied");
    backend.sync().expect("synced");
    disk.crash(backend);
    let backend = disk.open(STORES).expect("opened again");
    assert_eq!(backend.checkpoint().expect("read"), at(1));
    assert_eq!(get(&*backend, ORDERS, b"a").as_deref(), Some(&b"1"[..]));
    assert_eq!(get(&*backend, LAST, b"b").as_deref(), Some(&b"2"[..]));
}

pub fn a_crash_loses_whole_batches(disk: &mut dyn Disk) {
    for round in 0..3 {
        let backend = disk.open(STORES).expect("opened");
        let begin = backend.checkpoint().expect("read").changelog;
        for n in begin + 1..begin + 8 {
            let number = n.to_be_bytes();
            let changes: Vec<Change<'_>> = STORES.iter().map(|&store| (store, &b"n"[..], Some(&number[..]))).collect();
            backend.apply(batch(&changes, at(n))).expect("applied");
            if n == begin + 4 {
                backend.sync().expect("synced");
            }
        }
        disk.crash(backend);
        let backend = disk.open(STORES).expect("opened again");
        let reached = backend.checkpoint().expect("read");
        assert_eq!(reached, at(reached.changelog));
        assert!((begin + 4..begin + 8).contains(&reached.changelog), "round {round}: {reached:?}");
        for &store in STORES {
            assert_eq!(get(&*backend, store, b"n"), Some(reached.changelog.to_be_bytes().to_vec()));
        }
    }
}

pub fn a_store_may_be_added_later(disk: &mut dyn Disk) {
    let backend = disk.open(&[ORDERS]).expect("opened");
    put(&*backend, ORDERS, b"a", b"1");
    drop(backend);
    let backend = disk.open(&[ORDERS, LINES]).expect("opened again");
    put(&*backend, LINES, b"a", b"2");
    backend.sync().expect("synced");
    disk.crash(backend);
    let backend = disk.open(&[ORDERS, LINES]).expect("opened again");
    assert_eq!(get(&*backend, ORDERS, b"a").as_deref(), Some(&b"1"[..]));
    assert_eq!(get(&*backend, LINES, b"a").as_deref(), Some(&b"2"[..]));
}

pub fn a_store_may_be_left_out_for_a_while(disk: &mut dyn Disk) {
    let backend = disk.open(&[ORDERS, LINES]).expect("opened");
    put(&*backend, LINES, b"a", b"2");
    drop(backend);
    let backend = disk.open(&[ORDERS]).expect("opened without one of its stores");
    put(&*backend, ORDERS, b"a", b"1");
    drop(backend);
    let backend = disk.open(&[ORDERS, LINES]).expect("opened again");
    assert_eq!(get(&*backend, LINES, b"a").as_deref(), Some(&b"2"[..]));
}

pub fn it_is_open_only_once(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    assert!(matches!(disk.open(STORES), Err(StateError::InUse { .. })));
    put(&*backend, ORDERS, b"a", b"the first goes on");
    drop(backend);
    disk.open(STORES).expect("free again");
}

pub fn a_newer_format_is_left_alone(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    put(&*backend, ORDERS, b"a", b"1");
    drop(backend);
    disk.write_newer_format();
    for _ in 0..2 {
        let refused = disk.open(STORES).err();
        assert!(matches!(refused, Some(StateError::Newer { format: 2, .. })), "{refused:?}");
    }
}

pub fn a_damaged_state_is_told_apart_and_can_be_wiped(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    put(&*backend, ORDERS, b"a", b"1");
    backend.sync().expect("synced");
    drop(backend);
    disk.damage();
    for _ in 0..2 {
        let refused = disk.open(STORES).err();
        assert!(matches!(refused, Some(StateError::Corrupt { .. })), "{refused:?}");
    }
    disk.wipe().expect("wiped");
    let backend = disk.open(STORES).expect("opened anew");
    assert_eq!(backend.checkpoint().expect("read"), Checkpoint::default());
    assert_eq!(get(&*backend, ORDERS, b"a"), None);
}

pub fn wiping_what_is_not_there_is_no_error(disk: &mut dyn Disk) {
    disk.wipe().expect("nothing to do");
    disk.wipe().expect("nothing to do");
}

pub fn a_state_in_use_is_not_wiped(disk: &mut dyn Disk) {
    let backend = disk.open(STORES).expect("opened");
    put(&*backend, ORDERS, b"a", b"1");
    assert!(matches!(disk.wipe(), Err(StateError::InUse { .. })));
    backend.sync().expect("the owner goes on");
    drop(backend);
    let backend = disk.open(STORES).expect("opened again");
    assert_eq!(get(&*backend, ORDERS, b"a").as_deref(), Some(&b"1"[..]));
}
