//! The topics of a run, and their group's first offsets.

use std::{
    collections::HashMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use tradewind_runtime::{Layout, Names, changelog, dead_letters};
use tradewind_topics::{
    Cleanup, Log, LogError, TopicSpec,
    kafka::{KafkaLog, Options},
};

pub const PARTITIONS: u32 = 4;
pub const STAGE: &str = "ledger";
pub const COMMANDS: &str = "commands";
pub const EVENTS: &str = "events";

const READY_WITHIN: Duration = Duration::from_secs(60);

/// Creates them, and gives a log to load with.
pub fn prepare(brokers: &str, namespace: &str) -> Result<Arc<dyn Log>> {
    let log = KafkaLog::connect(brokers, Options::default())?;
    let compact = Cleanup::Compact { tombstones_for: Duration::from_secs(24 * 3600) };
    let topics = [
        (COMMANDS.to_owned(), Cleanup::Keep),
        (EVENTS.to_owned(), Cleanup::Keep),
        (dead_letters(COMMANDS), Cleanup::Keep),
        (changelog(STAGE), compact),
    ];
    let layout = Layout::new(namespace, HashMap::new());
    let spec =
        |(name, cleanup): (String, _)| TopicSpec { name: layout.physical(&name), partitions: PARTITIONS, cleanup };
    let specs = topics.map(spec);
    let names = Names::new(layout.clone(), STAGE, COMMANDS);
    let first: Vec<_> = (0..PARTITIONS).map(|partition| (names.source(partition), 0)).collect();
    let admin = log.admin();
    // A cluster that has just started has not found all its coordinators yet.
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        match admin.create(&specs).and_then(|()| admin.initialise_group(&names.group(), &first)) {
            Ok(()) => return Ok(log),
            Err(LogError::Unavailable(_)) if Instant::now() < deadline => thread::sleep(Duration::from_millis(200)),
            Err(error) => bail!("the topics of the run: {error}"),
        }
    }
}
