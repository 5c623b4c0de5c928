//! Commands from outside, in their envelopes.

use tradewind_schemas::{Actor, Contract, Envelope, Key, MessageId, ReplyTo, Request, Role, Timestamp, UserId};
use tradewind_topics::{Append, Topic, TopicPartition, partition_of};
use uuid::Uuid;

use super::{PARTITIONS, codecs::encode};
use crate::world::World;

/// The one edge of the world.
pub const EDGE: &str = "edge";

pub fn customer(number: u32) -> UserId {
    UserId::derived(Uuid::NAMESPACE_OID, &format!("customer {number}"))
}

pub fn buyer(number: u32) -> Actor {
    Actor::user(customer(number), vec![Role::Customer])
}

pub fn staff() -> Actor {
    Actor::user(UserId::derived(Uuid::NAMESPACE_OID, "staff"), vec![Role::Merchant])
}

/// A command as a client's edge writes it; retries are the same record again.
pub fn command<K: Key, V: Contract>(
    world: &World,
    topic: Topic<K, V>,
    key: &K,
    name: &str,
    actor: Actor,
    payload: V,
) -> (MessageId, Append) {
    let digest = name.to_owned();
    let request = Request { digest, reply_to: Some(ReplyTo { partition: 0, instance: EDGE.to_owned() }) };
    write(world, topic, key, name, actor, Some(request), payload)
}

/// A record that no client waits for.
pub fn notice<K: Key, V: Contract>(
    world: &World,
    topic: Topic<K, V>,
    key: &K,
    name: &str,
    actor: Actor,
    payload: V,
) -> Append {
    write(world, topic, key, name, actor, None, payload).1
}

fn write<K: Key, V: Contract>(
    world: &World,
    topic: Topic<K, V>,
    key: &K,
    name: &str,
    actor: Actor,
    request: Option<Request>,
    payload: V,
) -> (MessageId, Append) {
    let id = MessageId::derived(Uuid::NAMESPACE_OID, name);
    let key = key.text();
    let envelope = Envelope {
        id,
        key: key.clone(),
        subject_id: None,
        causation_id: None,
        correlation_id: id,
        actor,
        at: Timestamp::from_millis(world.now),
        request,
        cause: None,
        payload,
    };
    let to = TopicPartition::new(world.layout.physical(topic.name), partition_of(key.as_bytes(), PARTITIONS));
    let value = Some(encode(topic.name, &envelope));
    (id, Append { to, timestamp: world.now, key: Some(key.into()), value, headers: Vec::new() })
}
