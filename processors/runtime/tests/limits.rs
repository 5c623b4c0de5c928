//! What is too large for the log is its record's fault, and nothing of it stays.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use tradewind_runtime::{
    Effect, Failure, Input, Layout, Limits, Names, Opened, Output, Place, Processing, STATE, STORES, Stage, Worker,
};
use tradewind_schemas::Timestamp;
use tradewind_state::{TaskState, model::ModelDisk};
use tradewind_topics::{Append, Record, TopicPartition};

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
        let bytes = Bytes::from(vec![b'x'; size.parse().unwrap_or_default()]);
        let now = Timestamp::from_millis(record.timestamp);
        match what {
            "keep" => task.put(STATE, b"row", bytes),
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
    let topics = ["sizes", "said", "sizes.dlq", "inflating.changelog"];
    let layout = Layout::new("test", topics.iter().map(|topic| ((*topic).to_owned(), 1)).collect::<HashMap<_, _>>());
    let names = Names::new(layout.clone(), "inflating", "sizes");
    let processing = Processing::new(Arc::new(Inflating), layout.clone(), LARGEST, false);
    let mut worker = Worker::new(processing, names, Limits::default());
    let now = Timestamp::from_millis(1_000);
    worker.step(now, Input::Assigned(vec![0]));
    let store = ModelDisk::new().open(&STORES).expect("an empty model opens");
    let state = TaskState::new(Arc::new(store)).expect("an empty model can be read");
    let opened = Opened { state: Some(state), group: Some(0), changelog_end: 0, origin: "these topics".to_owned() };
    worker.step(now, Input::Opened(0, opened));
    let source = TopicPartition::new(layout.physical("sizes"), 0);
    let (key, headers) = (Some(Bytes::from_static(b"key")), Vec::new());
    worker
        .step(now, Input::Records(vec![Record { source, offset: 0, timestamp: 7, key, value: Some(value), headers }]));
    let effects = worker.step(now, Input::Idle);
    let outputs =
        effects.into_iter().find_map(|effect| if let Effect::Append(appends) = effect { Some(appends) } else { None });
    outputs.expect("a commit").into_iter().chain(worker.changelogs(now)).collect()
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
