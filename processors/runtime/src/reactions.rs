//! What a capability wants done because of an event.

use std::any::Any;

use tradewind_schemas::{CodecError, Contract, Envelope, Key, Timestamp, edge::Settled};
use tradewind_topics::Topic;

use crate::codecs::Codecs;

/// Collects what follows from an event. Nothing happens in here: the runtime writes it all in the transaction that
/// carries the event.
pub struct Reactions<C> {
    key: String,
    at: Timestamp,
    pub(crate) sends: Vec<Outgoing>,
    pub(crate) reminders: Vec<(Timestamp, C)>,
    pub(crate) settled: Option<Settled>,
}

impl<C> Reactions<C> {
    pub(crate) fn new(key: &str, at: Timestamp) -> Self {
        Self { key: key.to_owned(), at, sends: Vec::new(), reminders: Vec::new(), settled: None }
    }

    /// The key that the event is about, as text.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// When the event happened.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Sends a record to a topic: a command to another capability, the answer to one, an intent, a current value for a
    /// compacted table, a record to be read under another key.
    pub fn send<K: Key, V: Contract>(&mut self, topic: Topic<K, V>, key: impl Into<K>, payload: V) {
        self.sends.push(Outgoing::new(topic.name, key.into().text(), payload));
    }

    /// Gives this command to the same key at that time (or as soon after as it can be).
    pub fn remind(&mut self, at: Timestamp, command: C) {
        self.reminders.push((at, command));
    }

    /// Answers everyone who waits for a command to this key that settles [later](crate::Settles::Later).
    pub fn settle(&mut self, outcome: Settled) {
        self.settled = Some(outcome);
    }
}

/// A record to be sent.
pub struct Outgoing {
    pub topic: &'static str,
    pub key: String,
    payload: Box<dyn Payload>,
}

impl Outgoing {
    pub(crate) fn new(topic: &'static str, key: String, payload: impl Contract) -> Self {
        Self { topic, key, payload: Box::new(payload) }
    }

    /// The payload, where it is of this type.
    pub fn payload<V: 'static>(&self) -> Option<&V> {
        self.payload.any().downcast_ref()
    }

    /// The name of its payload's variant.
    pub fn kind(&self) -> String {
        self.payload.kind()
    }

    pub(crate) fn encode(self, codecs: &Codecs, around: Envelope<()>) -> Result<Vec<u8>, CodecError> {
        self.payload.encode(codecs, self.topic, around)
    }
}

trait Payload: Send {
    fn any(&self) -> &dyn Any;
    fn kind(&self) -> String;
    fn encode(
        self: Box<Self>,
        codecs: &Codecs,
        topic: &'static str,
        around: Envelope<()>,
    ) -> Result<Vec<u8>, CodecError>;
}

impl<V: Contract> Payload for V {
    fn any(&self) -> &dyn Any {
        self
    }

    fn kind(&self) -> String {
        tradewind_schemas::kind(self)
    }

    fn encode(
        self: Box<Self>,
        codecs: &Codecs,
        topic: &'static str,
        around: Envelope<()>,
    ) -> Result<Vec<u8>, CodecError> {
        codecs.of::<V>(topic)?.encode(&around.with(*self))
    }
}
