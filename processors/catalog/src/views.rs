//! What can be asked: a product, by id. Categories and lists are read from the compacted table.

use tradewind_runtime::Views;
use tradewind_schemas::catalog::{CatalogEvent, PRODUCT};

pub fn view(event: &CatalogEvent, views: &mut Views<'_>) {
    match event {
        CatalogEvent::ProductCreated { product }
        | CatalogEvent::ProductRevised { product }
        | CatalogEvent::PriceSet { product, .. }
        | CatalogEvent::ProductPublished { product }
        | CatalogEvent::ProductArchived { product } => views.put(PRODUCT, &(), product),
        CatalogEvent::ProductProposed { .. }
        | CatalogEvent::SkuSecured { .. }
        | CatalogEvent::SkuUnavailable { .. }
        | CatalogEvent::ProductRefused { .. }
        | CatalogEvent::SkuUnneeded { .. }
        | CatalogEvent::CategoryDefined { .. }
        | CatalogEvent::SkuClaimGranted { .. }
        | CatalogEvent::SkuClaimDenied { .. }
        | CatalogEvent::SkuReleased { .. } => {}
    }
}
