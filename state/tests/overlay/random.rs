//! Random operations, compared with plain maps that know nothing of layers.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use tempfile::TempDir;
use tradewind_state::{
    Backend, Batch, Checkpoint, Range, Room, StoreId, TaskState,
    model::ModelDisk,
    rocks::{RocksBackend, SharedMemory},
};

const STORES: [StoreId; 2] = [0, 3];

type Map = BTreeMap<(StoreId, Vec<u8>), Bytes>;
type Changes = Vec<(StoreId, Bytes, Option<Bytes>)>;

#[derive(Clone, Debug)]
enum Step {
    Put(StoreId, Vec<u8>, u8),
    Delete(StoreId, Vec<u8>),
    Get(StoreId, Vec<u8>),
    Scan {
        store: StoreId,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        backwards: bool,
        limit: usize,
    },
    Accept,
    Discard,
    Commit,
    Rollback,
    Batch,
    WholeBatch,
    Apply,
    /// The batch is not applied, for whatever reason.
    Drop,
    Flushed,
    Sync,
    /// The process dies; a new one opens the state and restores it.
    Crash(u64),
}

/// Few and short keys, so that layers meet.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(vec![0_u8, 1, b'a', 254, 255]), 0..4)
}

fn store() -> impl Strategy<Value = StoreId> {
    prop::sample::select(STORES.to_vec())
}

fn step() -> impl Strategy<Value = Step> {
    let scan =
        (store(), vec(prop::sample::select(vec![0_u8, b'a', 255]), 0..3), prop::option::of(key()), any::<bool>());
    let limit = prop_oneof![4 => 0..6_usize, 1 => Just(usize::MAX)];
    prop_oneof![
        12 => (store(), key(), any::<u8>()).prop_map(|(store, key, value)| Step::Put(store, key, value)),
        8 => (store(), key()).prop_map(|(store, key)| Step::Delete(store, key)),
        4 => (store(), key()).prop_map(|(store, key)| Step::Get(store, key)),
        6 => (scan, limit).prop_map(|((store, prefix, after, backwards), limit)| Step::Scan {
            store, prefix, after, backwards, limit
        }),
        8 => Just(Step::Accept),
        2 => Just(Step::Discard),
        5 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        4 => Just(Step::Batch),
        1 => Just(Step::WholeBatch),
        5 => Just(Step::Apply),
        1 => Just(Step::Drop),
        5 => Just(Step::Flushed),
        1 => Just(Step::Sync),
        1 => any::<u64>().prop_map(Step::Crash),
    ]
}

/// Where the state lives: something that can be crashed, or a directory.
enum Disk {
    Model(ModelDisk),
    Rocks(TempDir, SharedMemory),
}

impl Disk {
    fn open(&self) -> Arc<dyn Backend> {
        match self {
            Self::Model(disk) => Arc::new(disk.open(&STORES).expect("opened")),
            Self::Rocks(dir, memory) => Arc::new(RocksBackend::open(dir.path(), &STORES, memory).expect("opened")),
        }
    }
}

/// What should be: a map a layer, and all committed transactions in a changelog.
#[derive(Default)]
struct Expected {
    staged: Map,
    uncommitted: Map,
    committed: Map,
    changelog: Vec<Changes>,
}

struct Run {
    disk: Disk,
    room: Room,
    room_bytes: usize,
    state: Option<TaskState>,
    expected: Expected,
    pending: Option<Batch>,
    applied: bool,
}

impl Run {
    fn new(disk: Disk, room_bytes: usize) -> Self {
        let room = Room::new(room_bytes);
        let state = TaskState::within(&room, disk.open()).expect("a task");
        Self {
            disk,
            room,
            room_bytes,
            state: Some(state),
            expected: Expected::default(),
            pending: None,
            applied: false,
        }
    }

