//! A process that writes to RocksDB is killed at no chosen moment, while memory is so short that RocksDB flushes by
//! itself all the time: what is found is whole batches, in all stores the same.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use bytes::Bytes;
use tempfile::TempDir;
use tradewind_state::{
    Backend, Batch, Checkpoint, Range, StoreId,
    rocks::{RocksBackend, SharedMemory},
};

const STORES: [StoreId; 3] = [0, 1, 7];
const KEYS_A_STORE: usize = 50;
/// Where the process that is to be killed finds its directory.
const DIR: &str = "TRADEWIND_STATE_CRASH_DIR";

fn open(dir: &Path) -> RocksBackend {
    RocksBackend::open(dir, &STORES, &SharedMemory::new(1 << 20)).expect("opened")
}

/// Every store gets the number of the batch in all its keys, and one more row.
fn batch(n: i64) -> Batch {
    let value = Bytes::from([n.to_be_bytes().as_slice(), &[0; 400]].concat());
    let mut changes = Vec::new();
    for store in STORES {
        let keys = (0..KEYS_A_STORE).map(|key| Bytes::from(format!("key {key:03}")));
        changes.extend(keys.map(|key| (store, key, Some(value.clone()))));
        changes.push((store, Bytes::from(format!("row {n:012}")), Some(Bytes::new())));
    }
    Batch {
        changes,
        checkpoint: Checkpoint { changelog: n, rows: n, source: Some(n), at: n, origin: "origin".to_owned() },
    }
}

fn check(backend: &RocksBackend) -> i64 {
    let checkpoint = backend.checkpoint().expect("read");
    let reached = checkpoint.changelog;
    assert_eq!(checkpoint.source, (reached > 0).then_some(reached));
    for store in STORES {
        let keys = backend.scan(store, Range::prefix(b"key "), usize::MAX).expect("scanned");
        assert_eq!(keys.len(), if reached > 0 { KEYS_A_STORE } else { 0 });
        for (key, value) in keys {
            assert_eq!(value[..8], reached.to_be_bytes(), "store {store}, {key:?}");
        }
        let rows = backend.scan(store, Range::prefix(b"row "), usize::MAX).expect("scanned");
        assert_eq!(rows.len() as i64, reached, "rows of store {store}");
    }
    reached
}

#[test]
#[ignore = "the process that the test below starts and kills"]
fn writes_until_it_is_killed() {
    let Some(dir) = env::var_os(DIR) else { return };
    let backend = open(Path::new(&dir));
    let mut n = check(&backend);
    loop {
        n += 1;
        backend.apply(batch(n)).expect("applied");
        writeln!(std::io::stdout(), "\napplied {n}").expect("somebody listens");
    }
}

#[test]
fn a_process_that_is_killed_leaves_whole_batches() {
    let dir = TempDir::new().expect("a directory");
    let mut last = 0;
    for more in [40, 300, 7, 151] {
        let mut writer = Command::new(env::current_exe().expect("this test"))
            .args(["writes_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
            .env(DIR, dir.path().join("task"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let output = BufReader::new(writer.stdout.take().expect("its output"));
        let applied =
            output.lines().map_while(Result::ok).filter_map(|line| line.strip_prefix("applied ")?.parse().ok());
        let applied = applied.take(more).last();
        writer.kill().expect("killed");
        writer.wait().expect("gone");
        assert!(applied >= Some(last + more as i64), "it wrote on from where it was: {applied:?} after {last}");
        last = check(&open(&dir.path().join("task")));
    }
    assert!(last > 0, "RocksDB has flushed by itself");
}
