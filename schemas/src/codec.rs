//! Values on topics: Avro in Confluent's wire format (a zero byte, the schema's id in four bytes big-endian, the datum).

use std::{collections::HashMap, marker::PhantomData, sync::Arc};

use apache_avro::{
    AvroSchemaComponent, Schema, reader::datum::GenericDatumReader, serde::AvroSchema,
    writer::datum::GenericDatumWriter,
};
use parking_lot::RwLock;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Envelope, datum::Datum, resolution::Resolution};

/// A topic's payload: a union of records.
pub trait Contract: Serialize + DeserializeOwned + AvroSchemaComponent + Send + Sync + 'static {
    /// The published schema of the topic whose payload this is: the envelope around this union, in the topic's own
    /// Avro namespace.
    fn schema(topic: &str) -> Schema
    where
        Self: Sized,
    {
        let derived = serde_json::to_value(Envelope::<Self>::get_schema());
        derived
            .map_err(|e| e.to_string())
            .and_then(|mut json| {
                json["namespace"] = format!("tradewind.{}", topic.replace('-', "_")).into();
                Schema::parse(&json).map_err(|e| e.to_string())
            })
            .unwrap_or_else(|e| unreachable!("the derived schema of {topic} is no schema: {e}"))
    }
}

impl<P: Serialize + DeserializeOwned + AvroSchemaComponent + Send + Sync + 'static> Contract for P {}

/// Where a writer's schema comes from when a record names an id not seen before.
pub trait SchemaSource: Send + Sync {
    /// The schema of this id, as JSON.
    fn schema(&self, id: u32) -> Result<String, SchemaSourceError>;
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaSourceError {
    #[error("the registry knows no schema {0}")]
    NotFound(u32),
    /// The environment's fault, never the record's.
    #[error("the registry cannot be asked: {0}")]
    Unavailable(String),
}

#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("not in Confluent's wire format: {0}")]
    Unframed(&'static str),
    #[error(transparent)]
    Source(#[from] SchemaSourceError),
    #[error("schema {id} cannot be read as {topic}: {why}")]
    Incompatible { id: u32, topic: String, why: String },
    #[error("not a record of {topic}: {cause}")]
    Malformed { topic: String, cause: Box<apache_avro::Error> },
    #[error("a record of {topic} ends early")]
    Truncated { topic: String },
    #[error("{excess} bytes too many after a record of {topic}")]
    Excess { topic: String, excess: usize },
}

impl CodecError {
    /// Whether the environment is at fault, so that the record must wait rather than be put aside.
    pub fn is_environment(&self) -> bool {
        matches!(self, Self::Source(SchemaSourceError::Unavailable(_)))
    }
}

/// The id of the schema that a framed value was written with, and its datum.
pub fn framed_id(value: &[u8]) -> Result<(u32, &[u8]), CodecError> {
    match value {
        [0, a, b, c, d, datum @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), datum)),
        [0, ..] => Err(CodecError::Unframed("shorter than its header")),
        _ => Err(CodecError::Unframed("the first byte is not 0")),
    }
}

/// No field of a record is as long as this, whatever its length prefix says: garbage must not make us allocate.
const LONGEST_FIELD: usize = 16 << 20;

/// Encodes and decodes the values of one topic.
pub struct Codec<P> {
    topic: String,
    id: u32,
    /// Schemas live as long as the process: there are few, and the readers and writers borrow from them.
    own: &'static Schema,
    encoder: GenericDatumWriter<'static>,
    decoder: GenericDatumReader<'static>,
    others: RwLock<HashMap<u32, Arc<Foreign>>>,
    source: Arc<dyn SchemaSource>,
    payload: PhantomData<fn() -> P>,
}

/// A schema of another version than ours.
struct Foreign {
    decoder: GenericDatumReader<'static>,
    resolution: Resolution,
}

impl<P: Contract> Codec<P> {
    /// `id` is what the registry calls our schema of `topic`.
    pub fn new(topic: &str, id: u32, source: Arc<dyn SchemaSource>) -> Result<Self, CodecError> {
        apache_avro::util::max_allocation_bytes(LONGEST_FIELD);
        let own: &'static Schema = Box::leak(Box::new(P::schema(topic)));
        let malformed = |cause| CodecError::Malformed { topic: topic.to_owned(), cause: Box::new(cause) };
        Ok(Self {
            topic: topic.to_owned(),
            id,
            own,
            encoder: GenericDatumWriter::builder(own).human_readable(true).build().map_err(malformed)?,
            decoder: GenericDatumReader::builder(own).human_readable(true).build().map_err(malformed)?,
            others: RwLock::default(),
            source,
            payload: PhantomData,
        })
    }

    pub fn encode(&self, envelope: &Envelope<P>) -> Result<Vec<u8>, CodecError> {
        let mut framed = Vec::with_capacity(256);
        framed.push(0);
        framed.extend_from_slice(&self.id.to_be_bytes());
        self.encoder.write_ser(&mut framed, envelope).map_err(|e| self.malformed(e))?;
        Ok(framed)
    }

    pub fn decode(&self, value: &[u8]) -> Result<Envelope<P>, CodecError> {
        let (id, mut datum) = framed_id(value)?;
        let envelope = if id == self.id {
            self.decoder.read_deser(&mut datum).map_err(|e| self.malformed(e))?
        } else {
            let writer = self.foreign(id)?;
            let mut bytes = Datum::new(datum);
            let value = writer.decoder.read_value(&mut bytes).map_err(|e| self.malformed(e))?;
            if bytes.is_exhausted() {
                return Err(CodecError::Truncated { topic: self.topic.clone() });
            }
            datum = bytes.rest();
            let incompatible = |why| CodecError::Incompatible { id, topic: self.topic.clone(), why };
            let resolved = writer.resolution.resolve(value).map_err(incompatible)?;
            // Written with our schema and read like everything else, so that there is one way from bytes to types.
            let ours = self.encoder.write_value_to_vec(resolved).map_err(|e| incompatible(e.to_string()))?;
            self.decoder.read_deser(&mut ours.as_slice()).map_err(|e| self.malformed(e))?
        };
        match datum.len() {
            0 => Ok(envelope),
            excess => Err(CodecError::Excess { topic: self.topic.clone(), excess }),
        }
    }

    fn foreign(&self, id: u32) -> Result<Arc<Foreign>, CodecError> {
        if let Some(known) = self.others.read().get(&id) {
            return Ok(known.clone());
        }
        let json = self.source.schema(id)?;
        let incompatible =
            |e: apache_avro::Error| CodecError::Incompatible { id, topic: self.topic.clone(), why: e.to_string() };
        let schema: &'static Schema = Box::leak(Box::new(Schema::parse_str(&json).map_err(incompatible)?));
        let decoder = GenericDatumReader::builder(schema).human_readable(true).build().map_err(incompatible)?;
        let resolution = Resolution::new(schema, self.own).map_err(incompatible)?;
        Ok(self.others.write().entry(id).or_insert(Arc::new(Foreign { decoder, resolution })).clone())
    }

    fn malformed(&self, cause: apache_avro::Error) -> CodecError {
        CodecError::Malformed { topic: self.topic.clone(), cause: Box::new(cause) }
    }
}
