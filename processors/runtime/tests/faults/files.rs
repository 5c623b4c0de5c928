//! Files of the state that are missing, cut off or garbled: wiped, and rebuilt from the changelog.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tradewind_runtime::STORES;
use tradewind_state::rocks::{RocksBackend, SharedMemory};

use crate::world::{World, files, key_of};

fn named(dir: &Path, kind: &str) -> Vec<PathBuf> {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let found: Vec<_> =
        files(dir).into_iter().filter(|path| name(path).starts_with(kind) || name(path).ends_with(kind)).collect();
    assert!(!found.is_empty(), "there is no {kind} in {}", dir.display());
    found
}

#[test]
fn whatever_happens_to_the_files_the_count_goes_on() {
    let (world, key) = (World::new(), key_of(0));
    let mut count = 3;
    assert_eq!(world.says(&[&key, &key, &key]), [1, 2, 3]);
    for kind in ["FORMAT", "CURRENT", "MANIFEST-", ".sst"] {
        for damage in ["missing", "cut off", "garbled"] {
            for path in named(&world.task_dir(0), kind) {
                let bytes = fs::read(&path).expect("a file");
                match damage {
                    "missing" => fs::remove_file(&path),
                    "cut off" => fs::write(&path, &bytes[..bytes.len() / 2]),
                    _ => fs::write(&path, bytes.iter().map(|byte| !byte).collect::<Vec<_>>()),
                }
                .expect("it is damaged");
            }
            count += 1;
            assert_eq!(world.says(&[&key]), [count], "{kind} {damage}");
        }
    }
}

/// RocksDB looks at a block when it reads it, so the damage shows while the task runs.
#[test]
fn a_block_that_went_bad_is_found_under_way_and_the_state_rebuilt() {
    let (world, key) = (World::new(), key_of(0));
    assert_eq!(world.says(&[&key, &key_of(1)]), [1, 1]);
    let size = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
    let table = named(&world.task_dir(0), ".sst").into_iter().max_by_key(size).expect("a table");
    let mut bytes = fs::read(&table).expect("it can be read");
    // The data comes first.
    bytes.iter_mut().take(100).for_each(|byte| *byte = !*byte);
    fs::write(&table, bytes).expect("it is damaged");
    let opens = RocksBackend::open(&world.task_dir(0), &STORES, &SharedMemory::new(1 << 20));
    assert!(opens.is_ok(), "it is not seen at once");
    drop(opens);
    let opened = world.open();
    let running = opened.start();
    assert_eq!((running.say(&key_of(1)), running.say(&key)), (2, 2));
    assert_eq!((running.say(&key_of(1)), running.say(&key)), (3, 3));
    running.stop();
    drop(opened);
    assert_eq!(world.says(&[&key]), [4]);
}

/// Whatever the disk answers: it is said where, and nothing is wiped for it.
#[test]
fn a_state_that_cannot_be_opened_ends_the_worker() {
    let (world, key) = (World::new(), key_of(0));
    assert_eq!(world.says(&[&key]), [1]);
    let (home, aside) = (world.state_dir().join("counting"), world.home.path().join("aside"));
    fs::rename(&home, &aside).expect("it is moved away");
    fs::write(&home, "a file").expect("it is written");
    let why = world.open().refusal();
    for part in ["the state at", "counting/0", "cannot be opened", "Not a directory"] {
        assert!(why.contains(part), "{part:?} is not in {why:?}");
    }
    fs::remove_file(&home).and_then(|()| fs::rename(&aside, &home)).expect("it is mended");
    assert_eq!(world.says(&[&key]), [2]);
}
