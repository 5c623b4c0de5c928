//! A record as a stage with types reads it.

use tradewind_schemas::{Actor, Contract, Envelope, MessageId, Timestamp};
use tradewind_topics::{Record, Topic};
use uuid::Uuid;

use crate::{codecs::Codecs, entity::LONGEST_KEY, stage::Failure};

/// What a record says: it has a value, and its key is the one in the envelope.
pub fn envelope<K, V: Contract>(codecs: &Codecs, topic: Topic<K, V>, record: &Record) -> Result<Envelope<V>, Failure> {
    let value = record.value.as_ref().ok_or_else(|| Failure::Record("it has no value".to_owned()))?;
    let envelope = codecs.of::<V>(topic.name)?.decode(value)?;
    match &record.key {
        Some(key) if key.len() > LONGEST_KEY => Err(too_long(key.len())),
        Some(key) if key.as_ref() == envelope.key.as_bytes() => Ok(envelope),
        Some(_) => Err(Failure::Record("its key on the log is not the key in its envelope".to_owned())),
        None => Err(Failure::Record("it has no key".to_owned())),
    }
}

/// What a record of a table says, and what is around it: no payload for a tombstone, and an envelope made of its place.
pub fn row<K, V: Contract>(
    codecs: &Codecs,
    topic: Topic<K, V>,
    record: &Record,
) -> Result<(Option<V>, Envelope<()>), Failure> {
    if record.value.is_some() {
        let (payload, around) = envelope(codecs, topic, record)?.split();
        return Ok((Some(payload), around));
    }
    let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
    let key = key.ok_or_else(|| Failure::Record("it has neither a value nor a key that is text".to_owned()))?;
    if key.len() > LONGEST_KEY {
        return Err(too_long(key.len()));
    }
    let id = MessageId::derived(Uuid::NAMESPACE_OID, &format!("{} {}", record.source, record.offset));
    let around = Envelope {
        id,
        key: key.to_owned(),
        subject_id: None,
        causation_id: None,
        correlation_id: id,
        actor: Actor::service(topic.owner),
        at: Timestamp::from_millis(record.timestamp),
        request: None,
        cause: None,
        payload: (),
    };
    Ok((None, around))
}

fn too_long(length: usize) -> Failure {
    Failure::Record(format!("its key has {length} bytes, and at most {LONGEST_KEY} are taken"))
}
