//! What is too large for the log is its record's fault, and nothing of it stays; and what no dead letter could hold whole
//! keeps nobody waiting.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use tradewind_runtime::{
    Effect, Failure, Input, Layout, Limits, Names, Opened, Output, Place, Processing, STATE, STORES, Stage, TIMERS,
    Worker,
};
use tradewind_schemas::{MessageId, RowKey, Timestamp};
use tradewind_state::{TaskState, model::ModelDisk};
use tradewind_topics::{Append, Receipt, Record, TopicPartition};
use uuid::Uuid;

const LARGEST: usize = 1_000;

/// Keeps, or says, as many bytes as its record asks for.
struct Inflating;

impl Stage for Inflating {
    fn name(&self) -> &str {
        "inflating"
    }

    fn source(&self) -> &'static str {
        "sizes"
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let asked = record.value.as_deref().and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
        let Some((what, size)) = asked.split_once(' ') else { return Ok(()) };
        if what == "fail" {
            return Err(Failure::Record("x".repeat(size.parse().unwrap_or_default())));
        }
        let bytes = Bytes::from(vec![b'x'; size.parse().unwrap_or_default()]);
        let now = Timestamp::from_millis(record.timestamp);
        match what {
            "keep" => task.put(STATE, b"row", bytes),
            "remind" => {
                let id = MessageId::derived(Uuid::NAMESPACE_OID, "a timer");
                task.put(TIMERS, &(now, id).bytes(), bytes);
            }
            _ => out.push(Output {
                topic: "said".into(),
                place: Place::Key(Bytes::from_static(b"k")),
                value: Some(bytes),
                timestamp: now,
                headers: Vec::new(),
            }),
        }
        Ok(())
    }
}

/// What the worker appends for one record with this value.
fn appended(value: Bytes) -> Vec<Append> {
    appended_for(Record {
        source: TopicPartition::new("test.sizes", 0),
        offset: 0,
        timestamp: 7,
        key: Some(Bytes::from_static(b"key")),
        value: Some(value),
        headers: Vec::new(),
    })
}

/// What the worker appends for one record.
fn appended_for(record: Record) -> Vec<Append> {
    let (mut worker, now) = (at_work(Limits::default()), Timestamp::from_millis(1_000));
    worker.step(now, Input::Records(vec![record]));
    let effects = worker.step(now, Input::Idle);
    outputs(effects).expect("a commit").into_iter().chain(worker.changelogs(now)).collect()
}

fn outputs(effects: Vec<Effect>) -> Option<Vec<Append>> {
    effects.into_iter().find_map(|effect| if let Effect::Append(appends) = effect { Some(appends) } else { None })
}

/// A worker whose only task runs.
fn at_work(limits: Limits) -> Worker {
    let topics = ["sizes", "said", "sizes.dlq", "inflating.changelog"];
    let layout = Layout::new("test", topics.iter().map(|topic| ((*topic).to_owned(), 1)).collect::<HashMap<_, _>>());
    let names = Names::new(layout.clone(), "inflating", "sizes");
    let processing = Processing::new(Arc::new(Inflating), layout.clone(), LARGEST, false);
    let mut worker = Worker::new(processing, names, limits);
    let now = Timestamp::from_millis(1_000);
    worker.step(now, Input::Assigned(vec![0]));
    let store = ModelDisk::new().open(&STORES).expect("an empty model opens");
    let state = TaskState::new(Arc::new(store)).expect("an empty model can be read");
    let opened = Opened { state: Some(state), group: Some(0), changelog_end: 0, origin: "these topics".to_owned() };
    worker.step(now, Input::Opened(0, opened));
    worker
}

fn on<'a>(appends: &'a [Append], topic: &str) -> Vec<&'a Append> {
    appends.iter().filter(|append| append.to.topic.as_ref() == format!("test.{topic}")).collect()
}

fn header<'a>(append: &'a Append, wanted: &str) -> Option<&'a str> {
    let found = append.headers.iter().find(|(name, _)| name.as_ref() == wanted);
    found.and_then(|(_, value)| std::str::from_utf8(value).ok())
}

#[test]
fn what_fits_is_written() {
    let said = appended(Bytes::from_static(b"say 900"));
    assert_eq!((on(&said, "said").len(), on(&said, "sizes.dlq").len()), (1, 0));
    let kept = appended(Bytes::from_static(b"keep 900"));
    assert_eq!(
        (on(&kept, "inflating.changelog").len(), on(&kept, "sizes.dlq").len()),
        (2, 0),
        "a row and the position"
    );
}

