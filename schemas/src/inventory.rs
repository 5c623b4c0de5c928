//! Inventory: stock, by SKU.

mod ledger;

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use ledger::{Entry, EntryKind};

use crate::{MessageId, OrderId, Sku, Timestamp, View};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.inventory", repr = "bare_union")]
pub enum InventoryCommand {
    ReceiveStock {
        quantity: i64,
    },
    /// `delta` may be negative. Below what is promised it is refused unless `force`.
    AdjustStock {
        delta: i64,
        reason: String,
        force: bool,
    },
    ReserveStock {
        order_id: OrderId,
        quantity: i64,
        until: Timestamp,
    },
    /// Reserved becomes allocated.
    CommitReservation {
        order_id: OrderId,
    },
    /// Reserved becomes available again.
    ReleaseReservation {
        order_id: OrderId,
    },
    /// A fired timer.
    ExpireReservation {
        order_id: OrderId,
    },
    /// Allocated, never shipped, becomes available again.
    ReturnStock {
        order_id: OrderId,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.inventory", repr = "bare_union")]
pub enum InventoryEvent {
    /// `command_id` is what it was received by: who asks again with it is told the same level.
    StockReceived {
        quantity: i64,
        level: StockLevel,
        command_id: Option<MessageId>,
    },
    StockAdjusted {
        delta: i64,
        reason: String,
        level: StockLevel,
        command_id: Option<MessageId>,
    },
    StockReserved {
        order_id: OrderId,
        quantity: i64,
        until: Timestamp,
        level: StockLevel,
    },
    StockRefused {
        order_id: OrderId,
        quantity: i64,
        level: StockLevel,
    },
    ReservationCommitted {
        order_id: OrderId,
        quantity: i64,
        level: StockLevel,
    },
    CommitRefused {
        order_id: OrderId,
        level: StockLevel,
    },
    ReservationReleased {
        order_id: OrderId,
        quantity: i64,
        level: StockLevel,
    },
    ReservationExpired {
        order_id: OrderId,
        quantity: i64,
        level: StockLevel,
    },
    StockReturned {
        order_id: OrderId,
        quantity: i64,
        level: StockLevel,
    },
    /// What was reserved, or committed, was asked for again: it is answered again, nothing changes, and the ledger gets
    /// no entry (`level` is the one before).
    ReservationRepeated {
        order_id: OrderId,
        quantity: i64,
        committed: bool,
        level: StockLevel,
    },
}

/// What a SKU's stock is after an event, and where its ledger's hash chain has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.inventory")]
pub struct StockLevel {
    /// Physically there.
    pub on_hand: i64,
    /// Held with a deadline.
    pub reserved: i64,
    /// Sold, not shipped.
    pub allocated: i64,
    /// How many entries the ledger has.
    pub entries: i64,
    /// SHA-256, in hex, over the entry before and this one: [`StockLevel::after`] says how. Empty before the first.
    pub chain: String,
}

impl StockLevel {
    /// What can be promised. Below zero only after a forced adjustment, until stock comes or promises end.
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved - self.allocated
    }
}

impl InventoryEvent {
    pub fn level(&self) -> &StockLevel {
        match self {
            Self::StockReceived { level, .. }
            | Self::StockAdjusted { level, .. }
            | Self::StockReserved { level, .. }
            | Self::StockRefused { level, .. }
            | Self::ReservationCommitted { level, .. }
            | Self::CommitRefused { level, .. }
            | Self::ReservationReleased { level, .. }
            | Self::ReservationExpired { level, .. }
            | Self::StockReturned { level, .. }
            | Self::ReservationRepeated { level, .. } => level,
        }
    }

    /// The command of a client's that it answers, if it is one's.
    pub fn command_id(&self) -> Option<MessageId> {
        match self {
            Self::StockReceived { command_id, .. } | Self::StockAdjusted { command_id, .. } => *command_id,
            _ => None,
        }
    }
}

/// The view of a SKU's stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockView {
    pub sku: Sku,
    pub level: StockLevel,
}

/// One line of a SKU's ledger, in the view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// From 1.
    pub number: i64,
    /// The event's name.
    pub kind: String,
    pub at: Timestamp,
    pub order_id: Option<OrderId>,
    pub quantity: i64,
    pub level: StockLevel,
}

/// Stock of a SKU.
pub const STOCK: View<(), StockView> = View::new("inventory", 1);
/// The ledger of a SKU, by entry number.
pub const LEDGER: View<i64, LedgerEntry> = View::new("inventory", 2);
/// The stock of a SKU right after a receipt or an adjustment, by the command's id.
pub const MOVED: View<Uuid, StockLevel> = View::new("inventory", 3);
