//! Compaction keeps the record of positions of the last commit only, so that a whole changelog may look like one commit.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use tradewind_runtime::{Effect, Input, Limits, Names, Opened, STATE, STORES, Worker};
use tradewind_schemas::Timestamp;
use tradewind_state::{
    Backend, Range, TaskState,
    model::{ModelBackend, ModelDisk},
};
use tradewind_topics::{Offset, Record};

use super::keeping::{layout, worker};

const RECORDS: u32 = 2_000;
const VALUE: usize = 1_000;
const AT_A_TIME: usize = 20;
const RESTORE_BYTES: usize = 50_000;
/// What the task has consumed of its source.
const CONSUMED: Offset = 777;

/// A compacted changelog: many keys, and then the only record of positions.
fn changelog(names: &Names) -> Vec<Record> {
    let record = |offset: u32, key: Bytes, value: Bytes| Record {
        source: names.changelog(0),
        offset: offset.into(),
        timestamp: 1_000,
        key: Some(key),
        value: Some(value),
        headers: Vec::new(),
    };
    let row = |number: u32| {
        let mut key = BytesMut::new();
        key.put_u8(STATE);
        key.put_u32(number);
        record(number, key.freeze(), Bytes::from(vec![b'x'; VALUE]))
    };
    let end = record(RECORDS, Bytes::from_static(&[255]), Bytes::copy_from_slice(&CONSUMED.to_be_bytes()));
    (0..RECORDS).map(row).chain([end]).collect()
}

struct Restore {
    worker: Worker,
    store: Arc<ModelBackend>,
    most_in_memory: usize,
    served: bool,
}

impl Restore {
    /// Opens the disk; where the changelog is to be read from.
    fn begin(disk: &ModelDisk) -> (Self, Offset, Names) {
        let limits = Limits { restore_bytes: RESTORE_BYTES, ..Limits::default() };
        let (mut worker, names) = worker(&layout(1), limits);
        let store = Arc::new(disk.open(&STORES).expect("the model opens"));
        let state = TaskState::new(store.clone()).expect("the model can be read");
        worker.step(now(), Input::Assigned(vec![0]));
        let (group, changelog_end, origin) = (Some(CONSUMED), i64::from(RECORDS) + 1, "these topics".to_owned());
        let opened = Opened { state: Some(state), group, changelog_end, origin };
        let effects = worker.step(now(), Input::Opened(0, opened));
        let [Effect::Restore { from, to, .. }] = effects[..] else { panic!("it is not to be restored") };
        assert_eq!(to, changelog_end);
        (Self { worker, store, most_in_memory: 0, served: false }, from, names)
    }

    fn take(&mut self, records: &[Record]) {
        let position = records.last().map_or(0, Record::after);
        let restored = Input::Restored { partition: 0, records: records.to_vec(), position };
        for effect in self.worker.step(now(), restored) {
            match effect {
                Effect::Flush { partition, batch } => {
                    let result = self.store.apply(batch);
                    self.worker.step(now(), Input::Flushed { partition, result });
                }
                Effect::Serve { .. } => self.served = true,
                Effect::Start { at, .. } => assert_eq!(at, CONSUMED),
                _ => panic!("a restore does nothing else"),
            }
        }
        let waiting = self.worker.state(0).map_or(0, TaskState::unflushed_bytes);
        self.most_in_memory = self.most_in_memory.max(waiting);
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(2_000)
}

#[test]
fn a_long_changelog_takes_no_more_memory_than_a_short_one() {
    let disk = ModelDisk::new();
    let (mut restore, from, names) = Restore::begin(&disk);
    assert_eq!(from, 0);
    for records in changelog(&names).chunks(AT_A_TIME) {
        restore.take(records);
    }
    assert!(restore.served);
    assert!(restore.most_in_memory < 3 * RESTORE_BYTES, "{} bytes waited", restore.most_in_memory);
    let state = restore.worker.state(0).expect("its state");
    assert_eq!(state.scan(STATE, Range::prefix(&[]), usize::MAX).expect("its rows").len(), RECORDS as usize);
    assert_eq!(state.checkpoint().source, Some(CONSUMED));
}

#[test]
fn a_restore_that_was_cut_off_goes_on_where_it_was() {
    let disk = ModelDisk::new();
    let (mut restore, _, names) = Restore::begin(&disk);
    let changelog = changelog(&names);
    let half = changelog.len() / 2;
    for records in changelog[..half].chunks(AT_A_TIME) {
        restore.take(records);
    }
    assert!(!restore.served);
    restore.store.sync().expect("the model syncs");
    drop(restore);
    disk.crash(0);

    let (mut restore, from, _) = Restore::begin(&disk);
    assert!(from > 0, "it begins anew");
    let checkpoint = restore.store.checkpoint().expect("a checkpoint");
    assert_eq!((checkpoint.source, checkpoint.changelog), (None, from), "no commit is whole yet");
    restore.take(&changelog[usize::try_from(from).expect("an offset")..]);
    assert!(restore.served);
    let state = restore.worker.state(0).expect("its state");
    assert_eq!(state.scan(STATE, Range::prefix(&[]), usize::MAX).expect("its rows").len(), RECORDS as usize);
}
