//! What windows and joins put out.

use std::marker::PhantomData;

use tradewind_schemas::{Actor, CodecError, Contract, Envelope, Key, MessageId, Timestamp};
use tradewind_topics::{Headers, Topic};

use crate::{
    codecs::Codecs,
    reactions::Outgoing,
    stage::{Output, Place},
};

/// Collects what follows, under a key in hand. Nothing happens in here: it is all written in the transaction of the
/// record in hand.
pub struct Sends<K> {
    key: String,
    sent: Vec<Outgoing>,
    keys: PhantomData<fn(K)>,
}

impl<K: Key> Sends<K> {
    pub(crate) fn new(key: &str) -> Self {
        Self { key: key.to_owned(), sent: Vec::new(), keys: PhantomData }
    }

    /// The key in hand, as text.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Sends a record under the key in hand.
    pub fn send_on<V: Contract>(&mut self, topic: Topic<K, V>, payload: V) {
        self.sent.push(Outgoing::new(topic.name, self.key.clone(), payload));
    }

    /// Sends a record under another key.
    pub fn send<L: Key, V: Contract>(&mut self, topic: Topic<L, V>, key: impl Into<L>, payload: V) {
        self.sent.push(Outgoing::new(topic.name, key.into().text(), payload));
    }
}

/// Writes what was sent: in envelopes that go back to the record in hand.
pub(crate) struct Writing<'a> {
    pub codecs: &'a Codecs,
    pub stage: &'static str,
    /// Of the record in hand.
    pub around: &'a Envelope<()>,
    pub out: &'a mut Vec<Output>,
}

impl Writing<'_> {
    /// The records' ids derive from `id`; they happened `at` this time.
    pub fn write<K>(&mut self, sends: Sends<K>, id: MessageId, at: Timestamp) -> Result<(), CodecError> {
        for (n, sent) in sends.sent.into_iter().enumerate() {
            let around = Envelope {
                id: MessageId::derived(id.uuid(), &format!("send {n}")),
                key: sent.key.clone(),
                subject_id: None,
                causation_id: Some(self.around.id),
                correlation_id: self.around.correlation_id,
                actor: Actor::service(self.stage),
                at,
                request: None,
                cause: None,
                payload: (),
            };
            let (topic, key) = (sent.topic, sent.key.clone());
            let value = sent.encode(self.codecs, around)?.into();
            let place = Place::Key(key.into());
            self.out.push(Output {
                topic: topic.into(),
                place,
                value: Some(value),
                timestamp: at,
                headers: Headers::new(),
            });
        }
        Ok(())
    }
}
