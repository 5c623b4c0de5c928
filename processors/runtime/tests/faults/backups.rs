//! State or log put back from an earlier copy.

use std::fs;

use crate::world::{World, copy, key_of};

#[test]
fn an_older_state_is_caught_up() {
    let (world, key) = (World::new(), key_of(0));
    assert_eq!(world.says(&[&key, &key]), [1, 2]);
    let backup = world.home.path().join("backup");
    copy(&world.state_dir(), &backup).expect("a backup");
    assert_eq!(world.says(&[&key, &key]), [3, 4]);
    fs::remove_dir_all(world.state_dir()).expect("it is lost");
    copy(&backup, &world.state_dir()).expect("it is put back");
    assert_eq!(world.says(&[&key]), [5]);
}

/// What the state knows of the lost time is not true any more.
#[test]
fn a_state_that_is_ahead_of_an_older_log_is_rebuilt() {
    let (world, key) = (World::new(), key_of(0));
    assert_eq!(world.says(&[&key, &key]), [1, 2]);
    let backup = world.home.path().join("backup");
    copy(&world.log_dir(), &backup).expect("a backup");
    assert_eq!(world.says(&[&key, &key, &key]), [3, 4, 5]);
    fs::remove_dir_all(world.log_dir()).expect("it is lost");
    copy(&backup, &world.log_dir()).expect("it is put back");
    assert_eq!(world.says(&[&key]), [3]);
}
