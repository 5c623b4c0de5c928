//! The platform's stages, as they are; or one of them spoilt.

use std::sync::{Arc, OnceLock};

use tradewind_inventory::Inventory;
use tradewind_order::{Orders, OrdersByCustomer};
use tradewind_payment::Payments;
use tradewind_runtime::{Deciding, Failure, Folding, Output, Stage};
use tradewind_schemas::{Contract, Timestamp};
use tradewind_state::TaskState;
use tradewind_topics::{
    Record,
    list::{INVENTORY_COMMANDS, ORDER_COMMANDS},
};

use super::codecs::{codecs, decode, encode};
use crate::bugs::Bug;

/// Each with whether a record put aside holds back its key.
pub fn all(bug: Option<Bug>) -> Vec<(Arc<dyn Stage>, bool)> {
    static STAGES: OnceLock<Vec<(Arc<dyn Stage>, bool)>> = OnceLock::new();
    let stages = STAGES.get_or_init(|| {
        vec![
            (Arc::new(Deciding::new(Inventory, codecs().clone())), false),
            (Arc::new(Deciding::new(Orders::default(), codecs().clone())), false),
            (Arc::new(Folding::<OrdersByCustomer>::new(codecs().clone())), true),
            (Arc::new(Deciding::new(Payments, codecs().clone())), false),
        ]
    });
    let spoilt = |(stage, parks): (Arc<dyn Stage>, bool)| -> (Arc<dyn Stage>, bool) {
        match bug {
            Some(Bug::OutcomesForgotten) => (Arc::new(Forgetful(stage)), parks),
            _ => (stage, parks),
        }
    };
    stages.iter().cloned().map(spoilt).collect()
}

/// Takes every command for a new one.
struct Forgetful(Arc<dyn Stage>);

impl Forgetful {
    /// The same command under an id that nobody has seen.
    fn renamed<V: Contract>(topic: &str, record: &Record) -> Option<Record> {
        let mut envelope = decode::<V>(topic, record.value.as_ref()?).ok()?;
        let request = envelope.request.as_ref()?;
        let new = format!("{} {} {}", record.source, record.offset, request.digest);
        envelope.id = tradewind_schemas::MessageId::derived(envelope.id.uuid(), &new);
        Some(Record { value: Some(encode(topic, &envelope)), ..record.clone() })
    }
}

impl Stage for Forgetful {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn source(&self) -> &'static str {
        self.0.source()
    }

    fn process(&self, record: &Record, task: &mut TaskState, out: &mut Vec<Output>) -> Result<(), Failure> {
        let renamed = match self.source() {
            source if source == ORDER_COMMANDS.name => {
                Self::renamed::<tradewind_schemas::order::OrderCommand>(source, record)
            }
            source if source == INVENTORY_COMMANDS.name => {
                Self::renamed::<tradewind_schemas::inventory::InventoryCommand>(source, record)
            }
            _ => None,
        };
        self.0.process(renamed.as_ref().unwrap_or(record), task, out)
    }

    fn fire(&self, stored: &[u8], now: Timestamp) -> Result<Output, Failure> {
        self.0.fire(stored, now)
    }

    fn abandon(&self, record: &Record, reason: &str, out: &mut Vec<Output>) {
        self.0.abandon(record, reason, out);
    }
}
