//! What can be asked: a SKU's stock, its ledger entry by entry, and what a receipt or adjustment left.

use tradewind_runtime::Views;
use tradewind_schemas::{
    Sku, Timestamp,
    inventory::{InventoryEvent, LEDGER, LedgerEntry, MOVED, STOCK, StockView},
};

pub fn view(event: &InventoryEvent, at: Timestamp, views: &mut Views<'_>) {
    let Ok(sku) = views.key().parse::<Sku>() else { return };
    let Some(entry) = event.entry(at) else { return };
    let level = event.level().clone();
    let line = LedgerEntry {
        number: level.entries,
        kind: entry.kind.name().to_owned(),
        at,
        order_id: entry.order_id,
        quantity: entry.quantity,
        level: level.clone(),
    };
    views.put(LEDGER, &line.number, &line);
    if let Some(id) = event.command_id() {
        views.put(MOVED, &id.uuid(), &level);
    }
    views.put(STOCK, &(), &StockView { sku, level });
}
