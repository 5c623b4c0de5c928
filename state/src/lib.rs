//! A task's local state: what it has decided, in memory and in a local store that may trail its changelog.
//!
//! Reads go through four layers: what the record in hand has **staged**, what this transaction has changed
//! (**uncommitted**), what committed transactions have changed and there is room for (**committed**), and the
//! [`Backend`]. A record that fails leaves nothing; a transaction that fails leaves nothing; a crash loses only what
//! the changelog gives back.

mod backend;
mod bounds;
pub mod model;
mod overlay;
pub mod rocks;
mod room;

pub use backend::{Backend, Batch, Checkpoint, Range, StateError, StoreId};
pub use overlay::{Pinned, Reached, TaskReader, TaskState};
pub use room::Room;
