//! Changelogs and sources that lack what was written to them.

use std::{fs, time::Duration};

use tradewind_topics::{Cleanup, End, Log, TopicPartition};

use crate::world::{Opened, World, copy, files, key_of};

/// A changelog that somebody has set to forget by time.
fn forgetful() -> World {
    World::with_changelog(Cleanup::Delete { after: Duration::ZERO })
}

/// Has this partition forget all that it holds.
fn forget(opened: &Opened, partition: &TopicPartition) {
    let admin = opened.log.admin();
    let end = admin.end(partition, End::Written).expect("an end");
    // What is of this very millisecond is not old yet.
    while admin.beginning(partition).expect("a beginning") < end {
        opened.log.compact_now().expect("records are deleted");
    }
}

/// Has the changelog of the first task forget all that it holds.
fn forget_changelog(world: &World) {
    let opened = world.open();
    forget(&opened, &opened.names.changelog(0));
}

fn is_refused(world: &World) {
    let why = world.open().refusal();
    for part in ["changelog test.counting.changelog-0", "begins at", "records were deleted", "local state"] {
        assert!(why.contains(part), "{part:?} is not in {why:?}");
    }
}

#[test]
fn a_state_that_has_what_was_deleted_goes_on_and_is_the_only_one_that_does() {
    let (world, key) = (forgetful(), key_of(0));
    assert_eq!(world.says(&[&key, &key]), [1, 2]);
    forget_changelog(&world);
    assert_eq!(world.says(&[&key]), [3]);
    forget_changelog(&world);

    let kept = world.home.path().join("kept");
    fs::rename(world.state_dir(), &kept).expect("it is moved away");
    is_refused(&world);
    is_refused(&world);
    // As the message says.
    fs::remove_dir_all(world.state_dir()).expect("what the refused task began is removed");
    fs::rename(&kept, world.state_dir()).expect("it is put back");
    assert_eq!(world.says(&[&key]), [4]);
}

#[test]
fn a_state_from_before_what_was_deleted_is_refused_and_kept() {
    let (world, key) = (forgetful(), key_of(0));
    assert_eq!(world.says(&[&key]), [1]);
    let backup = world.home.path().join("backup");
    copy(&world.state_dir(), &backup).expect("a backup");
    assert_eq!(world.says(&[&key]), [2]);
    forget_changelog(&world);
    fs::remove_dir_all(world.state_dir()).expect("it is lost");
    copy(&backup, &world.state_dir()).expect("it is put back");
    is_refused(&world);
    assert!(world.task_dir(0).join("CURRENT").exists(), "it was not wiped");
}

#[test]
fn a_damaged_state_is_not_wiped_where_nothing_could_rebuild_it() {
    let (world, key) = (forgetful(), key_of(0));
    assert_eq!(world.says(&[&key]), [1]);
    forget_changelog(&world);
    fs::remove_file(world.task_dir(0).join("CURRENT")).expect("it is damaged");
    let before = files(&world.task_dir(0));
    is_refused(&world);
    assert_eq!(files(&world.task_dir(0)), before);
}

/// What a worker leaves that went on writing after the changelog had been deleted and made anew: its state knows of the
/// topics that were.
#[test]
fn a_changelog_written_for_other_topics_is_refused() {
    let (world, key) = (World::new(), key_of(0));
    assert_eq!(world.says(&[&key]), [1]);
    fs::remove_dir_all(world.state_dir()).expect("the state is lost");
    let opened = world.open();
    let value = [1_i64.to_be_bytes().as_slice(), b"one-id another-id 0"].concat();
    opened.append(opened.names.changelog(0), Some(vec![255]), Some(value));
    let why = opened.refusal();
    for part in
        ["its changelog is that of other topics", "one-id another-id 0 there", "restore the topics from a backup"]
    {
        assert!(why.contains(part), "{part:?} is not in {why:?}");
    }
}

#[test]
fn a_source_whose_records_were_deleted_before_they_were_taken_is_refused() {
    let (world, key) = (World::with_source(Cleanup::Delete { after: Duration::ZERO }), key_of(0));
    assert_eq!(world.says(&[&key]), [1]);
    let opened = world.open();
    opened.write(Some(&key), Some("nobody is there"));
    forget(&opened, &opened.names.source(0));
    let why = opened.refusal();
    for part in ["task test.numbers-0 of stage counting", "it needs test.numbers-0 from offset 1", "were deleted"] {
        assert!(why.contains(part), "{part:?} is not in {why:?}");
    }
}
