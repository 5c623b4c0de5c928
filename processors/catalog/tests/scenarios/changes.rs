//! A product changes: its words, its prices, its status.

use tradewind_catalog::Catalog;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, CategoryId,
    catalog::{CatalogCommand, CatalogEntry, CatalogEvent, PRODUCT, Product, ProductDetails, ProductStatus},
};
use tradewind_topics::list::CATALOG_PRODUCTS;

use super::story::*;

const UNCHANGED: CatalogCommand =
    CatalogCommand::ReviseProduct { version: None, name: None, description: None, categories: None, attributes: None };

fn renamed(name: &str, seen: Option<i64>) -> CatalogCommand {
    CatalogCommand::ReviseProduct {
        version: seen,
        name: Some(name.to_owned()),
        description: None,
        categories: None,
        attributes: None,
    }
}

fn priced(it: &str, price: tradewind_schemas::Money, seen: Option<i64>) -> CatalogCommand {
    CatalogCommand::SetPrice { sku: sku(it), price, version: seen }
}

/// There is a cup, small and large, at version 1.
fn stocked() -> Scenario<Catalog> {
    shop().given([proposed(&["S", "L"]), secured("S"), secured("L"), created(&["S", "L"])])
}

fn after(version: i64, change: impl FnOnce(&mut Product)) -> Product {
    let mut changed = Product { version, ..product(cup(&["S", "L"])) };
    change(&mut changed);
    changed
}

#[test]
fn what_is_given_changes_and_the_rest_stays() {
    let all = CatalogCommand::ReviseProduct {
        version: Some(2),
        name: Some("Mug".to_owned()),
        description: Some("Holds tea.".to_owned()),
        categories: Some(vec![]),
        attributes: Some("{}".to_owned()),
    };
    let mug = after(2, |it| it.details.name = "Mug".to_owned());
    let everything = after(3, |it| {
        it.details = ProductDetails {
            name: "Mug".to_owned(),
            description: "Holds tea.".to_owned(),
            categories: vec![],
            attributes: "{}".to_owned(),
            variants: cup(&["S", "L"]).variants,
        };
    });
    stocked()
        .when(renamed("Mug", None))
        .then([CatalogEvent::ProductRevised { product: mug.clone() }])
        .sends_kinds([("catalog.products", "ProductEntry")])
        .sends(CATALOG_PRODUCTS, product_id(1), CatalogEntry::ProductEntry { product: mug.clone() })
        .check(|it| assert_eq!(it.view(PRODUCT, &()), Some(mug.clone())))
        .when(renamed("Mug", None))
        .nothing()
        .when(UNCHANGED)
        .nothing()
        .when(all)
        .then([CatalogEvent::ProductRevised { product: everything }]);
}

#[test]
fn a_change_says_when_it_was() {
    stocked().after(std::time::Duration::from_secs(60)).when(renamed("Mug", None)).check(|it| {
        let mug: Product = it.view(PRODUCT, &()).unwrap();
        assert_eq!((mug.created_at, mug.updated_at), (MIDNIGHT, it.now()));
    });
}

#[test]
fn a_price_is_set() {
    let dearer = after(2, |it| it.details.variants[1].price = eur(1500));
    stocked()
        .when(priced("L", eur(1500), Some(1)))
        .then([CatalogEvent::PriceSet { sku: sku("L"), product: dearer.clone() }])
        .sends(CATALOG_PRODUCTS, product_id(1), CatalogEntry::ProductEntry { product: dearer.clone() })
        .check(|it| assert_eq!(it.view(PRODUCT, &()), Some(dearer.clone())))
        .when(priced("L", eur(1500), None))
        .nothing()
        .when(priced("L", eur(0), Some(2)))
        .then_kinds(["PriceSet"])
        .when(priced("S", eur(99_999_999), Some(3)))
        .then_kinds(["PriceSet"]);
}

#[test]
fn a_price_has_its_limits() {
    for (command, code) in [
        (priced("XL", eur(1), None), "unknown_sku"),
        (priced("S", eur(-1), None), "invalid_price"),
        (priced("S", eur(100_000_000), None), "invalid_price"),
        (priced("S", usd(1250), None), "invalid_price"),
    ] {
        stocked().when(command).rejected(code);
    }
}

