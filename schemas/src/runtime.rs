//! The platform's own: which worker has which task, and what a shop was begun with.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::{Key, Timestamp};

/// A task, as members announce it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskKey {
    pub stage: String,
    pub partition: u32,
}

impl Key for TaskKey {
    fn text(&self) -> String {
        format!("{}/{}", self.stage, self.partition)
    }
}

/// A record of the compacted topic `runtime.members`, keyed by task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(repr = "bare_union")]
pub enum Member {
    /// Questions about this task go to `address` (host:port).
    Owner { stage: String, partition: i32, address: String, instance: String, since: Timestamp },
}

/// The one key of `runtime.shop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShopKey;

impl Key for ShopKey {
    fn text(&self) -> String {
        "shop".to_owned()
    }
}

/// A record of `runtime.shop`. The first one counts, whatever comes after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(repr = "bare_union")]
pub enum Shop {
    /// What was sealed and signed from then on needs the keys of this `fingerprint`. A `demo` has an administrator
    /// whose password everybody knows.
    Begun { fingerprint: String, demo: bool },
}
