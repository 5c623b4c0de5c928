//! Feeds the books from a log that may be in use.
//!
//! Nothing stops the platform meanwhile, so the order of reading is what makes it fair. The end of order.events (what
//! followed) is noted first; inventory.events and payment.events (what it followed from) are read to ends noted after
//! that: everything that an order says must be in them by then. They may hold effects of what orders did later;
//! whatever order that is, is found in order.events behind the noted end, and counts as still open.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tradewind_runtime::{Codecs, Layout};
use tradewind_schemas::{Codec, CodecError, Contract, Envelope};
use tradewind_topics::{
    End, Log, LogError, Offset, Record, Start, Topic, TopicPartition,
    list::{INVENTORY_EVENTS, ORDER_EVENTS, PAYMENT_EVENTS},
};

use super::{books::Books, violation::Place};

const POLL: Duration = Duration::from_millis(250);
/// An undecided transaction ends within seconds; who hears nothing for so long will not hear anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the audit came to no verdict.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("this run has no topic {0}")]
    NoTopic(&'static str),
    #[error("nothing came of {topic} for {} s, and its end is not reached", PATIENCE.as_secs())]
    Stalled { topic: &'static str },
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The topic that is read.
    pub topic: &'static str,
    /// Records read of it.
    pub records: u64,
    /// Positions passed, of all of them; there are gaps among them.
    pub passed: u64,
    pub of: u64,
}

/// Reads the topics' events into books. `told` hears of the progress after every batch.
pub fn read(
    log: &dyn Log,
    layout: &Layout,
    codecs: &Codecs,
    told: &mut dyn FnMut(Progress),
) -> Result<Books, AuditError> {
    let mut reading = Reading { log, layout, told };
    let mut books = Books::default();
    let placed = reading.ends(ORDER_EVENTS.name, End::Stable)?;
    reading.events(ORDER_EVENTS, codecs, &placed, |event, place| match event {
        Ok(event) => books.order(&event, place),
        Err(why) => books.unreadable(why, place),
    })?;
    // To the ends as written: a transaction that is not decided yet is waited for, as an order may have heard of it.
    let ends = reading.ends(INVENTORY_EVENTS.name, End::Written)?;
    reading.events(INVENTORY_EVENTS, codecs, &ends, |event, place| match event {
        Ok(event) => books.inventory(&event, place),
        Err(why) => books.unreadable(why, place),
    })?;
    let ends = reading.ends(PAYMENT_EVENTS.name, End::Written)?;
    reading.events(PAYMENT_EVENTS, codecs, &ends, |event, place| match event {
        Ok(event) => books.payment(&event, place),
        Err(why) => books.unreadable(why, place),
    })?;
    let ends = reading.ends(ORDER_EVENTS.name, End::Written)?;
    let later = placed.into_iter().map(|(partition, end)| (partition, Start::Offset(end))).collect::<Vec<_>>();
    reading.records(ORDER_EVENTS.name, &later, &ends, |record| {
        if let Some(key) = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()) {
            books.moved_on(key);
        }
        Ok(())
    })?;
    Ok(books)
}

type Ends = Vec<(TopicPartition, Offset)>;

struct Reading<'a> {
    log: &'a dyn Log,
    layout: &'a Layout,
    told: &'a mut dyn FnMut(Progress),
}

impl Reading<'_> {
    fn ends(&self, topic: &'static str, which: End) -> Result<Ends, AuditError> {
        let partitions = self.layout.partitions(topic).ok_or(AuditError::NoTopic(topic))?;
        let physical = self.layout.physical(topic);
        let partitions = (0..partitions).map(|partition| TopicPartition::new(physical.clone(), partition));
        let partitions: Vec<_> = partitions.collect();
        let ends = self.log.admin().ends(&partitions, which)?;
        Ok(partitions.into_iter().zip(ends).collect())
    }

    /// Decodes a topic from its beginning to these ends.
    fn events<K, V: Contract>(
        &mut self,
        topic: Topic<K, V>,
        codecs: &Codecs,
        ends: &Ends,
        mut feed: impl FnMut(Result<Envelope<V>, String>, Place),
    ) -> Result<(), AuditError> {
        let codec: &Codec<V> = codecs.of(topic.name)?;
        let starts: Vec<_> = ends.iter().map(|(partition, _)| (partition.clone(), Start::Beginning)).collect();
        self.records(topic.name, &starts, ends, |record| {
            let place = Place { topic: topic.name, partition: record.source.partition, offset: record.offset };
            feed(decode(codec, record)?, place);
            Ok(())
        })
    }

    fn records(
        &mut self,
        topic: &'static str,
        starts: &[(TopicPartition, Start)],
        ends: &Ends,
        mut feed: impl FnMut(&Record) -> Result<(), AuditError>,
    ) -> Result<(), AuditError> {
        let mut reader = self.log.reader_to_end()?;
        reader.assign(starts)?;
        let end_of: HashMap<_, _> = ends.iter().cloned().collect();
        let mut records = 0;
        let mut heard = Instant::now();
        let mut passed_before = -1;
        loop {
            let (mut passed, mut of) = (0, 0);
            for (partition, end) in ends {
                passed += reader.position(partition)?.clamp(0, (*end).max(0));
                of += (*end).max(0);
            }
            if passed > passed_before {
                (heard, passed_before) = (Instant::now(), passed);
                (self.told)(Progress { topic, records, passed: passed as u64, of: of as u64 });
            }
            if passed >= of {
                return Ok(());
            }
            if heard.elapsed() > PATIENCE {
                return Err(AuditError::Stalled { topic });
            }
            for record in reader.poll(POLL)? {
                if end_of.get(&record.source).is_some_and(|end| record.offset < *end) {
                    records += 1;
                    feed(&record)?;
                }
            }
        }
    }
}

/// The event, or why the record is none; an error where the environment is at fault.
fn decode<V: Contract>(codec: &Codec<V>, record: &Record) -> Result<Result<Envelope<V>, String>, CodecError> {
    let Some(value) = &record.value else { return Ok(Err("no value".to_owned())) };
    match codec.decode(value) {
        Ok(event) if record.key.as_deref() == Some(event.key.as_bytes()) => Ok(Ok(event)),
        Ok(event) => Ok(Err(format!("an event of {:?} under another key", event.key))),
        Err(error) if error.is_environment() => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}