#[test]
fn an_output_or_a_row_that_is_too_large_puts_its_record_aside() {
    for (asked, why) in [(&b"say 1000"[..], "its output to said"), (b"keep 1000", "its change of state")] {
        let appends = appended(Bytes::from_static(asked));
        assert_eq!(
            (on(&appends, "said").len(), on(&appends, "inflating.changelog").len()),
            (0, 1),
            "the position only"
        );
        let aside = on(&appends, "sizes.dlq")[0];
        assert_eq!(aside.value.as_deref(), Some(asked));
        assert!(header(aside, "dlq-reason").is_some_and(|reason| reason.starts_with(why)), "{:?}", aside.headers);
    }
}

#[test]
fn a_record_too_large_to_be_put_aside_leaves_its_place() {
    let mut value = b"keep 00000000000000".to_vec();
    value.resize(LARGEST - 50, b'0');
    value.extend_from_slice(b"1001");
    let appends = appended(value.into());
    let aside = on(&appends, "sizes.dlq")[0];
    assert_eq!((aside.value.as_ref(), header(aside, "dlq-offset")), (None, Some("0")));
    assert!(header(aside, "dlq-value").is_some());
}

#[test]
fn headers_or_a_key_too_large_to_be_put_aside_stay_at_their_place() {
    let large = || Bytes::from(vec![b'k'; LARGEST]);
    let record = |key: Bytes, header: Bytes| Record {
        source: TopicPartition::new("test.sizes", 0),
        offset: 0,
        timestamp: 7,
        key: Some(key),
        value: Some(Bytes::from_static(b"fail 300")),
        headers: vec![("theirs".into(), header)],
    };
    let small = || Bytes::from_static(b"small");
    for (record, left_out) in [
        (record(small(), large()), &["dlq-value", "dlq-headers"][..]),
        (record(large(), small()), &["dlq-value", "dlq-headers", "dlq-key"]),
    ] {
        let appends = appended_for(record);
        let aside = on(&appends, "sizes.dlq")[0];
        let size = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let headers: usize = aside.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(size(&aside.key) + size(&aside.value) + headers <= LARGEST);
        let named: Vec<_> = aside.headers.iter().map(|(name, _)| name.as_ref()).collect();
        assert!(left_out.iter().all(|name| named.contains(name)), "{named:?}");
        assert_eq!((named.contains(&"theirs"), header(aside, "dlq-offset")), (false, Some("0")));
    }
}

#[test]
fn a_commit_is_due_when_its_outputs_are_many_bytes() {
    let mut worker = at_work(Limits { output_bytes: 2_000, ..Limits::default() });
    let mut say = |offset: i64| {
        let record = Record {
            source: TopicPartition::new("test.sizes", 0),
            offset,
            timestamp: 7,
            key: Some(Bytes::from_static(b"key")),
            value: Some(Bytes::from_static(b"say 900")),
            headers: Vec::new(),
        };
        outputs(worker.step(Timestamp::from_millis(1_000), Input::Records(vec![record]))).map(|outputs| outputs.len())
    };
    assert_eq!([say(0), say(1), say(2)], [None, None, Some(3)]);
}

/// This stage has no commands: none of its timers can be fired.
#[test]
fn a_timer_that_stands_for_no_command_goes_to_the_dead_letters() {
    let appends = appended(Bytes::from_static(b"remind 3"));
    let aside = on(&appends, "sizes.dlq")[0];
    assert_eq!((aside.value.as_deref(), header(aside, "dlq-timer")), (Some(&b"xxx"[..]), Some("1")));
    assert!(header(aside, "dlq-reason").is_some_and(|reason| reason.contains("sets no timers")), "{:?}", aside.headers);
    let of_timers = |row: &&&Append| row.key.as_deref().is_some_and(|key| key[0] == TIMERS);
    let changes = on(&appends, "inflating.changelog");
    assert!(changes.iter().filter(of_timers).all(|row| row.value.is_none()), "it is kept no longer");
}

/// Whether a task that has committed one row is flushed when it is handed over, by a worker with this limit.
fn is_flushed_at_its_end(restore_bytes: usize) -> bool {
    let mut worker = at_work(Limits { restore_bytes, ..Limits::default() });
    let now = Timestamp::from_millis(1_000);
    let record = Record {
        source: TopicPartition::new("test.sizes", 0),
        offset: 0,
        timestamp: 7,
        key: None,
        value: Some(Bytes::from_static(b"keep 500")),
        headers: Vec::new(),
    };
    worker.step(now, Input::Records(vec![record]));
    worker.step(now, Input::Idle);
    worker.step(now, Input::Committed(Receipt::default()));
    let effects = worker.step(now, Input::Revoked(vec![0]));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Close(0))));
    effects.iter().any(|effect| matches!(effect, Effect::Flush { .. }))
}

#[test]
fn a_task_that_goes_is_flushed_unless_that_would_take_long() {
    assert!(is_flushed_at_its_end(10_000));
    assert!(!is_flushed_at_its_end(500), "its changelog has it");
}
