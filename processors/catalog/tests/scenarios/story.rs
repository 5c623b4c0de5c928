//! The words that the scenarios are told in.

use tradewind_catalog::Catalog;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, CategoryId, Currency, Money, ProductId, Role, Sku, Timestamp, UserId,
    catalog::{CatalogCommand, CatalogEvent, Product, ProductDetails, ProductStatus, Variant},
};

/// Where a scenario's clock begins.
pub const MIDNIGHT: Timestamp = Timestamp::from_millis(1_767_225_600_000);

pub fn product_id(number: u128) -> ProductId {
    ProductId::new(uuid(number))
}

pub fn category_id(number: u128) -> CategoryId {
    CategoryId::new(uuid(0xC000 + number))
}

fn uuid(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

pub fn sku(text: &str) -> Sku {
    text.parse().unwrap()
}

pub fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

pub fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

pub fn merchant() -> Actor {
    Actor::user(UserId::new(uuid(1)), vec![Role::Merchant])
}

pub fn admin() -> Actor {
    Actor::user(UserId::new(uuid(2)), vec![Role::Admin])
}

pub fn customer() -> Actor {
    Actor::user(UserId::new(uuid(3)), vec![Role::Customer])
}

pub fn the_catalog() -> Actor {
    Actor::service("catalog")
}

/// Product 1, by a merchant.
pub fn shop() -> Scenario<Catalog> {
    Scenario::of(product_id(1)).by(merchant())
}

/// A cup with these SKUs at 12.50.
pub fn cup(skus: &[&str]) -> ProductDetails {
    ProductDetails {
        name: "Cup".to_owned(),
        description: "Holds coffee.".to_owned(),
        categories: vec![category_id(1)],
        attributes: r#"{"colour":"blue"}"#.to_owned(),
        variants: skus.iter().map(|it| Variant { sku: sku(it), price: eur(1250) }).collect(),
    }
}

pub fn create(details: ProductDetails) -> CatalogCommand {
    CatalogCommand::CreateProduct { product_id: product_id(1), details, publish: true }
}

pub fn proposed(skus: &[&str]) -> CatalogEvent {
    CatalogEvent::ProductProposed { product_id: product_id(1), details: cup(skus), publish: true }
}

pub fn claimed(text: &str) -> CatalogCommand {
    CatalogCommand::SkuClaimed { sku: sku(text) }
}

pub fn refused(text: &str) -> CatalogCommand {
    CatalogCommand::SkuClaimRefused { sku: sku(text) }
}

pub fn secured(text: &str) -> CatalogEvent {
    CatalogEvent::SkuSecured { sku: sku(text) }
}

pub fn unavailable(text: &str) -> CatalogEvent {
    CatalogEvent::SkuUnavailable { sku: sku(text) }
}

/// The cup as it is at first.
pub fn product(details: ProductDetails) -> Product {
    let status = ProductStatus::Published;
    Product { id: product_id(1), version: 1, status, details, created_at: MIDNIGHT, updated_at: MIDNIGHT }
}

pub fn created(skus: &[&str]) -> CatalogEvent {
    CatalogEvent::ProductCreated { product: product(cup(skus)) }
}
