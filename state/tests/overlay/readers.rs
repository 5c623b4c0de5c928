//! Readers in other threads.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tempfile::TempDir;
use tradewind_state::{
    Range, StateError, TaskReader, TaskState,
    model::ModelDisk,
    rocks::{RocksBackend, SharedMemory},
};

const KEYS: u8 = 20;

fn on_model() -> TaskState {
    TaskState::new(Arc::new(ModelDisk::new().open(&[0]).expect("opened"))).expect("a task")
}

/// Far away: only a test that fails waits so long.
fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// All keys hold the number of the same commit, and it is the one that the position names.
fn check_cut(reader: &TaskReader) -> i64 {
    let seen = reader.read(|cut| {
        let position = cut.checkpoint().source.unwrap_or(0);
        let listed = cut.scan(0, Range::prefix(b"k"), usize::MAX)?;
        let listed: Vec<i64> = listed.iter().map(|(_, value)| number(value)).collect();
        let got: Result<Vec<_>, StateError> = (0..KEYS).map(|n| cut.get(0, &[b'k', n])).collect();
        let got: Vec<i64> = got?.iter().flatten().map(|value| number(value)).collect();
        Ok((position, listed, got))
    });
    let (position, listed, got) = seen.expect("read");
    let expected = if position == 0 { vec![] } else { vec![position; usize::from(KEYS)] };
    assert_eq!(listed, expected, "scanned at {position}");
    assert_eq!(got, expected, "got at {position}");
    position
}

fn number(value: &[u8]) -> i64 {
    i64::from_be_bytes(value.try_into().expect("eight bytes"))
}

/// Commits, with flushes in various phases, while readers look on.
fn check_readers_see_whole_commits(mut state: TaskState, commits: i64) {
    let done = AtomicBool::new(false);
    let looks = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            let reader = state.reader();
            scope.spawn(|| {
                let reader = reader;
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let position = check_cut(&reader);
                    assert!(position >= last, "{position} after {last}");
                    last = position;
                    looks.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut pending = None;
        let mut n = 0;
        while n < commits || looks.load(Ordering::Relaxed) < 100 {
            n += 1;
            for key in 0..KEYS {
                // Not all keys are in all layers, and some go and come back in between.
                state.delete(0, &[b'k', key]);
                state.put(0, &[b'k', key], Bytes::from(n.to_be_bytes().to_vec()));
                state.accept();
            }
            state.commit(Some(n), Some(n), n);
            match n % 7 {
                2 => pending = state.batch(),
                4 => {
                    if let Some(batch) = pending.take() {
                        state.backend().apply(batch).expect("applied");
                    }
                }
                5 => state.flushed(),
                6 => state.backend().sync().expect("synced"),
                _ => {}
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn readers_see_whole_commits_over_the_model() {
    check_readers_see_whole_commits(on_model(), 3_000);
}

#[test]
fn readers_see_whole_commits_over_rocksdb() {
    let dir = TempDir::new().expect("a directory");
    let backend = RocksBackend::open(&dir.path().join("task"), &[0], &SharedMemory::new(8 << 20)).expect("opened");
    check_readers_see_whole_commits(TaskState::new(Arc::new(backend)).expect("a task"), 300);
}

#[test]
fn whoever_waits_for_a_position_is_told_when_readers_see_it() {
    let mut state = on_model();
    let reader = state.reader();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            assert!(reader.wait_for(50, soon()));
            reader.checkpoint().source
        });
        for n in 1..=60 {
            state.commit(Some(n), None, n);
        }
        let seen = waiting.join().expect("the waiter");
        assert!(seen >= Some(50), "{seen:?}");
    });
    assert!(reader.wait_for(60, Instant::now()), "what is there needs no time");
    assert!(!reader.wait_for(61, Instant::now()), "the deadline is kept");
}

#[test]
fn a_position_from_before_the_start_needs_no_waiting() {
    let disk = ModelDisk::new();
    let mut state = TaskState::new(Arc::new(disk.open(&[0]).expect("opened"))).expect("a task");
    state.commit(Some(7), None, 7);
    state.backend().apply(state.batch().expect("a batch")).expect("applied");
    state.flushed();
    drop(state);
    let state = TaskState::new(Arc::new(disk.open(&[0]).expect("opened again"))).expect("a task");
    assert!(state.reader().wait_for(7, Instant::now()));
}

#[test]
fn restored_positions_are_reached_too() {
    let mut state = on_model();
    let reader = state.reader();
    let checkpoint = tradewind_state::Checkpoint { source: Some(5), ..state.checkpoint() };
    state.restore(Vec::new(), checkpoint);
    assert!(reader.wait_for(5, Instant::now()));
}

#[test]
fn readers_are_told_when_the_task_goes() {
    let state = on_model();
    let reader = state.reader();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| reader.wait_for(1, soon()));
        drop(state);
        assert!(!waiting.join().expect("the waiter"));
    });
    assert!(reader.is_closed());
    assert!(matches!(reader.read(|cut| cut.get(0, b"a")), Err(StateError::Closed)));
}

#[test]
fn a_task_that_is_closed_turns_readers_away_and_can_still_be_flushed() {
    let mut state = on_model();
    let reader = state.reader();
    state.put(0, b"a", Bytes::from_static(b"1"));
    state.accept();
    state.commit(Some(1), Some(1), 1);
    state.close();
    assert!(reader.is_closed());
    assert!(matches!(reader.read(|cut| cut.get(0, b"a")), Err(StateError::Closed)));
    state.backend().apply(state.batch().expect("a batch")).expect("applied");
    state.flushed();
    assert_eq!(state.get(0, b"a").expect("read").as_deref(), Some(&b"1"[..]));
}

#[test]
fn a_reader_that_lingers_does_not_keep_the_store_locked() {
    let disk = ModelDisk::new();
    let state = TaskState::new(Arc::new(disk.open(&[0]).expect("opened"))).expect("a task");
    let reader = state.reader();
    drop(state);
    disk.open(&[0]).expect("free again");
    assert!(reader.is_closed());
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_future_waits_without_a_thread() {
    let mut state = on_model();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    let mut poll = |future: &mut std::pin::Pin<Box<tradewind_state::Reached>>| future.as_mut().poll(&mut context);

    let mut reached = Box::pin(state.reader().reached(2));
    let mut abandoned = Box::pin(state.reader().reached(2));
    let mut too_far = Box::pin(state.reader().reached(9));
    for future in [&mut reached, &mut abandoned, &mut too_far] {
        assert_eq!(poll(future), Poll::Pending);
        assert_eq!(poll(future), Poll::Pending);
    }
    drop(abandoned);
    state.commit(Some(1), None, 1);
    assert_eq!(woken.0.load(Ordering::SeqCst), 0, "not yet there");
    state.commit(Some(3), None, 3);
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert_eq!(poll(&mut reached), Poll::Ready(true));
    assert_eq!(poll(&mut too_far), Poll::Pending);
    drop(state);
    assert_eq!(woken.0.load(Ordering::SeqCst), 2);
    assert_eq!(poll(&mut too_far), Poll::Ready(false));
}
