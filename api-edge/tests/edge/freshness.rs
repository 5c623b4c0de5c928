//! What a client's token names is seen, and an edge that knows too little says so.

use std::time::Duration;

use serde_json::{Value, json};
use tradewind_edge::EdgeConfig;
use tradewind_schemas::{
    CategoryId, Currency, Money, ProductId, Role, Sku, Timestamp,
    catalog::{CatalogCommand, CatalogEntry, Category, PRODUCT, Product, ProductDetails, ProductStatus, Variant},
};
use tradewind_topics::Append;
use uuid::Uuid;

use crate::fakes::{Shopfront, codecs, user};

fn cup(status: ProductStatus) -> Product {
    let (id, at) = (ProductId::new(Uuid::from_u128(5)), Timestamp::from_millis(0));
    let sku: Sku = "CUP-1".parse().unwrap();
    let details = ProductDetails {
        name: "Cup".into(),
        description: String::new(),
        categories: vec![],
        attributes: "{}".into(),
        variants: vec![Variant { sku, price: Money::new(500, Currency::EUR) }],
    };
    Product { id, version: 1, status, details, created_at: at, updated_at: at }
}

fn order() -> Value {
    json!({
        "lines": [{"sku": "CUP-1", "quantity": 1}],
        "shipping_address": {"name": "Ada", "line1": "1 Way", "city": "Berlin", "postal_code": "10115", "country": "DE"},
        "payment_method": {"type": "card", "token": "tok_visa"},
    })
}

#[tokio::test]
async fn what_was_archived_is_not_sold_to_who_brings_the_token_of_it() {
    let shop = Shopfront::open().await;
    let product = cup(ProductStatus::Published);
    shop.views.put(PRODUCT, &product.id.to_string(), &(), &product);
    shop.log.publish(&CatalogEntry::ProductEntry { product });
    let merchant = shop.token(user(1), Role::Merchant);
    let listed = shop.request("GET", "/v1/products").send().await.json();
    assert_eq!(listed["items"][0]["name"], "Cup");
    // This edge falls behind, and the product is archived.
    shop.log.hold_readers(true);
    let path = format!("/v1/products/{}", Uuid::from_u128(5));
    let archived = shop.request("DELETE", &path).bearer(&merchant).header("prefer", "respond-async").send().await;
    assert_eq!(archived.status, 202);
    let token = archived.header("consistency-token").to_owned();
    shop.log.publish(&CatalogEntry::ProductEntry { product: cup(ProductStatus::Archived) });
    let written = shop.written();
    let buy = async |key: &str, token: &str| {
        let call = shop.request("POST", "/v1/orders").bearer(&shop.token(user(2), Role::Customer));
        let call = call.header("idempotency-key", key).header("consistency-token", token);
        call.header("prefer", "respond-async").json(&order()).send().await
    };
    assert_eq!(buy("behind", &token).await.problem(), (503, "not_caught_up".to_owned()));
    let receipt = shop.request("POST", "/v1/stock/CUP-1/receipts").bearer(&merchant).header("idempotency-key", "r");
    let receipt = receipt.header("consistency-token", &token).json(&json!({"quantity": 1})).send().await;
    assert_eq!(receipt.problem(), (503, "not_caught_up".to_owned()));
    shop.log.hold_readers(false);
    assert_eq!(buy("caught-up", &token).await.problem(), (422, "unknown_sku".to_owned()));
    assert_eq!(shop.written(), written, "nothing was sold");
}

#[tokio::test]
async fn an_edge_that_falls_behind_is_not_ready_and_quotes_nothing() {
    let config = EdgeConfig { stale_after: Duration::from_millis(1500), ..EdgeConfig::default() };
    let shop = Shopfront::with(config).await;
    let readiness = async || {
        let answer = shop.request("GET", "/readyz").send().await;
        (answer.status.as_u16(), answer.json()["waiting_for"].clone())
    };
    let becomes = async |expected: (u16, Value)| {
        let turned = async {
            while readiness().await != expected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), turned).await.unwrap_or_else(|_| panic!("never {expected:?}"));
    };
    becomes((200, json!([]))).await;
    shop.log.break_readers(true);
    becomes((503, json!(["catalogue", "keys", "replies"]))).await;
    let call = shop.request("POST", "/v1/orders").bearer(&shop.token(user(2), Role::Customer));
    let refused = call.header("idempotency-key", "k").json(&order()).send().await;
    assert_eq!(refused.problem(), (503, "catalogue_stale".to_owned()));
    shop.log.break_readers(false);
    becomes((200, json!([]))).await;
}

#[tokio::test]
async fn a_category_is_renamed_and_moved_but_not_below_itself() {
    let shop = Shopfront::open().await;
    let id = |n: u128| CategoryId::new(Uuid::from_u128(n));
    for (n, parent) in [(1, None), (2, Some(1)), (3, Some(2))] {
        let category = Category { id: id(n), name: format!("{n}"), parent_id: parent.map(id) };
        shop.log.publish(&CatalogEntry::CategoryEntry { category });
    }
    let merchant = shop.token(user(1), Role::Merchant);
    let change = async |n: u128, body: Value| {
        let call = shop.request("PATCH", &format!("/v1/categories/{}", id(n))).bearer(&merchant);
        call.header("prefer", "respond-async").json(&body).send().await
    };
    assert_eq!(change(9, json!({"name": "Teas"})).await.problem().0, 404);
    for refused in [json!({}), json!({"name": " "}), json!({"parent_id": id(1)}), json!({"parent_id": id(3)})] {
        assert_eq!(change(1, refused).await.problem(), (422, "validation_failed".to_owned()));
    }
    assert_eq!(change(1, json!({"parent_id": id(9)})).await.problem(), (422, "unknown_category".to_owned()));
    assert_eq!(shop.written(), 0);
    assert_eq!(change(3, json!({"parent_id": null, "name": "Teas"})).await.status, 202);
    assert_eq!(change(3, json!({"parent_id": id(1)})).await.status, 202);
    let sent: Vec<_> = shop.log.appended.lock().iter().map(catalog_command).collect();
    let defined =
        |name: &str, parent_id| CatalogCommand::DefineCategory { category_id: id(3), name: name.into(), parent_id };
    assert_eq!(sent, [defined("Teas", None), defined("3", Some(id(1)))]);
}

fn catalog_command(append: &Append) -> CatalogCommand {
    let codecs = codecs();
    codecs.of::<CatalogCommand>("catalog.commands").unwrap().decode(append.value.as_ref().unwrap()).unwrap().payload
}
