//! The values on the platform's topics.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tradewind_runtime::Codecs;
use tradewind_schemas::{Contract, Envelope, SchemaSource, SchemaSourceError, kind};
use tradewind_topics::{
    Record, Topic,
    list::{
        self, EDGE_REPLIES, INVENTORY_COMMANDS, INVENTORY_EVENTS, ORDER_BY_CUSTOMER, ORDER_COMMANDS, ORDER_EVENTS,
        PAYMENT_ATTEMPTS, PAYMENT_COMMANDS, PAYMENT_EVENTS, PAYMENT_INTENTS,
    },
};

use super::{NAMESPACE, PARTITIONS, client::GARBAGE, partition_of_topic};
use crate::world::World;

/// Nobody has written with another schema than ours.
struct NoOthers;

impl SchemaSource for NoOthers {
    fn schema(&self, id: u32) -> Result<String, SchemaSourceError> {
        Err(SchemaSourceError::NotFound(id))
    }
}

/// Made once: schemas take longer to derive than a world to run.
pub fn codecs() -> &'static Codecs {
    static CODECS: OnceLock<Codecs> = OnceLock::new();
    CODECS.get_or_init(|| {
        let others: Arc<dyn SchemaSource> = Arc::new(NoOthers);
        let names: Vec<_> = list::all().iter().map(|topic| topic.name).collect();
        let id = |name: &str| names.iter().position(|known| *known == name).and_then(|at| u32::try_from(at + 1).ok());
        Codecs::all(id, &others).expect("every topic has its id")
    })
}

pub fn encode<V: Contract>(topic: &str, envelope: &Envelope<V>) -> Bytes {
    let codec = codecs().of::<V>(topic).expect("a topic of the list");
    codec.encode(envelope).expect("what is made here can be written").into()
}

pub fn decode<V: Contract>(topic: &str, value: &Bytes) -> Result<Envelope<V>, String> {
    let codec = codecs().of::<V>(topic).map_err(|e| e.to_string())?;
    codec.decode(value).map_err(|e| format!("{topic}: {e}"))
}

/// Every committed record of a topic, with where it lies; tombstones and garbage left out.
pub fn read_all<K, V: Contract>(world: &World, topic: Topic<K, V>) -> Result<Vec<(Record, Envelope<V>)>, String> {
    let mut read = Vec::new();
    for partition in 0..PARTITIONS {
        for record in world.log.all(&partition_of_topic(topic.name, partition)) {
            let Some(value) = record.value.as_ref().filter(|value| value.as_ref() != GARBAGE) else { continue };
            let envelope = decode(topic.name, value)?;
            read.push((record, envelope));
        }
    }
    Ok(read)
}

/// What a record is, and of whom.
pub fn describe(topic: &str, key: Option<&Bytes>, value: Option<&Bytes>) -> String {
    let topic = topic.strip_prefix(NAMESPACE).and_then(|topic| topic.strip_prefix('.')).unwrap_or(topic);
    let key = key.map(|key| String::from_utf8_lossy(key).chars().take(8).collect::<String>()).unwrap_or_default();
    let Some(value) = value else { return format!("tombstone({key})") };
    fn named<K, V: Contract>(topic: Topic<K, V>, value: &Bytes) -> String {
        decode::<V>(topic.name, value).map_or_else(|_| "unreadable".to_owned(), |envelope| kind(&envelope.payload))
    }
    let name = match topic {
        _ if topic == ORDER_COMMANDS.name => named(ORDER_COMMANDS, value),
        _ if topic == ORDER_EVENTS.name => named(ORDER_EVENTS, value),
        _ if topic == ORDER_BY_CUSTOMER.name => named(ORDER_BY_CUSTOMER, value),
        _ if topic == INVENTORY_COMMANDS.name => named(INVENTORY_COMMANDS, value),
        _ if topic == INVENTORY_EVENTS.name => named(INVENTORY_EVENTS, value),
        _ if topic == PAYMENT_COMMANDS.name => named(PAYMENT_COMMANDS, value),
        _ if topic == PAYMENT_EVENTS.name => named(PAYMENT_EVENTS, value),
        _ if topic == PAYMENT_INTENTS.name => named(PAYMENT_INTENTS, value),
        _ if topic == PAYMENT_ATTEMPTS.name => named(PAYMENT_ATTEMPTS, value),
        _ if topic == EDGE_REPLIES.name => named(EDGE_REPLIES, value),
        _ => "record".to_owned(),
    };
    format!("{name}({key})")
}
