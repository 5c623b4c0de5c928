//! Identities. Each is a UUID: version 7 where it is made fresh, version 5 where it is derived.

use std::{collections::HashSet, fmt, str::FromStr};

use apache_avro::{
    AvroSchemaComponent, Schema,
    schema::{Name, NamespaceRef, RecordField, UuidSchema},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::Key;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The id that follows from a namespace and a name: the same every time.
            pub fn derived(namespace: Uuid, name: &str) -> Self {
                Self(Uuid::new_v5(&namespace, name.as_bytes()))
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }

        impl Key for $name {
            fn text(&self) -> String {
                self.0.to_string()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                serialize(self.0, to)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                deserialize(from).map(Self)
            }
        }

        impl AvroSchemaComponent for $name {
            fn get_schema_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> Schema {
                Schema::Uuid(UuidSchema::String)
            }
            fn get_record_fields_in_ctxt(_: &mut HashSet<Name>, _: NamespaceRef) -> Option<Vec<RecordField>> {
                None
            }
        }
    )*};
}

ids! {
    /// One message: a command, an event, an answer.
    MessageId
    /// Whoever can log in.
    UserId
    ProductId
    CategoryId
    OrderId
    PaymentId
    /// One call to a gateway that is to happen once.
    IntentId
    /// A login.
    SessionId
    /// An entry of an address book.
    AddressId
}

/// A customer is a user who buys.
pub type CustomerId = UserId;

/// Text where people or Avro read it, 16 bytes in the state.
fn serialize<S: Serializer>(uuid: Uuid, to: S) -> Result<S::Ok, S::Error> {
    if to.is_human_readable() {
        to.serialize_str(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    } else {
        to.serialize_bytes(uuid.as_bytes())
    }
}

fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = Uuid;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a UUID")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Uuid, E> {
            Uuid::try_parse(text).map_err(E::custom)
        }
        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Uuid, E> {
            Uuid::from_slice(bytes).map_err(E::custom)
        }
    }
    if from.is_human_readable() { from.deserialize_str(Visitor) } else { from.deserialize_bytes(Visitor) }
}
