//! What a codec does when the registry does not answer.

use std::{collections::HashMap, sync::Arc};

use apache_avro::Schema;
use parking_lot::Mutex;
use tradewind_schemas::{Codec, CodecError, SchemaSource, SchemaSourceError};

use crate::evolution::{envelope, new, old};

/// A registry that can be out of reach, and counts what it is asked.
#[derive(Default)]
pub struct Published {
    schemas: HashMap<u32, String>,
    pub asked: Mutex<Vec<u32>>,
    pub unreachable: Mutex<bool>,
}

impl Published {
    pub fn with(mut self, id: u32, schema: &Schema) -> Self {
        self.schemas.insert(id, serde_json::to_string(schema).expect("a schema is JSON"));
        self
    }
}

impl SchemaSource for Published {
    fn schema(&self, id: u32) -> Result<String, SchemaSourceError> {
        self.asked.lock().push(id);
        if *self.unreachable.lock() {
            return Err(SchemaSourceError::Unavailable("connection refused".to_owned()));
        }
        self.schemas.get(&id).cloned().ok_or(SchemaSourceError::NotFound(id))
    }
}

#[test]
fn an_unknown_schema_is_the_record_s_fault_and_a_silent_registry_is_not() {
    let (codec, registry) = old::codec();
    let record = envelope(old::Parcel::Collected { id: 1 });
    let foreign = |id: u32| [&[0][..], &id.to_be_bytes(), &codec.encode(&record).unwrap()[5..]].concat();

    let unknown = codec.decode(&foreign(404)).unwrap_err();
    assert!(matches!(unknown, CodecError::Source(SchemaSourceError::NotFound(404))), "{unknown}");
    assert!(!unknown.is_environment());

    *registry.unreachable.lock() = true;
    let silent = codec.decode(&foreign(new::ID)).unwrap_err();
    assert!(silent.is_environment(), "{silent}");
    assert!(silent.to_string().contains("connection refused"));

    *registry.unreachable.lock() = false;
    assert_eq!(codec.decode(&codec.encode(&record).unwrap()).unwrap(), record);
    assert!(codec.decode(&foreign(404)).is_err_and(|e| !e.is_environment()));
}

#[test]
fn the_registry_is_asked_once_for_each_schema_and_never_for_our_own() {
    let (old, _) = old::codec();
    let (new, registry) = new::codec();
    let record = old.encode(&envelope(old::Parcel::Collected { id: 1 })).unwrap();
    for _ in 0..3 {
        new.decode(&record).unwrap();
    }
    new.decode(&new.encode(&envelope(new::Parcel::Collected { id: 1 })).unwrap()).unwrap();
    assert_eq!(*registry.asked.lock(), [old::ID]);

    *registry.unreachable.lock() = true;
    new.decode(&record).expect("known schemas outlive the registry");
}

#[test]
fn what_the_registry_serves_must_be_an_envelope_s_schema() {
    struct Serves(&'static str);
    impl SchemaSource for Serves {
        fn schema(&self, _: u32) -> Result<String, SchemaSourceError> {
            Ok(self.0.to_owned())
        }
    }
    for wrong in ["", "no JSON", "{}", r#""string""#, r#"{"type":"record","name":"Other","fields":[]}"#] {
        let codec = Codec::<old::Parcel>::new("parcel.events", old::ID, Arc::new(Serves(wrong))).unwrap();
        let refused = codec.decode(&[0, 0, 0, 0, 99, 0]).unwrap_err();
        assert!(matches!(refused, CodecError::Incompatible { id: 99, .. }), "{wrong:?}: {refused}");
    }
}
