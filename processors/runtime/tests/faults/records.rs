//! Records that cannot be processed: put aside with the reason, and the others flow.

use tradewind_topics::Record;

use crate::world::{Opened, PANICS, World, key_of};

fn put_aside(opened: &Opened, partition: u32, offset: i64) -> (Record, String) {
    let text = |record: &Record, wanted: &str| {
        let header = record.headers.iter().find(|(name, _)| name.as_ref() == wanted);
        header.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    };
    let is_meant = |record: &Record| text(record, "dlq-offset") == offset.to_string();
    let record = opened.find("numbers.dlq", partition, is_meant);
    let reason = text(&record, "dlq-reason");
    (record, reason)
}

#[test]
fn a_panic_puts_its_record_aside_and_leaves_nothing() {
    let (world, key) = (World::new(), key_of(0));
    let opened = world.open();
    let running = opened.start();
    assert_eq!(running.say(&key), 1);
    let (_, offset) = opened.write(Some(&key), Some(PANICS));
    assert_eq!((running.say(&key), running.say(&key_of(1))), (2, 1), "it does not count");
    let (record, reason) = put_aside(&opened, 0, offset);
    assert_eq!((record.key.as_deref(), record.value.as_deref()), (Some(key.as_bytes()), Some(PANICS.as_bytes())));
    assert!(reason.contains("panicked") && reason.contains("this one is too much"), "{reason}");
    running.stop();
}

/// Both lie there when the worker comes, so it looks ahead over them together.
#[test]
fn a_panic_in_looking_ahead_ends_nothing() {
    let (world, key) = (World::new(), key_of(0));
    let opened = world.open();
    let (_, offset) = opened.write(Some(&key), Some(PANICS));
    opened.write(Some(&key), Some("x"));
    let running = opened.start();
    assert_eq!(running.say(&key), 2);
    assert!(put_aside(&opened, 0, offset).1.contains("this one is too much"));
    running.stop();
}

#[test]
fn a_record_without_a_key_or_a_value_is_put_aside() {
    let (world, key) = (World::new(), key_of(0));
    let opened = world.open();
    let running = opened.start();
    let ((place, keyless), (_, valueless)) = (opened.write(None, Some("x")), opened.write(Some(&key), None));
    assert_eq!(running.say(&key), 1);
    assert!(put_aside(&opened, place.partition, keyless).1.contains("no key"));
    assert!(put_aside(&opened, 0, valueless).1.contains("no value"));
    running.stop();
}
