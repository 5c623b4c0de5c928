//! The runtime: everything about a stateful stream processor that is not business.
//!
//! A capability is four pure functions ([`Capability`]); the runtime reads its commands, decides, folds, reacts,
//! answers, and commits it all exactly once ([`Worker`]). docs/one-commit.md walks through one
//! commit, docs/engine.md tells how to write a processor.

mod capability;
mod codecs;
mod deciding;
mod driver;
mod effects;
mod entity;
mod fate;
mod folding;
pub mod joins;
mod metrics;
mod names;
mod outcomes;
mod outdated;
mod patience;
mod pipeline;
mod processing;
mod query;
mod reactions;
mod reading;
mod replay;
mod replica;
mod replicated;
mod restoring;
pub mod scenario;
mod sends;
mod serving;
mod stage;
mod standbys;
mod stored;
mod task;
mod timers;
mod windows;
mod worker;

pub use capability::{Capability, Context, Fold, Settles};
pub use codecs::Codecs;
pub use deciding::Deciding;
pub use driver::{Place as WorkerPlace, WorkerError, now, run};
pub use effects::{Effect, Input};
pub use entity::{Entity, Rows, STATE, STORES, TIMERS, Views};
pub use folding::Folding;
pub use metrics::WorkerMetrics;
pub use names::{Layout, Names, changelog, dead_letters};
pub use outdated::{TOMBSTONES_FOR, is_beyond};
pub use patience::patiently;
pub use processing::Processing;
pub use query::{Answer, Ask, Client, Freshness, Outcome, Page, Queries, QueryError, Question};
pub use reactions::{Outgoing, Reactions};
pub use replica::{Apply, REPLICA_PATIENCE, Replica, ReplicaError};
pub use replicated::Replicated;
pub use sends::Sends;
pub use serving::{Local, Serving};
pub use stage::{Failure, Output, Place, Stage};
pub use standbys::Standbys;
pub use task::{Opened, Refusal};
pub use timers::key as timer_key;
pub use windows::{Progress, Window, Windowed, WindowedFold, Windows};
pub use worker::{Limits, Worker};
