//! A stage that keeps each record's value under its key.

use std::{collections::HashMap, sync::Arc};

use tradewind_runtime::{Failure, Layout, Limits, Names, Output, Processing, STATE, Stage, Worker};
use tradewind_state::TaskState;
use tradewind_topics::Record;

pub const SOURCE: &str = "things";
pub const STAGE: &str = "keeping";
pub const CHANGELOG: &str = "keeping.changelog";

pub struct Keeping;

impl Stage for Keeping {
    fn name(&self) -> &str {
        STAGE
    }

    fn source(&self) -> &'static str {
        SOURCE
    }

    fn process(&self, record: &Record, task: &mut TaskState, _: &mut Vec<Output>) -> Result<(), Failure> {
        if let (Some(key), Some(value)) = (&record.key, &record.value) {
            task.put(STATE, key, value.clone());
        }
        Ok(())
    }
}

pub fn layout(partitions: u32) -> Layout {
    let topics = [SOURCE, CHANGELOG, "things.dlq"];
    Layout::new("test", topics.iter().map(|topic| ((*topic).to_owned(), partitions)).collect::<HashMap<_, _>>())
}

pub fn worker(layout: &Layout, limits: Limits) -> (Worker, Names) {
    let names = Names::new(layout.clone(), STAGE, SOURCE);
    let processing = Processing::new(Arc::new(Keeping), layout.clone(), 1_000_000, false);
    (Worker::new(processing, names.clone(), limits), names)
}