#[test]
fn who_has_seen_another_version_is_told_so() {
    stocked()
        .when(renamed("Mug", Some(1)))
        .then_kinds(["ProductRevised"])
        .when(renamed("Jug", Some(1)))
        .rejected("stale_version")
        .when(priced("S", eur(1), Some(1)))
        .rejected("stale_version")
        .when(priced("S", eur(1250), Some(1)))
        .rejected("stale_version")
        .when(renamed("Jug", Some(3)))
        .rejected("stale_version")
        .when(priced("S", eur(1), Some(2)))
        .then_kinds(["PriceSet"]);
}

#[test]
fn a_revision_has_a_product_s_limits() {
    let described = |text: String| revised(None, Some(text), None, None);
    let filed = |count: u128| revised(None, None, Some((0..count).map(category_id).collect()), None);
    let attributed = |text: String| revised(None, None, None, Some(text));
    for command in [
        renamed("", None),
        renamed(&"x".repeat(201), None),
        described("x".repeat(10_001)),
        filed(21),
        attributed("x".repeat(16 * 1024 + 1)),
    ] {
        stocked().when(command).rejected("invalid_product");
    }
    stocked().when(filed(20)).then_kinds(["ProductRevised"]);
}

fn revised(
    name: Option<String>,
    description: Option<String>,
    categories: Option<Vec<CategoryId>>,
    attributes: Option<String>,
) -> CatalogCommand {
    CatalogCommand::ReviseProduct { version: None, name, description, categories, attributes }
}

#[test]
fn a_draft_is_published_once_and_a_product_archived_for_good() {
    let draft = || after(1, |it| it.status = ProductStatus::Draft);
    shop()
        .given([CatalogEvent::ProductCreated { product: draft() }])
        .when(CatalogCommand::PublishProduct {})
        .then([CatalogEvent::ProductPublished { product: after(2, |_| {}) }])
        .sends_kinds([("catalog.products", "ProductEntry")])
        .when(CatalogCommand::PublishProduct {})
        .nothing()
        .when(CatalogCommand::ArchiveProduct {})
        .then([CatalogEvent::ProductArchived { product: after(3, |it| it.status = ProductStatus::Archived) }])
        .sends_kinds([("catalog.products", "ProductEntry")])
        .when(CatalogCommand::ArchiveProduct {})
        .nothing()
        .when(CatalogCommand::PublishProduct {})
        .rejected("product_archived")
        .when(renamed("Mug", None))
        .rejected("product_archived")
        .when(priced("S", eur(1), None))
        .rejected("product_archived")
        .check(|it| {
            let archived: Product = it.view(PRODUCT, &()).unwrap();
            assert_eq!((archived.version, archived.status), (3, ProductStatus::Archived));
        });
}

#[test]
fn a_draft_may_be_archived_unseen() {
    let draft = after(1, |it| it.status = ProductStatus::Draft);
    shop()
        .given([CatalogEvent::ProductCreated { product: draft }])
        .when(CatalogCommand::ArchiveProduct {})
        .then_kinds(["ProductArchived"]);
}

#[test]
fn a_product_that_is_not_there_does_not_change() {
    let changes =
        || [UNCHANGED, priced("S", eur(1), None), CatalogCommand::PublishProduct {}, CatalogCommand::ArchiveProduct {}];
    for command in changes() {
        shop().when(command).rejected("not_found");
    }
    for command in changes() {
        shop().given([proposed(&["S"])]).when(command).rejected("not_found");
    }
}

#[test]
fn only_those_who_run_the_shop_change_products() {
    for actor in [customer(), Actor::guest()] {
        for command in [
            renamed("Mug", None),
            priced("S", eur(1), None),
            CatalogCommand::PublishProduct {},
            CatalogCommand::ArchiveProduct {},
        ] {
            stocked().by(actor.clone()).when(command).rejected("forbidden");
        }
    }
    stocked().by(admin()).when(renamed("Mug", None)).then_kinds(["ProductRevised"]);
}

#[test]
fn a_version_does_not_wrap() {
    shop()
        .given([CatalogEvent::ProductCreated { product: after(i64::MAX, |_| {}) }])
        .when(renamed("Mug", None))
        .rejected("invalid_product");
}
