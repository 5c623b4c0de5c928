//! The orders, one after the other as far as they do not wait.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    AT_ONCE,
    edge::{As, Edge},
    record::{Order, Record, sku},
};

/// What became of the orders.
#[derive(Default)]
pub struct Sold {
    pub confirmed: usize,
    pub rejected: usize,
    /// Of the confirmed ones, in cents.
    pub grand_total: i64,
}

/// Places all orders, or finds out what became of them when they were placed before.
pub async fn place(
    edge: &Edge,
    record: &Record,
    customers: &HashMap<String, String>,
    progress: &ProgressBar,
) -> Result<Sold> {
    progress.set_message("orders");
    let placed = stream::iter(&record.orders).map(async |order| {
        let placed = place_one(edge, order, customers.get(&order.customer_id)).await?;
        progress.inc(1);
        anyhow::Ok((order.id, placed))
    });
    let mut sold = Sold::default();
    let mut placed = placed.buffered(AT_ONCE);
    while let Some((number, order)) = placed.try_next().await? {
        let total = &order["totals"]["grand_total"]["amount"];
        match order["status"].as_str() {
            Some("confirmed" | "shipped" | "delivered" | "returned") => {
                sold.confirmed += 1;
                sold.grand_total += total.as_i64().with_context(|| format!("order {number} has no total: {order}"))?;
            }
            Some("rejected") => {
                sold.rejected += 1;
                let reason = order["reason"].as_str().unwrap_or("for no reason");
                tracing::warn!(number, reason, "an order was rejected");
            }
            Some("cancelled") => tracing::warn!(number, "an order was cancelled"),
            _ => bail!("order {number} is not decided: {order}"),
        }
    }
    Ok(sold)
}

async fn place_one(edge: &Edge, order: &Order, customer: Option<&String>) -> Result<Value> {
    let key = format!("northwind-order-{}", order.id);
    let answer = edge.post("/v1/orders", As::Administrator, &key, &body(order, customer)).await?;
    match answer.body["order_id"].as_str() {
        // Rejected, or placed so long ago that the platform has forgotten the key.
        Some(id) if answer.status == StatusCode::CONFLICT => {
            edge.get(&format!("/v1/orders/{id}"), As::Administrator).await
        }
        _ => answer.success().with_context(|| format!("order {}", order.id)),
    }
}

fn body(order: &Order, customer: Option<&String>) -> Value {
    let lines = order.lines.iter().map(|line| {
        json!({
            "sku": sku(line.product_id),
            "quantity": line.quantity,
            "unit_price": {"amount": line.unit_price, "currency": "USD"},
            "discount_bp": line.discount_bp,
        })
    });
    let lines: Vec<_> = lines.collect();
    let mut address = json!({
        "name": order.ship.name,
        "line1": order.ship.street,
        "city": order.ship.city,
        // Not every country has them.
        "postal_code": order.ship.postal_code.as_deref().unwrap_or_default(),
        "country": order.ship.country,
    });
    if let Some(region) = &order.ship.region {
        address["region"] = region.as_str().into();
    }
    json!({
        "customer_id": customer,
        "placed_at": format!("{}T00:00:00Z", order.date),
        "lines": lines,
        "shipping_address": address,
        "payment_method": {"type": "card", "token": "tok_visa"},
        "currency": "USD",
    })
}
