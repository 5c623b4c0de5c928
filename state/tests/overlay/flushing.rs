//! What waits for the backend, how it gets there, and what stays at hand.

use std::sync::Arc;

use tradewind_state::{
    Checkpoint, Range, Room, TaskState,
    model::{Call, Fault, ModelDisk},
};

use super::task::{Task, bytes, listed};

#[test]
fn commits_during_a_flush_are_kept_for_the_next() {
    let mut task = Task::new();
    task.put("a", "1");
    task.put("b", "1");
    task.commit(1);
    let batch = task.state.whole_batch().expect("a batch");
    task.put("b", "2");
    task.commit(2);
    assert_eq!(task.committed(), ["a=1", "b=2"]);
    task.state.backend().apply(batch).expect("applied");
    assert_eq!(task.committed(), ["a=1", "b=2"], "a flush that is under way shows nothing");
    task.state.flushed();
    assert_eq!(task.committed(), ["a=1", "b=2"]);
    assert_eq!(task.state.backend().checkpoint().expect("read").source, Some(1));
    let next = task.state.batch().expect("the rest");
    assert_eq!(next.changes, [(0, bytes("b"), Some(bytes("2")))]);
    assert_eq!(next.checkpoint.source, Some(2));
}

#[test]
fn a_batch_that_was_not_applied_is_part_of_the_next() {
    let mut task = Task::new();
    task.put("a", "1");
    task.put("b", "1");
    task.commit(1);
    drop(task.state.whole_batch().expect("a batch"));
    task.delete("b");
    task.put("c", "2");
    task.commit(2);
    assert_eq!(task.committed(), ["a=1", "c=2"]);
    task.flush();
    assert!(task.state.whole_batch().is_none());
    assert_eq!(task.committed(), ["a=1", "c=2"]);
    assert_eq!(task.state.backend().checkpoint().expect("read").source, Some(2));
}

#[test]
fn a_flush_that_failed_hides_nothing() {
    let mut task = Task::new();
    task.put("a", "1");
    task.commit(1);
    task.disk.fail_next(Fault::NoSpace(Call::Apply));
    let batch = task.state.batch().expect("a batch");
    assert!(task.state.backend().apply(batch).is_err());
    assert_eq!(task.committed(), ["a=1"]);
    assert_eq!(task.state.checkpoint().source, Some(1));
}

#[test]
fn unflushed_bytes_grow_with_commits_and_go_with_the_flush() {
    let mut task = Task::new();
    task.put("a", &"x".repeat(1000));
    assert_eq!(task.state.unflushed_bytes(), 0);
    task.commit(1);
    let once = task.state.unflushed_bytes();
    assert!((1000..2000).contains(&once), "{once}");
    task.put("a", &"y".repeat(1000));
    task.commit(2);
    assert_eq!(task.state.unflushed_bytes(), once, "a key counts once");
    task.delete("a");
    task.commit(3);
    assert!(task.state.unflushed_bytes() < 1000);
    task.flush();
    assert_eq!(task.state.unflushed_bytes(), 0);
}

/// Whether this key is read without the backend.
fn is_at_hand(task: &Task, key: &str) -> bool {
    task.disk.fail_next(Fault::Io(Call::Get));
    let is_at_hand = task.state.get(0, key.as_bytes()).is_ok();
    assert_eq!(task.state.backend().get(0, b"").is_err(), is_at_hand, "a fault strikes once");
    is_at_hand
}

#[test]
fn what_was_flushed_stays_at_hand_as_far_as_there_is_room() {
    let thousand = "x".repeat(1_000);
    let mut task = Task::with_room(2 * 3 * 1_300);
    assert!(!task.state.is_full());
    for (position, key) in (1..).zip(["a", "b", "c"]) {
        task.put(key, &thousand);
        task.commit(position);
    }
    task.delete("none");
    task.commit(4);
    task.flush();
    assert!(["a", "b", "c"].iter().all(|key| is_at_hand(&task, key)));
    assert!(!is_at_hand(&task, "none"), "that a key was deleted is not kept");
    assert_eq!(task.listed().len(), 3);

    for (position, key) in (5..).zip(["d", "e", "f"]) {
        task.put(key, &thousand);
        task.commit(position);
    }
    assert!(!task.state.is_full(), "three rows may wait");
    task.put("g", &thousand);
    task.commit(8);
    assert!(task.state.is_full(), "four may not");
    task.flush();
    let keys = ["a", "b", "c", "d", "e", "f", "g"];
    assert_eq!(keys.iter().filter(|key| is_at_hand(&task, key)).count(), 3);
    assert_eq!(task.listed().len(), 7);
    assert_eq!(task.committed(), task.listed());
}

