//! The ledger of a SKU, recomputed.

use tradewind_schemas::{
    Sku, Timestamp,
    inventory::{EntryKind, InventoryEvent, StockLevel},
};

use super::violation::{Breach, Invariant, Place, ensure};

/// A SKU, as its ledger says.
pub struct Ledger {
    pub sku: Sku,
    pub level: StockLevel,
    /// All that was received and adjusted.
    pub came: i128,
    /// The last event's.
    pub last: Option<Place>,
}

impl Ledger {
    pub fn new(sku: Sku) -> Self {
        Self { sku, level: StockLevel::default(), came: 0, last: None }
    }

    /// What is wrong with the next event.
    pub fn check(&self, event: &InventoryEvent, at: Timestamp) -> Result<(), Breach> {
        let level = event.level();
        ensure(
            level.on_hand >= 0 && level.reserved >= 0 && level.allocated >= 0,
            Invariant::NothingNegative,
            "0 or more",
            numbers(level),
        )?;
        let Some(entry) = event.entry(at) else { return same(&self.level, level) };
        ensure(
            level.entries == self.level.entries + 1,
            Invariant::LedgerConsecutive,
            format_args!("entry {}", self.level.entries + 1),
            format_args!("entry {}", level.entries),
        )?;
        let least = match entry.kind {
            EntryKind::StockAdjusted => i64::MIN,
            EntryKind::CommitRefused => 0,
            _ => 1,
        };
        let name = entry.kind.name();
        let moved = format!("{name} of {}", entry.quantity);
        ensure(entry.quantity >= least, Invariant::NothingNegative, format_args!("{name} of {least} or more"), &moved)?;
        let Some(after) = self.level.after(&entry) else {
            let expected = format!("numbers of 0 or more after {moved}");
            return Err(Breach::new(Invariant::NothingNegative, expected, numbers(&self.level)));
        };
        ensure(
            (after.on_hand, after.reserved, after.allocated) == (level.on_hand, level.reserved, level.allocated),
            Invariant::LedgerNumbers,
            format_args!("{} after {moved}", numbers(&after)),
            numbers(level),
        )?;
        ensure(after.chain == level.chain, Invariant::LedgerChain, &after.chain, &level.chain)?;
        // An adjustment can be forced below what is promised; nothing else can take it there.
        ensure(
            entry.kind != EntryKind::StockReserved || level.available() >= 0,
            Invariant::NothingOversold,
            format_args!("at most {} reserved", self.level.available().max(0)),
            &moved,
        )
    }

    /// Believes the event.
    pub fn take(&mut self, event: &InventoryEvent, place: Place) {
        match event {
            InventoryEvent::StockReceived { quantity, .. } => self.came += i128::from(*quantity),
            InventoryEvent::StockAdjusted { delta, .. } => self.came += i128::from(*delta),
            _ => {}
        }
        self.level = event.level().clone();
        self.last = Some(place);
    }

    /// What is wrong with the sums: `reserved` and `allocated` are what all orders hold.
    pub fn add_up(&self, reserved: i128, allocated: i128) -> Result<(), Breach> {
        let level = &self.level;
        ensure(
            [self.came, reserved, allocated] == [level.on_hand, level.reserved, level.allocated].map(i128::from),
            Invariant::StockAddsUp,
            format_args!("on hand {}, reserved {reserved}, allocated {allocated}", self.came),
            numbers(level),
        )
    }
}

/// A repeated answer is no entry.
fn same(before: &StockLevel, after: &StockLevel) -> Result<(), Breach> {
    ensure(
        before.entries == after.entries,
        Invariant::LedgerConsecutive,
        format_args!("still entry {}", before.entries),
        format_args!("entry {}", after.entries),
    )?;
    ensure(before.chain == after.chain, Invariant::LedgerChain, &before.chain, &after.chain)?;
    ensure(before == after, Invariant::LedgerNumbers, numbers(before), numbers(after))
}

fn numbers(level: &StockLevel) -> String {
    format!("on hand {}, reserved {}, allocated {}", level.on_hand, level.reserved, level.allocated)
}
