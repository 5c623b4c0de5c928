//! Reads committed records without a group.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset as Native,
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode as Code,
};
use tracing::debug;

use super::{
    contexts::Logging,
    cursors::Cursors,
    ending::Ending,
    faults::{Fault, failed},
    positions::{answers, list_at},
    raw::{Event, Messages},
    settings::Settings,
};
use crate::{Copies, LogError, Offset, Purpose, Reader, Record, Start, TopicPartition};

/// At most this much is handed out at once.
const BATCH_RECORDS: usize = 10_000;
const BATCH_BYTES: usize = 4 << 20;

pub struct KafkaReader {
    settings: Arc<Settings>,
    messages: Messages,
    /// Dropped after `messages`, which has a share in it.
    consumer: Ending<Arc<BaseConsumer<Logging>>>,
    positions: Cursors<Offset>,
    untold: Option<LogError>,
}

impl KafkaReader {
    pub fn new(settings: Arc<Settings>, purpose: Purpose) -> Result<Self, LogError> {
        let doing = "making a reader";
        let consumer: BaseConsumer<Logging> =
            settings.reader(purpose).create_with_context(Logging::default()).map_err(failed(doing))?;
        let consumer = Ending::new("a reader", Arc::new(consumer));
        // What is read becomes state, and stays.
        let messages = Messages::of(Arc::clone(&consumer), Copies::apart(), purpose.headers);
        let messages = messages.ok_or_else(|| LogError::Misuse(format!("{doing}: no queue")))?;
        Ok(Self { settings, messages, consumer, positions: Cursors::default(), untold: None })
    }

    /// Turns a start into a position, so that what is written after the assignment is read.
    fn resolve(&self, partitions: &[(TopicPartition, Start)]) -> Result<HashMap<TopicPartition, Offset>, LogError> {
        let mut positions = HashMap::new();
        let mut asked = Vec::new();
        for (at, start) in partitions {
            match start {
                Start::Offset(offset) => drop(positions.insert(at.clone(), *offset)),
                // The brokers know the ends as timestamps of their own.
                Start::Beginning => asked.push((at.clone(), Native::Beginning)),
                Start::End => asked.push((at.clone(), Native::End)),
                Start::Timestamp(time) => asked.push((at.clone(), Native::Offset((*time).max(0)))),
            }
        }
        // Where no record is as young as the time asked for, the answer is none: then it is the end.
        let mut without = self.look_up(&asked, &mut positions)?;
        without.iter_mut().for_each(|(_, start)| *start = Native::End);
        match self.look_up(&without, &mut positions)?.first() {
            Some((at, _)) => Err(LogError::UnknownTopic(at.to_string())),
            None => Ok(positions),
        }
    }

    /// Adds what the brokers answer to `positions`, and returns what they have no answer for.
    fn look_up(
        &self,
        asked: &[(TopicPartition, Native)],
        positions: &mut HashMap<TopicPartition, Offset>,
    ) -> Result<Vec<(TopicPartition, Native)>, LogError> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let list = list_at(asked.iter().map(|(at, time)| (at, *time)))?;
        let answer = self.consumer.offsets_for_times(list, self.settings.answer_within());
        let answer = answer.map_err(failed("looking up positions"))?;
        let partitions: Vec<TopicPartition> = asked.iter().map(|(at, _)| at.clone()).collect();
        let mut without = Vec::new();
        for (asked, answer) in asked.iter().zip(answers(&answer, &partitions, "looking up a position of")?) {
            match answer {
                Some(offset) => drop(positions.insert(asked.0.clone(), offset)),
                None => without.push(asked.clone()),
            }
        }
        Ok(without)
    }

    fn on_fault(&mut self, fault: Fault, at: Option<(TopicPartition, Offset)>) {
        if fault.is_passing() {
            return debug!(%fault, "the reader goes on");
        }
        self.untold = Some(match (fault.code, at) {
            (Some(Code::AutoOffsetReset | Code::OffsetOutOfRange), Some((partition, _))) => {
                let offset = self.positions.get(&partition).copied().unwrap_or(-1);
                LogError::OffsetOutOfRange { partition, offset }
            }
            (_, Some((partition, _))) => fault.while_doing(format!("reading {partition}")),
            (_, None) => fault.while_doing("reading"),
        });
    }

    /// Moves the position of this partition forward to here; false when it is there already or not read any more.
    fn advance(&mut self, partition: &TopicPartition, to: Offset) -> bool {
        match self.positions.get_mut(partition) {
            Some(position) if *position < to => {
                *position = to;
                true
            }
            _ => false,
        }
    }
}

impl Reader for KafkaReader {
    fn assign(&mut self, partitions: &[(TopicPartition, Start)]) -> Result<(), LogError> {
        let positions = self.resolve(partitions)?;
        let list = list_at(positions.iter().map(|(at, offset)| (at, Native::Offset(*offset))))?;
        self.consumer.assign(&list).map_err(failed("starting to read"))?;
        self.messages.forget();
        self.positions = positions.into_iter().collect();
        self.untold = None;
        Ok(())
    }

    fn poll(&mut self, timeout: Duration) -> Result<Vec<Record>, LogError> {
        let deadline = Instant::now() + timeout;
        let mut wait = timeout;
        let (mut records, mut bytes) = (Vec::new(), 0);
        while self.untold.is_none() && records.len() < BATCH_RECORDS && bytes < BATCH_BYTES {
            match self.messages.next(wait) {
                Some(Event::Record(record)) if self.advance(&record.source, record.after()) => {
                    bytes += record.key.as_ref().map_or(0, |key| key.len());
                    bytes += record.value.as_ref().map_or(0, |value| value.len());
                    records.push(record);
                }
                // Past the markers at the end: worth telling at once to someone who waits for the position.
                Some(Event::End(partition, offset)) if self.advance(&partition, offset) => wait = Duration::ZERO,
                Some(Event::Fault(fault, at)) => self.on_fault(fault, at),
                Some(_) => {}
                None => break,
            }
            wait = if records.is_empty() && !wait.is_zero() {
                deadline.saturating_duration_since(Instant::now())
            } else {
                Duration::ZERO
            };
        }
        match self.untold.take_if(|_| records.is_empty()) {
            Some(error) => Err(error),
            None => Ok(records),
        }
    }

    fn position(&mut self, partition: &TopicPartition) -> Result<Offset, LogError> {
        let position = self.positions.get(partition).copied();
        position.ok_or_else(|| LogError::Misuse(format!("{partition} is not assigned to this reader")))
    }
}
