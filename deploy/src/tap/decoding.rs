//! Values decoded by the schemas they were written with.

use std::{collections::HashMap, sync::Arc};

use apache_avro::{
    Schema,
    reader::datum::GenericDatumReader,
    schema::{NamesRef, ResolvedSchema},
};
use parking_lot::RwLock;
use serde_json::Value;
use tradewind_schemas::{Datum, SchemaSource, framed_id};

use super::json::json;

/// Decodes any value of any topic into JSON. One serves all taps of a process.
pub struct Decoder {
    source: Arc<dyn SchemaSource>,
    known: RwLock<HashMap<u32, Arc<Written>>>,
}

/// A schema that values were written with. There are few, and they live as long as the process.
struct Written {
    schema: &'static Schema,
    names: NamesRef<'static>,
    reader: GenericDatumReader<'static>,
}

impl Decoder {
    pub fn new(source: Arc<dyn SchemaSource>) -> Self {
        Self { source, known: RwLock::default() }
    }

    /// A framed value, its secrets masked. Call it from a thread that may wait: the schema may have to be fetched.
    ///
    /// # Errors
    /// In words: there is nobody to act on them but who reads the tap.
    pub fn decode(&self, value: &[u8]) -> Result<Value, String> {
        let (id, datum) = framed_id(value).map_err(|error| error.to_string())?;
        let written = self.schema(id)?;
        let mut datum = Datum::new(datum);
        let read = written.reader.read_value(&mut datum).map_err(|error| format!("not of schema {id}: {error}"))?;
        if datum.is_exhausted() {
            return Err(format!("it ends early, as a value of schema {id}"));
        }
        match datum.rest().len() {
            0 => Ok(json(read, written.schema, &written.names)),
            excess => Err(format!("{excess} bytes too many, as a value of schema {id}")),
        }
    }

    fn schema(&self, id: u32) -> Result<Arc<Written>, String> {
        if let Some(known) = self.known.read().get(&id) {
            return Ok(known.clone());
        }
        let text = self.source.schema(id).map_err(|error| error.to_string())?;
        let written = parsed(&text).map_err(|error| format!("schema {id} cannot be used: {error}"))?;
        Ok(self.known.write().entry(id).or_insert(Arc::new(written)).clone())
    }
}

fn parsed(text: &str) -> Result<Written, apache_avro::Error> {
    let schema: &'static Schema = Box::leak(Box::new(Schema::parse_str(text)?));
    let names = ResolvedSchema::new(schema)?.get_names().clone();
    let reader = GenericDatumReader::builder(schema).human_readable(true).build()?;
    Ok(Written { schema, names, reader })
}
