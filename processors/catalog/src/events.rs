//! What is true after an event.

use serde::{Deserialize, Serialize};
use tradewind_schemas::{
    ProductId, Sku,
    catalog::{CatalogEvent, Category, Product, ProductDetails},
};

/// What is kept under one key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub enum Catalogue {
    #[default]
    Absent,
    /// A product that waits for its SKUs.
    Proposed(Proposal),
    /// A product that did not get its SKUs; its id is used up.
    Refused {
        taken: Vec<Sku>,
    },
    Product(Product),
    Category(Category),
    /// A SKU, and whose it is.
    SkuClaim {
        product_id: ProductId,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Proposal {
    pub product_id: ProductId,
    pub details: ProductDetails,
    pub publish: bool,
    /// Not answered yet.
    pub waiting: Vec<Sku>,
    /// Another product's.
    pub taken: Vec<Sku>,
}

pub fn evolve(state: &mut Catalogue, event: &CatalogEvent) {
    match event {
        CatalogEvent::ProductProposed { product_id, details, publish } => {
            let waiting = details.variants.iter().map(|variant| variant.sku.clone()).collect();
            let (product_id, details) = (*product_id, details.clone());
            let proposal = Proposal { product_id, details, publish: *publish, waiting, taken: Vec::new() };
            *state = Catalogue::Proposed(proposal);
        }
        CatalogEvent::SkuSecured { sku } => {
            if let Catalogue::Proposed(proposal) = state {
                proposal.waiting.retain(|waiting| waiting != sku);
            }
        }
        CatalogEvent::SkuUnavailable { sku } => {
            if let Catalogue::Proposed(proposal) = state {
                proposal.waiting.retain(|waiting| waiting != sku);
                proposal.taken.push(sku.clone());
            }
        }
        CatalogEvent::ProductRefused { taken, .. } => *state = Catalogue::Refused { taken: taken.clone() },
        CatalogEvent::ProductCreated { product }
        | CatalogEvent::ProductRevised { product }
        | CatalogEvent::PriceSet { product, .. }
        | CatalogEvent::ProductPublished { product }
        | CatalogEvent::ProductArchived { product } => *state = Catalogue::Product(product.clone()),
        CatalogEvent::CategoryDefined { category } => *state = Catalogue::Category(category.clone()),
        CatalogEvent::SkuClaimGranted { product_id, .. } => *state = Catalogue::SkuClaim { product_id: *product_id },
        CatalogEvent::SkuReleased { .. } => *state = Catalogue::Absent,
        CatalogEvent::SkuUnneeded { .. } | CatalogEvent::SkuClaimDenied { .. } => {}
    }
}
