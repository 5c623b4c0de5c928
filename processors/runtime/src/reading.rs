//! A record as a stage with types reads it.

use tradewind_schemas::{Contract, Envelope};
use tradewind_topics::{Record, Topic};

use crate::{codecs::Codecs, stage::Failure};

/// What a record says: it has a value, and its key is the one in the envelope.
pub fn envelope<K, V: Contract>(codecs: &Codecs, topic: Topic<K, V>, record: &Record) -> Result<Envelope<V>, Failure> {
    let value = record.value.as_ref().ok_or_else(|| Failure::Record("it has no value".to_owned()))?;
    let envelope = codecs.of::<V>(topic.name)?.decode(value)?;
    match &record.key {
        Some(key) if key.as_ref() == envelope.key.as_bytes() => Ok(envelope),
        Some(_) => Err(Failure::Record("its key on the log is not the key in its envelope".to_owned())),
        None => Err(Failure::Record("it has no key".to_owned())),
    }
}
