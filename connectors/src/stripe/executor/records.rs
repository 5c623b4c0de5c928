//! What the executor writes.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tradewind_runtime::{Codecs, Layout, dead_letters};
use tradewind_schemas::{
    Actor, CodecError, Contract, Envelope, IntentId, Key, MessageId, Timestamp,
    payment::{GatewayResult, PaymentAttempt, PaymentCommand},
};
use tradewind_topics::{
    Append, Cleanup, Headers, Record, TopicPartition,
    list::{PAYMENT_ATTEMPTS, PAYMENT_COMMANDS, PAYMENT_INTENTS},
    partition_of,
};

use super::{ExecutorError, NAME, job::Job};

/// The header of records of `payment.attempts` that says where the intent lies.
pub const INTENT_OFFSET: &str = "intent-offset";
pub const TRACE: &str = "traceparent";

/// The topics of an executor, by their physical names, and what is written to them.
pub struct Records {
    pub codecs: Codecs,
    intents: Arc<str>,
    attempts: Arc<str>,
    commands: Arc<str>,
    dead_letters: Arc<str>,
    command_partitions: u32,
}

impl Records {
    pub fn new(codecs: Codecs, layout: &Layout) -> Result<Self, ExecutorError> {
        let name = PAYMENT_COMMANDS.name;
        let command_partitions = layout.partitions(name).ok_or(ExecutorError::NoTopic(name))?;
        Ok(Self {
            codecs,
            intents: layout.physical(PAYMENT_INTENTS.name),
            attempts: layout.physical(PAYMENT_ATTEMPTS.name),
            commands: layout.physical(name),
            dead_letters: layout.physical(&dead_letters(PAYMENT_INTENTS.name)),
            command_partitions,
        })
    }

    pub fn intents(&self, partition: u32) -> TopicPartition {
        TopicPartition::new(self.intents.clone(), partition)
    }

    /// The attempts at the intents of a partition are in the partition of the same number.
    pub fn attempts(&self, partition: u32) -> TopicPartition {
        TopicPartition::new(self.attempts.clone(), partition)
    }

    /// For how long intents can be read again; `None` for ever.
    pub fn intents_kept(&self) -> Option<Duration> {
        match PAYMENT_INTENTS.cleanup {
            Cleanup::Delete { after } => Some(after),
            Cleanup::Keep | Cleanup::Compact { .. } => None,
        }
    }

    /// Says that a call is about to be made.
    pub fn attempting(&self, job: &Job, now: Timestamp) -> Result<Append, CodecError> {
        let payload = PaymentAttempt::Attempting { intent_id: job.intent, attempt: job.attempt };
        self.attempt(job, now, "attempting", payload)
    }

    /// Says what became of it.
    pub fn attempted(&self, job: &Job, result: GatewayResult, now: Timestamp) -> Result<Append, CodecError> {
        let payload = PaymentAttempt::Attempted { intent_id: job.intent, attempt: job.attempt, result };
        self.attempt(job, now, "attempted", payload)
    }

    fn attempt(&self, job: &Job, now: Timestamp, name: &str, payload: PaymentAttempt) -> Result<Append, CodecError> {
        let key = job.intent.text();
        Ok(Append {
            to: self.attempts(job.partition),
            timestamp: now.millis(),
            key: Some(Bytes::from(key.clone())),
            value: Some(self.encode(PAYMENT_ATTEMPTS.name, message(job, now, name, key, payload))?),
            headers: vec![(INTENT_OFFSET.into(), Bytes::from(job.offset.to_string()))],
        })
    }

    /// Tells the payment what the gateway said.
    pub fn report(&self, job: &Job, result: GatewayResult, now: Timestamp) -> Result<Append, CodecError> {
        let key = job.payment.text();
        let payload = PaymentCommand::RecordGatewayResult { intent_id: job.intent, result };
        let trace: Headers = job.trace.iter().map(|trace| (TRACE.into(), trace.clone())).collect();
        Ok(Append {
            to: TopicPartition::new(self.commands.clone(), partition_of(key.as_bytes(), self.command_partitions)),
            timestamp: now.millis(),
            key: Some(Bytes::from(key.clone())),
            value: Some(self.encode(PAYMENT_COMMANDS.name, message(job, now, "result", key, payload))?),
            headers: trace,
        })
    }

    /// Takes an intent out of the memory of attempts.
    pub fn tombstone(&self, partition: u32, intent: IntentId, now: Timestamp) -> Append {
        let key = Some(Bytes::from(intent.text()));
        let to = self.attempts(partition);
        Append { to, timestamp: now.millis(), key, value: None, headers: Vec::new() }
    }

    /// A record that is no intent, with the reason, the place and its own headers.
    pub fn dead_letter(&self, record: &Record, reason: &str) -> Append {
        let mut headers = record.headers.clone();
        for (name, value) in [
            ("dlq-reason", reason.to_owned()),
            ("dlq-topic", record.source.topic.to_string()),
            ("dlq-partition", record.source.partition.to_string()),
            ("dlq-offset", record.offset.to_string()),
            ("dlq-stage", NAME.to_owned()),
        ] {
            headers.push((name.into(), Bytes::from(value)));
        }
        let to = TopicPartition::new(self.dead_letters.clone(), record.source.partition);
        Append { to, timestamp: record.timestamp, key: record.key.clone(), value: record.value.clone(), headers }
    }

    fn encode<P: Contract>(&self, topic: &str, envelope: Envelope<P>) -> Result<Bytes, CodecError> {
        self.codecs.of::<P>(topic)?.encode(&envelope).map(Bytes::from)
    }
}

/// What a job leads to. Its id follows from the attempt, so that the same thing said twice is recognised.
fn message<P: Contract>(job: &Job, now: Timestamp, name: &str, key: String, payload: P) -> Envelope<P> {
    Envelope {
        id: MessageId::derived(job.intent.uuid(), &format!("{name} {}", job.attempt)),
        key,
        subject_id: job.around.subject_id,
        causation_id: Some(job.around.id),
        correlation_id: job.around.correlation_id,
        actor: Actor::service(NAME),
        at: now,
        request: None,
        cause: job.around.cause.clone(),
        payload,
    }
}