    fn state(&mut self) -> &mut TaskState {
        self.state.as_mut().expect("a task")
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Put(store, key, value) => {
                let value = Bytes::from(vec![value; 2]);
                self.state().put(store, &key, value.clone());
                self.expected.staged.insert((store, key), value);
            }
            Step::Delete(store, key) => {
                self.state().delete(store, &key);
                self.expected.staged.remove(&(store, key));
            }
            Step::Get(store, key) => {
                // Whether there is anything to look ahead for or not, it changes nothing.
                self.state().look_ahead(store, [&key[..], b"none"].into_iter());
                let found = self.state().get(store, &key).expect("read");
                let same = self.state().read(store, &key, |value| value.map(Bytes::copy_from_slice)).expect("read");
                assert_eq!(found, same);
                let committed = self.state().reader().read(|cut| cut.get(store, &key)).expect("read");
                assert_eq!(found.as_ref(), self.expected.staged.get(&(store, key.clone())), "{key:?}");
                assert_eq!(committed.as_ref(), self.expected.committed.get(&(store, key.clone())), "{key:?}");
            }
            Step::Scan { store, prefix, after, backwards, limit } => {
                self.check_scan(store, Range { prefix: &prefix, after: after.as_deref(), backwards }, limit);
            }
            Step::Accept => {
                self.state().accept();
                self.expected.uncommitted = self.expected.staged.clone();
            }
            Step::Discard => {
                self.state().discard();
                self.expected.staged = self.expected.uncommitted.clone();
            }
            Step::Commit => self.commit(),
            Step::Rollback => {
                self.state().rollback();
                self.expected.uncommitted = self.expected.committed.clone();
                self.expected.staged = self.expected.committed.clone();
            }
            Step::Batch => {
                self.pending = self.state().batch();
                self.applied = false;
            }
            Step::WholeBatch => {
                self.pending = self.state().whole_batch();
                self.applied = false;
            }
            Step::Apply => self.apply(),
            Step::Drop => self.pending = None,
            Step::Flushed => {
                if std::mem::take(&mut self.applied) {
                    self.state().flushed();
                    let (all, waiting) = (self.state().bytes_at_hand(), self.state().unflushed_bytes());
                    let kept = all.checked_sub(waiting).expect("what waits is a part of all");
                    assert!(kept <= self.room_bytes / 2, "{kept} bytes are kept");
                }
            }
            Step::Sync => self.state().backend().sync().expect("synced"),
            Step::Crash(choice) => self.crash(choice),
        }
    }

    fn check_scan(&mut self, store: StoreId, range: Range<'_>, limit: usize) {
        let found = self.state().scan(store, range, limit).expect("scanned");
        assert_eq!(found, scan(&self.expected.staged, store, range, limit), "{range:?} at most {limit}");
        let committed = self.state().reader().read(|cut| cut.scan(store, range, limit)).expect("scanned");
        assert_eq!(committed, scan(&self.expected.committed, store, range, limit), "{range:?} at most {limit}");
    }

    /// What is staged stays so: the record in hand is not part of it.
    fn commit(&mut self) {
        let position = self.expected.changelog.len() as i64 + 1;
        let changes: Changes = self
            .state()
            .changes()
            .map(|(store, key, value)| (store, Bytes::copy_from_slice(key), value.cloned()))
            .collect();
        let mut keys: Vec<_> = changes.iter().map(|(store, key, _)| (*store, key)).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), changes.len(), "each key once");
        assert_eq!(self.state().is_dirty(), !changes.is_empty());
        replay(&mut self.expected.committed, &changes);
        assert_eq!(self.expected.committed, self.expected.uncommitted, "the changelog tells all");
        self.expected.changelog.push(changes);
        self.state().commit(Some(position * 10), Some(position), position);
    }

    fn apply(&mut self) {
        if let Some(batch) = self.pending.take() {
            self.state().backend().apply(batch).expect("applied");
            self.applied = true;
        }
    }

    fn crash(&mut self, choice: u64) {
        if let Disk::Model(disk) = &self.disk {
            disk.crash(choice);
        }
        self.state = None;
        (self.pending, self.applied) = (None, false);
        let mut state = TaskState::within(&self.room, self.disk.open()).expect("a task");
        let reached = usize::try_from(state.checkpoint().changelog).expect("not negative");
        let rows = usize::try_from(state.checkpoint().rows).expect("not negative");
        assert!(reached <= rows && rows <= self.expected.changelog.len(), "local state never leads");
        for (position, changes) in (1..).zip(&self.expected.changelog).skip(reached) {
            let checkpoint = Checkpoint {
                changelog: position,
                rows: 0,
                source: Some(position * 10),
                at: position,
                origin: String::new(),
            };
            state.restore(changes.clone(), checkpoint);
        }
        self.state = Some(state);
        self.expected.uncommitted = self.expected.committed.clone();
        self.expected.staged = self.expected.committed.clone();
    }

    fn finish(mut self) {
        for store in STORES {
            self.check_scan(store, Range::prefix(b""), usize::MAX);
        }
        let position = self.expected.changelog.len() as i64;
        assert_eq!(self.state().checkpoint().changelog, position);
        while let Some(batch) = self.state().batch() {
            self.state().backend().apply(batch).expect("applied");
            self.state().flushed();
        }
        assert!(self.state().batch().is_none());
        assert_eq!(self.state().unflushed_bytes(), 0);
        for store in STORES {
            let stored = self.state().backend().scan(store, Range::prefix(b""), usize::MAX).expect("scanned");
            assert_eq!(stored, scan(&self.expected.committed, store, Range::prefix(b""), usize::MAX));
        }
        assert_eq!(self.state().backend().checkpoint().expect("read").changelog, position);
    }
}

/// Written as the words of [`Range`] say, without any bounds.
fn scan(map: &Map, store: StoreId, range: Range<'_>, limit: usize) -> Vec<(Bytes, Bytes)> {
    let mut found: Vec<_> = map
        .iter()
        .filter(|((of, key), _)| *of == store && key.starts_with(range.prefix))
        .filter(|((_, key), _)| match range.after {
            Some(after) if range.backwards => key.as_slice() < after,
            Some(after) => key.as_slice() > after,
            None => true,
        })
        .map(|((_, key), value)| (Bytes::from(key.clone()), value.clone()))
        .collect();
    if range.backwards {
        found.reverse();
    }
    found.truncate(limit);
    found
}

fn replay(map: &mut Map, changes: &Changes) {
    for (store, key, value) in changes {
        match value {
            Some(value) => map.insert((*store, key.to_vec()), value.clone()),
            None => map.remove(&(*store, key.to_vec())),
        };
    }
}

/// From none to what all rows need, each of which takes somewhat more than 128 bytes.
fn room() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![0, 600, 3_000, 1 << 20])
}

fn check(disk: Disk, room: usize, steps: Vec<Step>) {
    let mut run = Run::new(disk, room);
    steps.into_iter().for_each(|step| run.step(step));
    run.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn layers_over_the_model_are_one_map(room in room(), steps in vec(step(), 1..150)) {
        check(Disk::Model(ModelDisk::new()), room, steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn layers_over_rocksdb_are_one_map(room in room(), steps in vec(step(), 100..200)) {
        let dir = TempDir::new().expect("a directory");
        check(Disk::Rocks(dir, SharedMemory::new(4 << 20)), room, steps);
    }
}
