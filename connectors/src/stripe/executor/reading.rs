//! What the executor reads.

use std::str::FromStr;

use tradewind_schemas::{
    CodecError, IntentId, PaymentId,
    payment::{PaymentAttempt, PaymentIntent},
};
use tradewind_topics::{
    Offset, Record,
    list::{PAYMENT_ATTEMPTS, PAYMENT_INTENTS},
};

use super::{
    attempts::Last,
    job::Job,
    records::{INTENT_OFFSET, Records, TRACE},
};

/// Why a record was not read.
pub enum Unread {
    /// For a reason of its own.
    Fault(String),
    /// The environment's fault: it can be read later.
    Environment(String),
}

impl From<CodecError> for Unread {
    fn from(error: CodecError) -> Self {
        if error.is_environment() { Self::Environment(error.to_string()) } else { Self::Fault(error.to_string()) }
    }
}

impl Records {
    /// The job that an intent asks for.
    pub fn intent(&self, record: &Record) -> Result<Job, Unread> {
        let payment: PaymentId = key(record)?;
        let value = record.value.as_deref().ok_or_else(|| Unread::Fault("it has no value".to_owned()))?;
        let (intent, around) = self.codecs.of::<PaymentIntent>(PAYMENT_INTENTS.name)?.decode(value)?.split();
        let PaymentIntent::Execute { intent_id, operation, order_id: _, amount, method, reference, attempt } = intent;
        let trace = record.headers.iter().find(|(name, _)| name.as_ref() == TRACE).map(|(_, trace)| trace.clone());
        Ok(Job {
            partition: record.source.partition,
            offset: record.offset,
            payment,
            intent: intent_id,
            attempt,
            operation,
            amount,
            method,
            reference,
            around,
            trace,
            interrupted: false,
        })
    }

    /// What a record of `payment.attempts` says; nothing where it is a tombstone.
    pub fn last_attempt(&self, record: &Record) -> Result<(IntentId, Option<Last>), Unread> {
        let intent: IntentId = key(record)?;
        let Some(value) = record.value.as_deref() else { return Ok((intent, None)) };
        let said = self.codecs.of::<PaymentAttempt>(PAYMENT_ATTEMPTS.name)?.decode(value)?.payload;
        let (attempt, ended) = match said {
            PaymentAttempt::Attempting { attempt, .. } => (attempt, false),
            PaymentAttempt::Attempted { attempt, .. } => (attempt, true),
        };
        // One that does not say where its intent lies is kept in mind.
        Ok((intent, Some(Last { attempt, ended, offset: intent_offset(record).unwrap_or(Offset::MAX) })))
    }
}

fn key<K: FromStr>(record: &Record) -> Result<K, Unread> {
    let text = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
    text.and_then(|text| text.parse().ok()).ok_or_else(|| Unread::Fault("its key is not an id".to_owned()))
}

fn intent_offset(record: &Record) -> Option<Offset> {
    let (_, value) = record.headers.iter().find(|(name, _)| name.as_ref() == INTENT_OFFSET)?;
    std::str::from_utf8(value).ok()?.parse().ok()
}
