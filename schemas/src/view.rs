//! Views: what processors keep to be asked, named and typed for both sides.

use std::marker::PhantomData;

use uuid::Uuid;

use crate::{AddressId, IntentId, MessageId, OrderId, ProductId, SessionId, Sku, Timestamp, UserId};

/// A table of rows that a stage keeps under its records' keys: `(key, row) -> value`.
///
/// Which partition has a key's rows is where the stage's source topic places that key.
pub struct View<R, V> {
    /// The stage that keeps it, such as `order` or `order.by-customer`.
    pub stage: &'static str,
    /// Its number within the stage, for good.
    pub table: u8,
    rows: PhantomData<fn(R) -> V>,
}

impl<R, V> View<R, V> {
    pub const fn new(stage: &'static str, table: u8) -> Self {
        Self { stage, table, rows: PhantomData }
    }
}

impl<R, V> Clone for View<R, V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R, V> Copy for View<R, V> {}

/// A row's key within its table and key: its bytes sort as the rows shall.
pub trait RowKey {
    fn write(&self, to: &mut Vec<u8>);

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(24);
        self.write(&mut bytes);
        bytes
    }
}

/// The only row there is.
impl RowKey for () {
    fn write(&self, _: &mut Vec<u8>) {}
}

impl RowKey for i64 {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&((*self as u64) ^ (1 << 63)).to_be_bytes());
    }
}

impl RowKey for Timestamp {
    fn write(&self, to: &mut Vec<u8>) {
        self.millis().write(to);
    }
}

impl RowKey for Uuid {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.as_bytes());
    }
}

macro_rules! uuid_rows {
    ($($id:ty)*) => {$(
        impl RowKey for $id {
            fn write(&self, to: &mut Vec<u8>) {
                self.uuid().write(to);
            }
        }
    )*};
}
uuid_rows!(IntentId OrderId ProductId UserId SessionId MessageId AddressId);

/// A SKU ends a row's key: it has no fixed length.
impl RowKey for Sku {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.as_str().as_bytes());
    }
}

impl<A: RowKey, B: RowKey> RowKey for (A, B) {
    fn write(&self, to: &mut Vec<u8>) {
        self.0.write(to);
        self.1.write(to);
    }
}
