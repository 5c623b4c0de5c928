//! What can be asked: a SKU's stock, and its ledger entry by entry.

use tradewind_runtime::Views;
use tradewind_schemas::{
    Sku, Timestamp,
    inventory::{InventoryEvent, LEDGER, LedgerEntry, STOCK, StockView},
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
    views.put(STOCK, &(), &StockView { sku, level });
}
