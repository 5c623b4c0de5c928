//! The schema registry: what gives every value on a topic its schema id.
//!
//! [`server`] is a small registry that answers as Confluent's does, kept in a compacted topic: the one of
//! `tradewind up`. [`client`] speaks to any such registry, ours or another, and is what every role resolves its ids
//! with at start. [`compatibility`] is the judge of which schemas may follow one another.

pub mod client;
pub mod compatibility;
mod resolved;
mod schema;
pub mod server;

pub use resolved::{ResolveError, Resolved, subject_of};
