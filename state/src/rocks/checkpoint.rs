//! How a checkpoint is stored.

use serde::{Deserialize, Serialize};

use crate::Checkpoint;

/// Its key in the column family that no store has.
pub(super) const KEY: &[u8] = b"checkpoint";
/// The first byte of the value.
const VERSION: u8 = 3;

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    changelog: i64,
    rows: i64,
    source: Option<i64>,
    at: i64,
    origin: &'a str,
}

pub(super) fn encode(checkpoint: &Checkpoint) -> Result<Vec<u8>, postcard::Error> {
    let &Checkpoint { changelog, rows, source, at, ref origin } = checkpoint;
    postcard::to_extend(&Stored { changelog, rows, source, at, origin }, vec![VERSION])
}

pub(super) fn decode(value: &[u8]) -> Result<Checkpoint, Undecodable> {
    match value.split_first() {
        Some((&VERSION, stored)) => {
            let Stored { changelog, rows, source, at, origin } =
                postcard::from_bytes(stored).map_err(Undecodable::Damaged)?;
            Ok(Checkpoint { changelog, rows, source, at, origin: origin.to_owned() })
        }
        Some((&version, _)) if version > VERSION => Err(Undecodable::Newer(version)),
        _ => Err(Undecodable::Damaged(postcard::Error::DeserializeUnexpectedEnd)),
    }
}

#[derive(Debug)]
pub(super) enum Undecodable {
    Damaged(postcard::Error),
    /// Its version.
    Newer(u8),
}
