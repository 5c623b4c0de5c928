//! A SKU belongs to the first product that claims it.

use tradewind_catalog::Catalog;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, CategoryId, ProductId, Sku,
    catalog::{CatalogCommand, CatalogEvent, CatalogKey},
};
use tradewind_topics::list::CATALOG_COMMANDS;

use super::story::*;

fn the_sku() -> Scenario<Catalog> {
    Scenario::of(sku("CUP-1")).by(the_catalog())
}

fn claim(number: u128) -> CatalogCommand {
    CatalogCommand::ClaimSku { product_id: product_id(number) }
}

fn release(number: u128) -> CatalogCommand {
    CatalogCommand::ReleaseSku { product_id: product_id(number) }
}

fn granted(number: u128) -> CatalogEvent {
    CatalogEvent::SkuClaimGranted { sku: sku("CUP-1"), product_id: product_id(number) }
}

fn denied(number: u128) -> CatalogEvent {
    CatalogEvent::SkuClaimDenied { sku: sku("CUP-1"), product_id: product_id(number) }
}

#[test]
fn the_first_has_it_and_the_second_does_not() {
    the_sku()
        .when(claim(1))
        .then([granted(1)])
        .sends_kinds([("catalog.commands", "SkuClaimed")])
        .sends(CATALOG_COMMANDS, product_id(1), claimed("CUP-1"))
        .when(claim(2))
        .then([denied(2)])
        .sends_kinds([("catalog.commands", "SkuClaimRefused")])
        .sends(CATALOG_COMMANDS, product_id(2), refused("CUP-1"))
        .when(claim(1))
        .then([granted(1)])
        .sends(CATALOG_COMMANDS, product_id(1), claimed("CUP-1"));
}

#[test]
fn what_is_given_back_can_be_claimed_again() {
    the_sku()
        .given([granted(1)])
        .when(release(1))
        .then([CatalogEvent::SkuReleased { sku: sku("CUP-1"), product_id: product_id(1) }])
        .sends_kinds([])
        .when(release(1))
        .nothing()
        .when(claim(2))
        .then([granted(2)]);
}

#[test]
fn nobody_gives_back_what_is_another_s() {
    the_sku()
        .when(release(1))
        .nothing()
        .given([granted(1)])
        .when(release(2))
        .nothing()
        .when(claim(2))
        .then([denied(2)]);
}

#[test]
fn claims_are_the_catalogue_s_own() {
    for actor in [admin(), merchant(), customer(), Actor::guest()] {
        the_sku().by(actor.clone()).when(claim(1)).rejected("forbidden");
        the_sku().given([granted(1)]).by(actor).when(release(1)).rejected("forbidden");
    }
}

/// A SKU may be written like an id: whoever came first keeps the key.
#[test]
fn a_sku_that_reads_like_an_id_takes_nobody_s_place() {
    let product: ProductId = product_id(1);
    let category: CategoryId = category_id(1);
    let like = |id: String| -> Sku { sku(&id) };
    shop()
        .given([created(&["A"])])
        .by(the_catalog())
        .when(claim(9))
        .then([CatalogEvent::SkuClaimDenied { sku: like(product.to_string()), product_id: product_id(9) }])
        .by(merchant())
        .when(CatalogCommand::PublishProduct {})
        .nothing();
    Scenario::<Catalog>::of(CatalogKey::Category(category))
        .given([categories(&category)])
        .by(the_catalog())
        .when(claim(9))
        .then([CatalogEvent::SkuClaimDenied { sku: like(category.to_string()), product_id: product_id(9) }]);
    shop()
        .given([CatalogEvent::SkuClaimGranted { sku: like(product.to_string()), product_id: product_id(9) }])
        .when(create(cup(&["A"])))
        .rejected("product_exists");
}

fn categories(id: &CategoryId) -> CatalogEvent {
    let category = tradewind_schemas::catalog::Category { id: *id, name: "Cups".to_owned(), parent_id: None };
    CatalogEvent::CategoryDefined { category }
}
