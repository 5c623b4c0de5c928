//! The category tree, node by node.

use tradewind_catalog::Catalog;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, CategoryId,
    catalog::{CatalogCommand, CatalogEntry, CatalogEvent, Category},
};
use tradewind_topics::list::CATALOG_PRODUCTS;

use super::story::*;

fn tree() -> Scenario<Catalog> {
    Scenario::of(category_id(1)).by(merchant())
}

fn define(name: &str, parent_id: Option<CategoryId>) -> CatalogCommand {
    CatalogCommand::DefineCategory { category_id: category_id(1), name: name.to_owned(), parent_id }
}

fn category(name: &str, parent_id: Option<CategoryId>) -> Category {
    Category { id: category_id(1), name: name.to_owned(), parent_id }
}

fn defined(name: &str, parent_id: Option<CategoryId>) -> CatalogEvent {
    CatalogEvent::CategoryDefined { category: category(name, parent_id) }
}

#[test]
fn a_category_is_defined_renamed_and_moved() {
    tree()
        .when(define("Cups", None))
        .then([defined("Cups", None)])
        .sends_kinds([("catalog.products", "CategoryEntry")])
        .sends(CATALOG_PRODUCTS, category_id(1), CatalogEntry::CategoryEntry { category: category("Cups", None) })
        .when(define("Cups", None))
        .nothing()
        .when(define("Mugs", None))
        .then([defined("Mugs", None)])
        .when(define("Mugs", Some(category_id(2))))
        .then([defined("Mugs", Some(category_id(2)))])
        .when(define("Mugs", None))
        .then([defined("Mugs", None)]);
}

#[test]
fn a_category_has_its_limits() {
    for command in
        [define("", None), define(" \t", None), define(&"x".repeat(201), None), define("Cups", Some(category_id(1)))]
    {
        tree().when(command).rejected("invalid_category");
    }
    tree().when(define(&"ü".repeat(200), None)).then_kinds(["CategoryDefined"]);
}

#[test]
fn only_those_who_run_the_shop_define_categories() {
    for actor in [customer(), Actor::guest()] {
        tree().by(actor).when(define("Cups", None)).rejected("forbidden");
    }
    tree().by(admin()).when(define("Cups", None)).then_kinds(["CategoryDefined"]);
}

#[test]
fn a_category_takes_no_product_s_place() {
    let at_product = CategoryId::new(product_id(1).uuid());
    let command = CatalogCommand::DefineCategory { category_id: at_product, name: "Cups".to_owned(), parent_id: None };
    shop().given([created(&["A"])]).when(command).rejected("invalid_category");
    shop().when(define("Cups", None)).rejected("wrong_key");
}
