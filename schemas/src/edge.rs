//! What comes back to the edges: outcomes.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::{MessageId, Rejection};

/// A record of `edge.replies`; its partition is the edge's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.edge", repr = "bare_union")]
pub enum EdgeReply {
    /// Decided, or not decidable: the command failed for reasons of its own and lies in the dead letters.
    ///
    /// Who asks the key's task for what it keeps sees the outcome when the task has read its source up to `position`.
    Outcome { instance: String, command_id: MessageId, outcome: Settled, position: i64 },
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.edge", repr = "bare_union")]
pub enum Settled {
    Accepted {},
    Rejected {
        rejection: Rejection,
    },
    /// Another body under the same idempotency key.
    KeyReused {},
    DeadLettered {
        reason: String,
    },
}
