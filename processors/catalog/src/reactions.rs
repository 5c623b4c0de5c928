//! What follows from an event.

use tradewind_runtime::Reactions;
use tradewind_schemas::{
    ProductId, Rejection, Sku,
    catalog::{CatalogCommand, CatalogEntry, CatalogEvent, Product},
    edge::Settled,
};
use tradewind_topics::list::{CATALOG_COMMANDS, CATALOG_PRODUCTS};

pub fn react(event: &CatalogEvent, to: &mut Reactions<CatalogCommand>) {
    match event {
        CatalogEvent::ProductProposed { product_id, details, .. } => {
            for variant in &details.variants {
                let claim = CatalogCommand::ClaimSku { product_id: *product_id };
                to.send(CATALOG_COMMANDS, variant.sku.clone(), claim);
            }
        }
        CatalogEvent::ProductCreated { product } => {
            publish(product, to);
            to.settle(Settled::Accepted {});
        }
        CatalogEvent::ProductRefused { product_id, taken, given_back } => {
            given_back.iter().for_each(|sku| release(*product_id, sku, to));
            to.settle(Settled::Rejected { rejection: sku_taken(taken) });
        }
        CatalogEvent::SkuUnneeded { product_id, sku } => release(*product_id, sku, to),
        CatalogEvent::ProductRevised { product }
        | CatalogEvent::PriceSet { product, .. }
        | CatalogEvent::ProductPublished { product }
        | CatalogEvent::ProductArchived { product } => publish(product, to),
        CatalogEvent::CategoryDefined { category } => {
            to.send(CATALOG_PRODUCTS, category.id, CatalogEntry::CategoryEntry { category: category.clone() });
        }
        CatalogEvent::SkuClaimGranted { sku, product_id } => {
            to.send(CATALOG_COMMANDS, *product_id, CatalogCommand::SkuClaimed { sku: sku.clone() });
        }
        CatalogEvent::SkuClaimDenied { sku, product_id } => {
            to.send(CATALOG_COMMANDS, *product_id, CatalogCommand::SkuClaimRefused { sku: sku.clone() });
        }
        CatalogEvent::SkuSecured { .. } | CatalogEvent::SkuUnavailable { .. } | CatalogEvent::SkuReleased { .. } => {}
    }
}

/// To the table that every edge quotes from.
fn publish(product: &Product, to: &mut Reactions<CatalogCommand>) {
    to.send(CATALOG_PRODUCTS, product.id, CatalogEntry::ProductEntry { product: product.clone() });
}

fn release(product_id: ProductId, sku: &Sku, to: &mut Reactions<CatalogCommand>) {
    to.send(CATALOG_COMMANDS, sku.clone(), CatalogCommand::ReleaseSku { product_id });
}

/// The answer to who proposed a product with SKUs of others.
pub fn sku_taken(taken: &[Sku]) -> Rejection {
    let names: Vec<&str> = taken.iter().map(Sku::as_str).collect();
    Rejection::new("sku_taken", format!("another product has {}", names.join(", ")))
}
