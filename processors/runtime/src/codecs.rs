//! The codecs of all topics a process writes and reads.

use std::{any::Any, collections::HashMap, sync::Arc};

use tradewind_schemas::{Codec, CodecError, Contract, SchemaSource, SchemaSourceError};
use tradewind_topics::{
    Topic,
    list::{self, Visitor},
};

/// A codec for each topic, made once at start.
#[derive(Clone, Default)]
pub struct Codecs(HashMap<&'static str, Arc<dyn Any + Send + Sync>>);

impl Codecs {
    /// The codecs of all public topics: `id` says what the registry calls our schema of a topic, `source` knows the
    /// schemas of others.
    pub fn all(id: impl Fn(&str) -> Option<u32>, source: &Arc<dyn SchemaSource>) -> Result<Self, CodecError> {
        struct Making<'a, F>(Codecs, F, &'a Arc<dyn SchemaSource>);
        impl<F: Fn(&str) -> Option<u32>> Visitor for Making<'_, F> {
            type Error = CodecError;
            fn visit<K, V: Contract>(&mut self, topic: Topic<K, V>) -> Result<(), CodecError> {
                let missing = || SchemaSourceError::Unavailable(format!("no schema id was given for {}", topic.name));
                let id = (self.1)(topic.name).ok_or_else(missing)?;
                let codec = Codec::<V>::new(topic.name, id, self.2.clone())?;
                self.0.0.insert(topic.name, Arc::new(codec));
                Ok(())
            }
        }
        let mut making = Making(Self::default(), id, source);
        list::visit(&mut making)?;
        Ok(making.0)
    }

    pub fn with<V: Contract>(mut self, topic: &'static str, codec: Codec<V>) -> Self {
        self.0.insert(topic, Arc::new(codec));
        self
    }

    /// The codec of a topic; an error where the process was not given it.
    pub fn of<V: Contract>(&self, topic: &str) -> Result<&Codec<V>, CodecError> {
        let codec = self.0.get(topic).and_then(|codec| codec.downcast_ref());
        codec.ok_or_else(|| {
            CodecError::Source(SchemaSourceError::Unavailable(format!("this process has no codec for {topic}")))
        })
    }
}