#[test]
fn what_is_written_again_and_again_stays_and_of_the_rest_what_was_written_last() {
    let mut task = Task::with_room(2 * 60 * 130);
    let (mut position, mut next) = (0, 0);
    for _ in 0..20 {
        for hot in 0..10 {
            task.put(&format!("hot-{hot}"), "x");
        }
        for _ in 0..15 {
            task.put(&format!("{next:03}"), "x");
            next += 1;
        }
        position += 1;
        task.commit(position);
        task.flush();
    }
    let kept = |keys: std::ops::Range<i32>| keys.filter(|key| is_at_hand(&task, &format!("{key:03}"))).count();
    assert!((0..10).all(|hot| is_at_hand(&task, &format!("hot-{hot}"))));
    // There is room for 60: the ten, and what came with the last three flushes or so.
    assert_eq!(kept(0..200), 0);
    assert_eq!(kept(285..300), 15, "of the last one");
    assert!(kept(255..300) > 35, "{} of the last three", kept(255..300));
}

/// Rows that nobody has seen before, all the time, and more with each commit than a piece has.
#[test]
fn a_flush_ends_and_little_waits_however_much_is_committed_meanwhile() {
    let mut task = Task::with_room(2 * 64 * 130);
    let (mut most, mut ends) = (0, 0);
    for commit in 0..400 {
        for row in 0..20 {
            task.put(&format!("{commit}-{row}"), "x");
        }
        task.commit(commit + 1);
        if task.state.is_flushing() || task.state.is_full() {
            let batch = task.state.batch().expect("a piece");
            task.state.backend().apply(batch).expect("applied");
            task.state.flushed();
            ends += usize::from(!task.state.is_flushing());
        }
        most = most.max(task.state.bytes_at_hand());
    }
    assert!(ends > 50, "{ends} flushes");
    assert!(most < 4 * 64 * 130, "{most} bytes at hand");
}

#[test]
fn a_task_gives_room_up_to_those_that_come() {
    let (disk, room) = (ModelDisk::new(), Room::new(2 * 50 * 130));
    let backend = || Arc::new(disk.open(&[0]).expect("opened"));
    let mut state = TaskState::within(&room, backend()).expect("a task");
    for row in 0..50_u8 {
        state.put(0, &[row], bytes("x"));
    }
    state.accept();
    state.commit(Some(1), Some(1), 10);
    let batch = state.whole_batch().expect("a batch");
    state.backend().apply(batch).expect("applied");
    state.flushed();
    state.make_room();
    assert_eq!(state.bytes_at_hand(), 50 * 129);
    let other = ModelDisk::new().open(&[0]).expect("opened");
    let _other = TaskState::within(&room, Arc::new(other)).expect("another task");
    state.make_room();
    assert_eq!(state.bytes_at_hand(), 25 * 129);
    assert_eq!(state.scan(0, Range::prefix(b""), 100).expect("scanned").len(), 50);
}

#[test]
fn what_changes_while_it_is_flushed_stays_and_is_flushed_again() {
    let mut task = Task::new();
    task.put("a", "1");
    task.put("b", "1");
    task.commit(1);
    let batch = task.state.whole_batch().expect("a batch");
    task.put("a", "2");
    task.commit(2);
    task.state.backend().apply(batch).expect("applied");
    task.state.flushed();
    assert!(is_at_hand(&task, "a") && !is_at_hand(&task, "b"));
    let batch = task.state.batch().expect("another batch");
    assert_eq!(batch.changes, [(0, bytes("a"), Some(bytes("2")))]);
}

/// Rows a to e, of which each needs a piece of its own.
fn five_rows() -> Task {
    let mut task = Task::new();
    task.state.set_origin("x".to_owned());
    for key in ["a", "b", "c", "d", "e"] {
        task.put(key, "1");
    }
    task.commit(1);
    task
}

