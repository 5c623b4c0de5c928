//! State that is not the task's own is refused, and left alone.

use std::fs;

use crate::world::{World, copy, files, key_of};

#[test]
fn the_states_of_two_partitions_swapped() {
    let (world, [one, other]) = (World::new(), [0, 1].map(key_of));
    assert_eq!(world.says(&[&one, &one, &other]), [1, 2, 1]);
    let aside = world.state_dir().join("aside");
    let swap = || {
        fs::rename(world.task_dir(0), &aside)?;
        fs::rename(world.task_dir(1), world.task_dir(0))?;
        fs::rename(&aside, world.task_dir(1))
    };
    swap().expect("they are swapped");
    let why = world.open().refusal();
    for part in ["its local state is not this task's", "remove it to have it rebuilt", "state/counting/"] {
        assert!(why.contains(part), "{part:?} is not in {why:?}");
    }
    swap().expect("they are put back");
    assert_eq!(world.says(&[&one, &other]), [3, 2]);
}

#[test]
fn the_state_of_another_shop() {
    let (world, another, key) = (World::new(), World::new(), key_of(0));
    assert_eq!(world.says(&[&key]), [1]);
    // Further along than our changelog is: that alone would make it one to be wiped.
    assert_eq!(another.says(&[key.as_str(); 9]).last(), Some(&9));
    fs::remove_dir_all(world.task_dir(0)).expect("it is gone");
    copy(&another.task_dir(0), &world.task_dir(0)).expect("a copy");
    let before = files(&world.task_dir(0));
    let why = world.open().refusal();
    assert!(why.contains("another shop"), "{why}");
    assert!(before.iter().filter(|path| path.extension().is_some_and(|e| e == "sst")).all(|table| table.exists()));

    // As the message says.
    fs::remove_dir_all(world.task_dir(0)).expect("it is removed");
    assert_eq!(world.says(&[&key]), [2]);
}

#[test]
fn a_log_of_another_shop() {
    let (world, another, key) = (World::new(), World::new(), key_of(0));
    assert_eq!(world.says(&[key.as_str(); 3]).last(), Some(&3));
    drop(another.open());
    fs::remove_dir_all(world.log_dir()).expect("it is gone");
    copy(&another.log_dir(), &world.log_dir()).expect("a copy");
    let why = world.open().refusal();
    assert!(why.contains("the topics were deleted and made anew"), "{why}");
    assert!(world.task_dir(0).join("CURRENT").exists(), "what may be the last copy is there still");
}
