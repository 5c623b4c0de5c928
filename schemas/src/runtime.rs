//! The platform's own: which worker has which task.

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
