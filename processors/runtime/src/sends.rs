//! What windows and joins put out.

use std::marker::PhantomData;

use bytes::Bytes;
use tradewind_schemas::{Actor, CodecError, Contract, Envelope, Key, MessageId};
use tradewind_topics::{Record, Topic};

use crate::{
    codecs::Codecs,
    deciding::trace_of,
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

/// Writes what follows from the record in hand.
pub(crate) struct Writing<'a> {
    pub codecs: &'a Codecs,
    pub stage: &'static str,
    pub record: &'a Record,
    /// Of the record in hand.
    pub around: &'a Envelope<()>,
    pub out: &'a mut Vec<Output>,
}

impl Writing<'_> {
    /// An envelope for what follows: about the same person, at the same time. Of one record's, each has another name.
    pub fn following(&self, name: &str) -> Envelope<()> {
        let Envelope { id, subject_id, correlation_id, at, ref cause, .. } = *self.around;
        Envelope {
            id: MessageId::derived(id.uuid(), &format!("{} {name}", self.stage)),
            key: self.around.key.clone(),
            subject_id,
            causation_id: Some(id),
            correlation_id,
            actor: Actor::service(self.stage),
            at,
            request: None,
            cause: cause.clone(),
            payload: (),
        }
    }

    /// Writes what was sent, in envelopes like this one, from whose id theirs derive.
    pub fn write<K>(&mut self, sends: Sends<K>, like: &Envelope<()>) -> Result<(), CodecError> {
        for (n, sent) in sends.sent.into_iter().enumerate() {
            let id = MessageId::derived(like.id.uuid(), &format!("send {n}"));
            self.encode(sent, Envelope { id, ..like.clone() })?;
        }
        Ok(())
    }

    /// Writes a record. Of one record's, each has another name.
    pub fn say<K, V: Contract>(
        &mut self,
        topic: Topic<K, V>,
        key: String,
        payload: V,
        name: &str,
    ) -> Result<(), CodecError> {
        self.encode(Outgoing::new(topic.name, key, payload), self.following(name))
    }

    /// Writes a tombstone.
    pub fn erase(&mut self, topic: &'static str, key: String) {
        let like = self.around.clone();
        self.push(topic, &like, key, None);
    }

    fn encode(&mut self, sent: Outgoing, like: Envelope<()>) -> Result<(), CodecError> {
        let (topic, key) = (sent.topic, sent.key.clone());
        let around = Envelope { key: key.clone(), ..like };
        let value = sent.encode(self.codecs, around.clone())?;
        self.push(topic, &around, key, Some(value.into()));
        Ok(())
    }

    fn push(&mut self, topic: &'static str, around: &Envelope<()>, key: String, value: Option<Bytes>) {
        let (place, headers) = (Place::Key(key.into()), trace_of(self.record));
        self.out.push(Output { topic: topic.into(), place, value, timestamp: around.at, headers });
    }
}
