//! What must be there before anything is sold: categories, products, customers and stock.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    AT_ONCE,
    edge::{As, Edge},
    record::{Customer, Product, Record, sku},
};

/// The platform's ids of the categories, by the record's.
pub async fn categories(edge: &Edge, record: &Record, progress: &ProgressBar) -> Result<HashMap<i64, String>> {
    progress.set_message("categories");
    let there: HashMap<String, String> = edge
        .list("/v1/categories")
        .await?
        .iter()
        .filter_map(|category| Some((category["name"].as_str()?.to_owned(), id(category).ok()?)))
        .collect();
    let mut ids = HashMap::new();
    for category in &record.categories {
        let known = match there.get(&category.name) {
            Some(known) => known.clone(),
            None => {
                let (key, body) = (format!("northwind-category-{}", category.id), json!({"name": category.name}));
                id(&edge.post("/v1/categories", As::Administrator, &key, &body).await?.success()?)?
            }
        };
        ids.insert(category.id, known);
        progress.inc(1);
    }
    Ok(ids)
}

/// Puts on sale what is not yet.
pub async fn products(
    edge: &Edge,
    record: &Record,
    categories: &HashMap<i64, String>,
    progress: &ProgressBar,
) -> Result<()> {
    progress.set_message("products");
    let there = edge.list("/v1/products").await?;
    let skus = there.iter().filter_map(|product| product["variants"].as_array()).flatten();
    let skus: Vec<&str> = skus.filter_map(|variant| variant["sku"].as_str()).collect();
    let missing = record.products.iter().filter(|product| !skus.contains(&sku(product.id).as_str()));
    let missing: Vec<_> = missing.collect();
    progress.inc((record.products.len() - missing.len()) as u64);
    let added = stream::iter(missing).map(async |product| {
        let key = format!("northwind-product-{}", product.id);
        let body = described(product, categories.get(&product.category_id));
        edge.post("/v1/products", As::Administrator, &key, &body).await?.success()?;
        progress.inc(1);
        anyhow::Ok(())
    });
    added.buffer_unordered(AT_ONCE).try_collect().await
}

fn described(product: &Product, category: Option<&String>) -> Value {
    json!({
        "name": product.name,
        "description": product.quantity_per_unit,
        "categories": category.into_iter().collect::<Vec<_>>(),
        "attributes": {"quantity_per_unit": product.quantity_per_unit, "discontinued": product.discontinued},
        "variants": [{"sku": sku(product.id), "price": {"amount": product.unit_price, "currency": "USD"}}],
        "status": "published",
    })
}

/// The platform's ids of the customers, by the record's.
pub async fn customers(edge: &Edge, record: &Record, progress: &ProgressBar) -> Result<HashMap<String, String>> {
    progress.set_message("customers");
    let registered = stream::iter(&record.customers).map(async |customer| {
        let id = register(edge, customer).await?;
        progress.inc(1);
        anyhow::Ok((customer.id.clone(), id))
    });
    registered.buffer_unordered(AT_ONCE).try_collect().await
}

async fn register(edge: &Edge, customer: &Customer) -> Result<String> {
    let email = format!("{}@northwind.example", customer.id.to_lowercase());
    let password = edge.credentials.password_of(&customer.id);
    let (key, body) = (
        format!("northwind-customer-{}", customer.id),
        json!({"email": email, "password": password, "name": customer.contact}),
    );
    let answer = edge.post("/v1/users", As::Guest, &key, &body).await?;
    match (answer.status, answer.code()) {
        // An earlier import registered them; how long ago, the answers differ by.
        (StatusCode::CONFLICT, _) | (_, "idempotency_key_reused") => whoever_is(edge, &email, &password).await,
        _ => id(&answer.success()?),
    }
}

/// The id of a customer who is registered already.
async fn whoever_is(edge: &Edge, email: &str, password: &str) -> Result<String> {
    let body = json!({"email": email, "password": password});
    let answer = edge.post("/v1/sessions", As::Guest, "northwind", &body).await?;
    if answer.status == StatusCode::UNAUTHORIZED {
        bail!(
            "{email} is registered with another password than this import's, which follows from the administrator's: import with the administrator's password of the first time"
        );
    }
    let session = answer.success()?;
    let token = session["access_token"].as_str().context("the edge answers a login without a token")?;
    let user = edge.get("/v1/users/me", As::Bearer(token)).await?;
    edge.delete("/v1/sessions/current", As::Bearer(token)).await?.success()?;
    id(&user)
}

/// Receives what was sold and what was left, so that in the end there is as much as the record says.
pub async fn receipts(edge: &Edge, record: &Record, progress: &ProgressBar) -> Result<()> {
    progress.set_message("stock");
    let received = stream::iter(&record.products).map(async |product| {
        receive(edge, product, record.sold(product.id) + product.units_in_stock).await?;
        progress.inc(1);
        anyhow::Ok(())
    });
    received.buffer_unordered(AT_ONCE).try_collect().await
}

async fn receive(edge: &Edge, product: &Product, quantity: i64) -> Result<()> {
    if quantity == 0 {
        return Ok(());
    }
    let path = format!("/v1/stock/{}", sku(product.id));
    // The platform forgets idempotency keys in time; the ledger forgets nothing. Ours is among the first.
    let ledger = edge.get(&format!("{path}/ledger?limit=100"), As::Administrator).await?;
    let entries = ledger["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours = |entry: &Value| entry["type"] == "StockReceived" && entry["quantity"] == quantity;
    if entries.iter().any(ours) {
        return Ok(());
    }
    let (key, body) = (format!("northwind-receipt-{}", product.id), json!({"quantity": quantity}));
    edge.post(&format!("{path}/receipts"), As::Administrator, &key, &body).await?.success()?;
    Ok(())
}

fn id(resource: &Value) -> Result<String> {
    let id = resource["id"].as_str().with_context(|| format!("the edge answers without an id: {resource}"))?;
    Ok(id.to_owned())
}
