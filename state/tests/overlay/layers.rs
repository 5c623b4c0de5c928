//! What each layer hides, keeps and gives up.

use std::sync::Arc;

use bytes::Bytes;
use tradewind_state::{
    Checkpoint, Range, StateError, TaskState,
    model::{Call, Fault},
};

use super::task::{Task, bytes, listed};

/// One key of each layer: a in the backend, b committed, c uncommitted, d staged.
fn one_in_each() -> Task {
    let mut task = Task::new();
    task.put("a", "stored");
    task.commit(1);
    task.flush();
    task.put("b", "committed");
    task.commit(2);
    task.put("c", "uncommitted");
    task.accept();
    task.put("d", "staged");
    task
}

#[test]
fn the_record_in_hand_sees_all_layers_and_readers_what_is_committed() {
    let task = one_in_each();
    assert_eq!(task.listed(), ["a=stored", "b=committed", "c=uncommitted", "d=staged"]);
    assert_eq!(task.committed(), ["a=stored", "b=committed"]);
    assert_eq!(task.state.get(0, b"d").expect("read"), Some(bytes("staged")));
    assert_eq!(task.state.get(1, b"d").expect("read"), None, "stores are separate");
}

#[test]
fn a_record_that_fails_leaves_nothing() {
    let mut task = one_in_each();
    task.delete("a");
    task.put("c", "changed again");
    task.state.discard();
    assert_eq!(task.listed(), ["a=stored", "b=committed", "c=uncommitted"]);
}

#[test]
fn a_transaction_that_fails_leaves_nothing() {
    let mut task = one_in_each();
    task.accept();
    task.state.rollback();
    assert!(!task.state.is_dirty());
    assert_eq!(task.listed(), ["a=stored", "b=committed"]);
    assert_eq!(task.state.checkpoint().source, Some(2));
}

#[test]
fn a_newer_layer_hides_what_is_below() {
    let mut task = one_in_each();
    for key in ["a", "b", "c", "d"] {
        task.put(key, "new");
    }
    assert_eq!(task.listed(), ["a=new", "b=new", "c=new", "d=new"]);
    assert_eq!(task.committed(), ["a=stored", "b=committed"]);
    task.commit(3);
    assert_eq!(task.committed(), ["a=new", "b=new", "c=new", "d=new"]);
}

#[test]
fn a_deletion_hides_what_is_below_in_every_layer() {
    let mut task = one_in_each();
    for key in ["a", "b", "c", "d"] {
        task.delete(key);
    }
    assert_eq!(task.listed(), [""; 0]);
    assert_eq!(task.state.get(0, b"a").expect("read"), None);
    task.accept();
    assert_eq!(task.listed(), [""; 0]);
    assert_eq!(task.committed(), ["a=stored", "b=committed"]);
    task.commit(3);
    assert_eq!(task.committed(), [""; 0]);
    task.flush();
    assert_eq!(task.committed(), [""; 0]);
    task.put("b", "back");
    task.commit(4);
    assert_eq!(task.committed(), ["b=back"]);
}

#[test]
fn limits_count_what_is_visible() {
    let mut task = Task::new();
    (0..100).for_each(|n| task.put(&format!("{n:02}"), "stored"));
    task.commit(1);
    task.flush();
    (0..98).for_each(|n| task.delete(&format!("{n:02}")));
    task.accept();
    let found = task.state.scan(0, Range::prefix(b""), 2).expect("scanned");
    assert_eq!(found, [(bytes("98"), bytes("stored")), (bytes("99"), bytes("stored"))]);
    let backwards = Range { backwards: true, after: Some(b"99"), ..Range::prefix(b"") };
    assert_eq!(task.state.scan(0, backwards, 2).expect("scanned"), [(bytes("98"), bytes("stored"))]);
}

#[test]
fn the_changelog_gets_each_key_once_with_its_last_value_in_order_of_first_change() {
    let mut task = Task::new();
    task.put("z", "1");
    task.accept();
    task.put("a", "1");
    task.delete("z");
    task.accept();
    task.put("dropped", "1");
    task.state.discard();
    task.state.put(1, b"m", bytes("other"));
    task.accept();
    assert!(task.state.is_dirty());
    let changes: Vec<_> = task.state.changes().map(|(s, k, v)| (s, Bytes::copy_from_slice(k), v.cloned())).collect();
    let expected = [(0, bytes("z"), None), (0, bytes("a"), Some(bytes("1"))), (1, bytes("m"), Some(bytes("other")))];
    assert_eq!(changes, expected);
    task.commit(1);
    assert_eq!(task.state.changes().count(), 0);
}

