//! Records that the platform writes of itself: by nobody's order, and about nobody.

use anyhow::{Context, Result};
use tradewind_runtime::{Codecs, Layout, now};
use tradewind_schemas::{Actor, Contract, Envelope, Key, MessageId};
use tradewind_topics::{Append, Topic, TopicPartition, partition_of};

/// Where a topic has this key.
pub fn place<K: Key, P>(layout: &Layout, topic: Topic<K, P>, key: &K) -> Result<TopicPartition> {
    let (name, partitions) =
        layout.topic(topic.name).with_context(|| format!("the topic {} is missing", topic.name))?;
    Ok(TopicPartition::new(name, partition_of(key.text().as_bytes(), partitions)))
}

/// A record with this payload, as of now.
pub fn record<K: Key, P: Contract>(
    codecs: &Codecs,
    layout: &Layout,
    topic: Topic<K, P>,
    key: &K,
    payload: P,
) -> Result<Append> {
    let (id, at) = (MessageId::new(uuid::Uuid::now_v7()), now());
    let envelope = Envelope {
        id,
        key: key.text(),
        subject_id: None,
        causation_id: None,
        correlation_id: id,
        actor: Actor::service("runtime"),
        at,
        request: None,
        cause: None,
        payload,
    };
    let value = codecs.of::<P>(topic.name)?.encode(&envelope)?;
    Ok(Append {
        to: place(layout, topic, key)?,
        timestamp: at.millis(),
        key: Some(envelope.key.into()),
        value: Some(value.into()),
        headers: Vec::new(),
    })
}
