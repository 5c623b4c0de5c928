//! The stages of the platform: the one list that a new capability joins.

use std::{collections::HashMap, sync::Arc};

use tradewind_catalog::Catalog;
use tradewind_identity::{Directory, Identity};
use tradewind_inventory::Inventory;
use tradewind_order::{Deadlines, Orders, OrdersByCustomer};
use tradewind_payment::Payments;
use tradewind_runtime::{Capability, Codecs, Deciding, Fold, Folding};

/// What the operator sets of the capabilities.
#[derive(Clone, Copy, Default)]
pub struct Settings {
    pub deadlines: Deadlines,
}

/// A stage: what it is called, what it reads, and how it is made.
pub struct Stage {
    pub name: &'static str,
    pub source: &'static str,
    pub make: fn(&Settings, Codecs) -> Arc<dyn tradewind_runtime::Stage>,
    /// Whether a record put aside holds back the later ones of its key.
    pub parks: bool,
}

pub const STAGES: &[Stage] = &[
    deciding::<Identity>(|_, codecs| decided(Identity, codecs)),
    folding::<Directory>(),
    deciding::<Catalog>(|_, codecs| decided(Catalog, codecs)),
    deciding::<Inventory>(|_, codecs| decided(Inventory, codecs)),
    deciding::<Orders>(|settings, codecs| decided(Orders { deadlines: settings.deadlines }, codecs)),
    folding::<OrdersByCustomer>(),
    deciding::<Payments>(|_, codecs| decided(Payments, codecs)),
];

const fn deciding<C: Capability>(make: fn(&Settings, Codecs) -> Arc<dyn tradewind_runtime::Stage>) -> Stage {
    Stage { name: C::NAME, source: C::COMMANDS.name, make, parks: false }
}

fn decided<C: Capability>(capability: C, codecs: Codecs) -> Arc<dyn tradewind_runtime::Stage> {
    Arc::new(Deciding::new(capability, codecs))
}

const fn folding<F: Fold>() -> Stage {
    Stage { name: F::STAGE, source: F::SOURCE.name, make: |_, codecs| Arc::new(Folding::<F>::new(codecs)), parks: true }
}

/// The stage of this name.
pub fn stage(name: &str) -> Option<&'static Stage> {
    STAGES.iter().find(|stage| stage.name == name)
}

/// What each stage reads.
pub fn sources() -> HashMap<String, String> {
    STAGES.iter().map(|stage| (stage.name.to_owned(), stage.source.to_owned())).collect()
}
