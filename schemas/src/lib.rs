//! The contracts: the values that travel, the records of every topic, and the codec that frames them.
//!
//! The Rust types here are the source; `contracts/*.avsc` are what is published, and a test compares the two.

pub mod catalog;
mod codec;
mod datum;
pub mod edge;
mod envelope;
mod id;
pub mod identity;
pub mod inventory;
mod keyring;
mod money;
pub mod order;
pub mod payment;
mod pepper;
mod rejection;
mod resolution;
pub mod runtime;
mod sealed;
mod sku;
mod time;
mod view;

pub use codec::{Codec, CodecError, Contract, SchemaSource, SchemaSourceError, framed_id};
pub use datum::Datum;
pub use envelope::{Actor, Envelope, Position, ReplyTo, Request, Role};
pub use id::{
    AddressId, CategoryId, CustomerId, IntentId, MessageId, OrderId, PaymentId, ProductId, SessionId, UserId,
};
pub use keyring::{Keyring, KeyringError, MasterKey, NoSecret};
pub use money::{Currency, Money, MoneyError, discounted};
pub use pepper::Pepper;
pub use rejection::{FieldError, Rejection};
pub use sealed::{Address, Sealed};
pub use sku::Sku;
pub use time::Timestamp;
pub use view::{RowKey, View};

/// The canonical, unframed bytes of a record's key, the same whatever wrote them.
pub trait Key {
    /// The key as text: its UTF-8 bytes are what goes on the log, and what murmur2 places.
    fn text(&self) -> String;
}

/// The name of a payload's variant, such as `StockReserved`.
pub fn kind(payload: &impl serde::Serialize) -> String {
    match serde_json::to_value(payload) {
        Ok(serde_json::Value::Object(tagged)) => tagged.keys().next().cloned().unwrap_or_default(),
        Ok(serde_json::Value::String(unit)) => unit,
        _ => String::new(),
    }
}
