//! Stock.

use serde::{Deserialize, Serialize};
use tradewind_schemas::{
    OrderId, Sku,
    inventory::{LedgerEntry, StockLevel},
};
use utoipa::ToSchema;

use super::values::{Checks, Moment};
use crate::problem::{Code, Problem};

/// A billion pieces: beyond it, a slip of the hand.
pub const MOST: i64 = 1_000_000_000;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    #[schema(example = 100)]
    pub quantity: i64,
}

impl Receipt {
    pub fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        if !(1..=MOST).contains(&self.quantity) {
            checks.wrong(Code::InvalidQuantity, "/quantity", "out_of_range", format!("must be 1 to {MOST}"));
        }
        checks.done()
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// May be negative, not zero.
    #[schema(example = -2)]
    pub delta: i64,
    pub reason: String,
    /// Even below what is promised to orders.
    #[serde(default)]
    pub force: bool,
}

impl Adjustment {
    pub fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        if self.delta == 0 || !(-MOST..=MOST).contains(&self.delta) {
            let detail = format!("must be -{MOST} to {MOST}, and not 0");
            checks.wrong(Code::InvalidQuantity, "/delta", "out_of_range", detail);
        }
        checks.text(&self.reason, "/reason", 1, 200);
        checks.done()
    }
}

#[derive(Serialize, ToSchema)]
pub struct Stock {
    #[schema(value_type = String)]
    pub sku: Sku,
    /// Physically there.
    pub on_hand: i64,
    /// Held for orders under way.
    pub reserved: i64,
    /// Sold, not shipped.
    pub allocated: i64,
    /// on_hand − reserved − allocated.
    pub available: i64,
}

impl Stock {
    pub fn of(sku: Sku, level: &StockLevel) -> Self {
        let StockLevel { on_hand, reserved, allocated, .. } = *level;
        Self { sku, on_hand, reserved, allocated, available: level.available() }
    }
}

/// One line of a SKU's ledger.
#[derive(Serialize, ToSchema)]
pub struct Entry {
    /// From 1, without gaps.
    pub number: i64,
    /// The event, such as `StockReceived`.
    pub r#type: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Moment,
    #[schema(value_type = Option<uuid::Uuid>)]
    pub order_id: Option<OrderId>,
    pub quantity: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub allocated: i64,
    pub available: i64,
    /// SHA-256 over the entry before and this one.
    pub chain: String,
}

impl From<LedgerEntry> for Entry {
    fn from(entry: LedgerEntry) -> Self {
        let LedgerEntry { number, kind, at, order_id, quantity, level } = entry;
        Self {
            number,
            r#type: kind,
            at: Moment(at),
            order_id,
            quantity,
            on_hand: level.on_hand,
            reserved: level.reserved,
            allocated: level.allocated,
            available: level.available(),
            chain: level.chain,
        }
    }
}