#[test]
fn a_flush_goes_in_pieces_and_its_checkpoint_with_the_last() {
    let mut task = five_rows();
    let mut written = Vec::new();
    while let Some(batch) = task.state.batch() {
        assert_eq!(batch.changes.len(), 1);
        written.push((batch.checkpoint.changelog, batch.checkpoint.rows, batch.checkpoint.origin.clone()));
        task.state.backend().apply(batch).expect("applied");
        assert!(task.state.is_flushing());
        task.state.flushed();
        assert_eq!(task.committed(), ["a=1", "b=1", "c=1", "d=1", "e=1"]);
    }
    let before = (0, 1, "x".to_owned());
    assert_eq!(written, [before.clone(), before.clone(), before.clone(), before, (1, 1, "x".to_owned())]);
    assert!(!task.state.is_flushing());
    assert_eq!((task.state.unflushed_bytes(), task.state.bytes_at_hand()), (0, 0));
}

#[test]
fn a_piece_that_was_not_applied_comes_again() {
    let task = five_rows();
    let first = task.state.batch().expect("a piece");
    assert_eq!(task.state.batch(), Some(first));
}

#[test]
fn what_changes_between_pieces_is_written_as_it_is_then_and_again_if_it_was_written_before() {
    let mut task = five_rows();
    let first = task.state.batch().expect("a piece");
    task.state.backend().apply(first).expect("applied");
    task.state.flushed();
    task.put("a", "2");
    task.delete("e");
    task.commit(2);
    let mut checkpoints = Vec::new();
    while let Some(batch) = task.state.batch() {
        checkpoints.push((batch.checkpoint.changelog, batch.checkpoint.rows));
        task.state.backend().apply(batch).expect("applied");
        task.state.flushed();
        assert_eq!(task.committed(), ["a=2", "b=1", "c=1", "d=1"]);
    }
    // Four rows of the first flush, of which two in one piece, since a row waits again; then those two rows, of which one
    // was written as it is already.
    assert_eq!(checkpoints, [(0, 2), (0, 2), (1, 2), (1, 2), (2, 2)]);
    let stored = task.state.backend().scan(0, Range::prefix(b""), 10);
    assert_eq!(listed(stored), ["a=2", "b=1", "c=1", "d=1"]);
}

#[test]
fn a_flush_that_was_cut_off_says_how_new_its_rows_are_and_the_changelog_leads_to_the_same() {
    let mut task = five_rows();
    task.flush();
    task.delete("a");
    task.put("b", "2");
    task.commit(2);
    task.put("b", "3");
    task.commit(3);
    let first = task.state.batch().expect("a piece");
    task.state.backend().apply(first).expect("applied");
    let Task { disk, state } = task;
    drop(state);
    let mut state = TaskState::new(Arc::new(disk.open(&[0, 1]).expect("opened again"))).expect("a task");
    let found = state.checkpoint();
    assert_eq!((found.changelog, found.rows), (1, 3));
    let at = |changelog| Checkpoint { changelog, rows: 0, ..found.clone() };
    state.restore(vec![(0, bytes("a"), None), (0, bytes("b"), Some(bytes("2")))], at(2));
    let batch = state.whole_batch().expect("what was restored");
    assert_eq!((batch.checkpoint.changelog, batch.checkpoint.rows), (2, 3), "it is not at the newest of its rows yet");
    state.restore(vec![(0, bytes("b"), Some(bytes("3")))], at(3));
    assert_eq!(listed(state.scan(0, Range::prefix(b""), 10)), ["b=3", "c=1", "d=1", "e=1"]);
}

#[test]
fn a_whole_batch_takes_up_what_a_flush_has_left_and_what_came_since() {
    let mut task = five_rows();
    let first = task.state.batch().expect("a piece");
    task.state.backend().apply(first).expect("applied");
    task.state.flushed();
    task.put("f", "1");
    task.commit(2);
    let rest = task.state.whole_batch().expect("the rest");
    assert_eq!(rest.changes.len(), 5);
    assert_eq!((rest.checkpoint.changelog, rest.checkpoint.rows), (2, 2));
    task.state.backend().apply(rest).expect("applied");
    task.state.flushed();
    assert!(task.state.batch().is_none());
}
