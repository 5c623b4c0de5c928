//! /v1/products/{id}/variants/{sku}/price

use serde::Deserialize;
use tradewind_schemas::{Money, Sku, catalog::CatalogCommand};
use uuid::Uuid;

use super::{
    Place,
    products::{changed, command, existing},
};
use crate::{
    auth::Staff,
    body::Sent,
    problem::Problem,
    reply::{Pending, Reply},
    shapes::{
        product::{Product, check_price},
        values::{Checks, MoneyDoc},
    },
    shop::Shop,
};

/// The price within an object, as variants have it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Priced {
    price: Money,
}

/// Sets the price of a variant. The body is the price: money, or `{"price": money}`.
#[utoipa::path(put, path = "/v1/products/{id}/variants/{sku}/price", operation_id = "set_price", tag = "catalog",
    params(("id" = Uuid, Path), ("sku" = String, Path)), request_body = MoneyDoc,
    responses((status = 200, body = Product), (status = 202, body = Pending)))]
pub async fn set(
    Staff(who): Staff,
    shop: Shop,
    Place((id, sku)): Place<(String, String)>,
    sent: Sent,
) -> Result<Reply, Problem> {
    let product = existing(&shop, &id).await?;
    let sku: Sku = sku.parse().map_err(|_| Problem::not_found())?;
    if product.variant(&sku).is_none() {
        return Err(Problem::not_found());
    }
    let wrapped = sent.json.get("price").is_some();
    let price = if wrapped { sent.read::<Priced>()?.price } else { sent.read::<Money>()? };
    let mut checks = Checks::default();
    check_price(&mut checks, if wrapped { "/price" } else { "" }, price);
    checks.done()?;
    let payload = CatalogCommand::SetPrice { sku, price, version: None };
    let ended = shop.send(command(&who, product.id, Uuid::now_v7(), shop.digest(&sent), payload)).await?;
    changed(&shop, product.id, &ended).await
}