#[test]
fn positions_that_are_not_given_stay() {
    let mut task = Task::new();
    task.state.set_origin("x".to_owned());
    task.commit(5);
    task.state.commit(None, Some(9), 90);
    task.state.commit(Some(7), None, 70);
    let expected = Checkpoint { changelog: 9, rows: 0, source: Some(7), at: 90, origin: "x".to_owned() };
    assert_eq!(task.state.checkpoint(), expected);
    task.flush();
    assert_eq!(task.state.backend().checkpoint().expect("read"), Checkpoint { rows: 9, ..expected });
}

#[test]
fn a_flush_that_has_nothing_to_write_is_none() {
    let mut task = Task::new();
    assert!(task.state.batch().is_none());
    task.commit(1);
    assert!(task.state.batch().is_some_and(|batch| batch.changes.is_empty()), "positions are worth a flush");
    task.flush();
    assert!(task.state.batch().is_none());
    task.state.commit(Some(1), Some(1), 10);
    assert!(task.state.batch().is_none(), "nothing moved");
}

#[test]
fn a_value_keeps_nothing_but_itself() {
    let (staged, restored) = (Bytes::from(vec![1; 1 << 20]), Bytes::from(vec![2; 1 << 20]));
    let mut task = Task::new();
    task.state.put(0, b"staged", staged.slice(..10));
    task.commit(1);
    task.state.restore(vec![(0, bytes("restored"), Some(restored.slice(..10)))], Checkpoint::default());
    assert!(staged.is_unique() && restored.is_unique(), "the state holds on to what its values were a part of");
    assert_eq!(task.state.get(0, b"staged").expect("read"), Some(Bytes::from(vec![1; 10])));
    assert_eq!(task.state.get(0, b"restored").expect("read"), Some(Bytes::from(vec![2; 10])));
}

#[test]
fn keys_of_any_length_are_told_apart() {
    let mut task = Task::new();
    let keys: Vec<String> = (0..200).map(|length| "k".repeat(length)).collect();
    for (number, key) in keys.iter().enumerate() {
        task.put(key, &number.to_string());
    }
    task.commit(1);
    task.delete(&keys[47]);
    task.accept();
    for (number, key) in keys.iter().enumerate() {
        let expected = (number != 47).then(|| bytes(&number.to_string()));
        assert_eq!(task.state.get(0, key.as_bytes()).expect("read"), expected, "a key of {number} bytes");
    }
    assert_eq!(task.listed().len(), 199);
}

#[test]
fn restored_transactions_are_committed_ones() {
    let mut task = Task::new();
    task.put("a", "1");
    task.commit(1);
    let checkpoint = Checkpoint { changelog: 40, rows: 0, source: Some(30), at: 300, origin: "x".to_owned() };
    let changes = vec![(0, bytes("a"), None), (0, bytes("b"), Some(bytes("2")))];
    task.state.restore(changes, checkpoint.clone());
    assert_eq!(task.committed(), ["b=2"]);
    assert_eq!(task.state.checkpoint(), checkpoint);
    assert!(!task.state.is_dirty());
    task.flush();
    assert_eq!(task.state.backend().checkpoint().expect("read"), Checkpoint { rows: 40, ..checkpoint });
}

#[test]
fn a_task_goes_on_from_the_checkpoint_of_its_backend() {
    let mut task = Task::new();
    task.put("a", "1");
    task.commit(12);
    task.flush();
    let Task { disk, state } = task;
    drop(state);
    let again = TaskState::new(Arc::new(disk.open(&[0, 1]).expect("opened again"))).expect("a task");
    assert_eq!(again.checkpoint().source, Some(12));
    assert_eq!(listed(again.scan(0, Range::prefix(b""), 10)), ["a=1"]);
    assert!(again.batch().is_none());
}

#[test]
fn faults_of_the_backend_are_told() {
    let task = one_in_each();
    task.disk.fail_next(Fault::Io(Call::Get));
    assert!(matches!(task.state.get(0, b"a"), Err(StateError::Io { .. })));
    task.disk.fail_next(Fault::Io(Call::Get));
    assert!(matches!(task.state.scan(0, Range::prefix(b""), 1), Err(StateError::Io { .. })));
    task.disk.fail_next(Fault::Io(Call::Get));
    assert!(matches!(task.state.reader().read(|cut| cut.get(0, b"a")), Err(StateError::Io { .. })));
    assert_eq!(task.state.get(0, b"d").expect("in memory"), Some(bytes("staged")));
}
