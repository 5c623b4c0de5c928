//! Values as they lie in the state: a format version, then postcard.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tradewind_state::StateError;

pub fn write(value: &impl Serialize, format: u8) -> Bytes {
    let bytes = postcard::to_extend(value, vec![format]);
    // A Vec takes any bytes, and state types hold nothing that postcard cannot write (no untyped or unsized values).
    bytes.unwrap_or_else(|e| unreachable!("a state type that cannot be stored: {e}")).into()
}

pub fn read<T: DeserializeOwned>(bytes: &[u8], format: u8) -> Result<T, StateError> {
    let damaged = |why: String| StateError::Corrupt { path: "a stored value".to_owned(), why };
    match bytes.split_first() {
        Some((version, rest)) if *version == format => postcard::from_bytes(rest).map_err(|e| damaged(e.to_string())),
        Some((version, _)) => Err(damaged(format!("it has format {version}, this release reads {format}"))),
        None => Err(damaged("it is empty".to_owned())),
    }
}
