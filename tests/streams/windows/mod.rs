//! A stage of windows that says which records each of them holds.

mod model;
mod random;
mod scenarios;

use std::{sync::Arc, time::Duration};

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};
use tradewind_runtime::{Codecs, Context, Sends, Stage, Window, Windowed, WindowedFold, Windows};
use tradewind_schemas::{Key, Sku, Timestamp, View};
use tradewind_topics::{Cleanup, Topic, partition_of};

use super::in_memory::{PARTITIONS, World, codec};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.readings", repr = "bare_union")]
enum Reading {
    Taken { number: i64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.results", repr = "bare_union")]
enum Total {
    Final { start: Timestamp, end: Timestamp, numbers: Vec<i64> },
}

const READINGS: Topic<Sku, Reading> = Topic::new("readings", "test", Cleanup::Keep);
const TOTALS: Topic<Sku, Total> = Topic::new("totals", "test", Cleanup::Keep);
const WINDOWS: View<Timestamp, Held> = View::new("readings.windows", 1);
const LATE: View<(), u64> = View::new("readings.windows", 2);

/// Which records a window has, in the order in which they came to it: nothing that adds up could show more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    numbers: Vec<i64>,
}

struct ByTime(Windows);

impl WindowedFold for ByTime {
    type Key = Sku;
    type Record = Reading;
    type Aggregate = Held;

    const STAGE: &'static str = "readings.windows";
    const SOURCE: Topic<Sku, Reading> = READINGS;
    const VIEW: View<Timestamp, Held> = WINDOWS;
    const LATE: View<(), u64> = LATE;

    fn windows(&self) -> Windows {
        self.0
    }

    fn add(held: &mut Held, Reading::Taken { number }: &Reading, _: &Context<'_>) {
        held.numbers.push(*number);
    }

    fn closed(window: Window, held: Held, to: &mut Sends<Sku>) {
        to.send_on(TOTALS, Total::Final { start: window.start, end: window.end, numbers: held.numbers });
    }
}

fn ms(millis: i64) -> Duration {
    Duration::from_millis(millis.unsigned_abs())
}

fn sku(n: usize) -> Sku {
    format!("SKU-{n}").parse().expect("a SKU")
}

fn partition(key: usize) -> u32 {
    partition_of(sku(key).text().as_bytes(), PARTITIONS)
}

fn codecs() -> Codecs {
    codec(codec(Codecs::default(), READINGS, 1), TOTALS, 2)
}

fn stage(windows: Windows) -> Arc<dyn Stage> {
    Arc::new(Windowed::new(&ByTime(windows), codecs()))
}

/// The results: key, start, end and records.
fn finals(world: &World) -> Vec<(Sku, i64, i64, Vec<i64>)> {
    let read = world.read(TOTALS).into_iter();
    let totals = read.map(|(key, at, total)| {
        let Some(Total::Final { start, end, numbers }) = total else { panic!("a result has a value") };
        assert_eq!(at, end.millis() - 1, "it happened when the window ended");
        (key.parse().expect("a SKU"), start.millis(), end.millis(), numbers)
    });
    totals.collect()
}
