//! Catalog: products with their variants, categories, and who owns a SKU.
//!
//! ```text
//! CreateProduct ─► ProductProposed ─► ClaimSku, by SKU ─► SkuClaimGranted | SkuClaimDenied
//!                                                              │ answers, by product
//!                  ProductCreated | ProductRefused ◄───────────┘ once every SKU is answered
//! ```
//! Products, categories and SKU claims share the topics; what a key is about is what its first command makes it. Every
//! current product and category is also a record of the compacted table `catalog.products`.

mod commands;
mod events;
mod limits;
mod reactions;
mod views;

pub use events::{Catalogue, Proposal};

use tradewind_runtime::{Capability, Context, Entity, Reactions, Settles, Views};
use tradewind_schemas::{
    Rejection, Timestamp,
    catalog::{CatalogCommand, CatalogEvent, CatalogKey},
};
use tradewind_topics::{
    Topic,
    list::{CATALOG_COMMANDS, CATALOG_EVENTS},
};

#[derive(Default)]
pub struct Catalog;

impl Capability for Catalog {
    type Key = CatalogKey;
    type State = Catalogue;
    type Command = CatalogCommand;
    type Event = CatalogEvent;

    const NAME: &'static str = "catalog";
    const COMMANDS: Topic<CatalogKey, CatalogCommand> = CATALOG_COMMANDS;
    const EVENTS: Topic<CatalogKey, CatalogEvent> = CATALOG_EVENTS;

    fn decide(
        &self,
        entity: &Entity<'_, Catalogue>,
        command: &CatalogCommand,
        context: &Context<'_>,
    ) -> Result<Vec<CatalogEvent>, Rejection> {
        commands::decide(entity, command, context)
    }

    fn evolve(entity: &mut Entity<'_, Catalogue>, event: &CatalogEvent, _: Timestamp) {
        events::evolve(entity, event);
    }

    fn react(_: &Entity<'_, Catalogue>, event: &CatalogEvent, to: &mut Reactions<CatalogCommand>) {
        reactions::react(event, to);
    }

    fn view(_: &Entity<'_, Catalogue>, event: &CatalogEvent, _: Timestamp, views: &mut Views<'_>) {
        views::view(event, views);
    }

    fn settles(command: &CatalogCommand) -> Settles {
        match command {
            CatalogCommand::CreateProduct { .. } => Settles::Later,
            _ => Settles::Now,
        }
    }
}
