//! /v1/products

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tradewind_runtime::Freshness;
use tradewind_schemas::{
    CategoryId, ProductId,
    catalog::{self, CatalogCommand, CatalogKey, PRODUCT, ProductStatus},
};
use tradewind_topics::list::CATALOG_COMMANDS;
use uuid::Uuid;

use super::{Asked, Place, next_link};
use crate::{
    auth::{Principal, Staff},
    body::Sent,
    cursor,
    idempotency::IdempotencyKey,
    ids,
    problem::{Code, Problem},
    reply::{Page, Pending, Reply},
    shapes::product::{NewProduct, NewStatus, Product, ProductChange},
    shop::{Command, Ended, Shop},
};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Products of this category.
    category: Option<String>,
    /// Products whose name or description has this in it.
    q: Option<String>,
    /// `created_at` (if not given), `name` or `price`, with a `-` before it for the other way round.
    sort: Option<String>,
    /// 1 to 100; 20 if not given.
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A product's place in a list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Rank {
    Number(i64),
    Text(String),
}

#[derive(Clone, Copy)]
enum Sort {
    CreatedAt,
    Name,
    Price,
}

impl Sort {
    fn named(name: &str) -> Option<Self> {
        match name {
            "created_at" => Some(Self::CreatedAt),
            "name" => Some(Self::Name),
            "price" => Some(Self::Price),
            _ => None,
        }
    }

    fn rank(self, product: &catalog::Product) -> Rank {
        match self {
            Self::CreatedAt => Rank::Number(product.created_at.millis()),
            Self::Name => Rank::Text(product.details.name.to_lowercase()),
            Self::Price => Rank::Number(product.details.variants.iter().map(|v| v.price.amount).min().unwrap_or(0)),
        }
    }
}

/// Products on sale; staff see drafts, too.
#[utoipa::path(get, path = "/v1/products", operation_id = "list_products", tag = "catalog", params(Wanted), responses((status = 200, body = Page<Product>)))]
pub async fn list(who: Option<Principal>, shop: Shop, Asked(asked): Asked<Wanted>) -> Result<Reply, Problem> {
    let limit = cursor::limit(asked.limit)?;
    let name = asked.sort.as_deref().unwrap_or("created_at");
    let (backwards, name) = name.strip_prefix('-').map_or((false, name), |name| (true, name));
    let Some(sort) = Sort::named(name) else {
        let detail = "sort is created_at, name or price, or one of them with a - before it.";
        return Err(Problem::new(Code::ValidationFailed, detail).at("/sort", "invalid", detail));
    };
    // A malformed category is one that has no products.
    let category: Option<Option<CategoryId>> = asked.category.as_deref().map(ids::parse);
    let text = asked.q.as_ref().map(|q| q.trim().to_lowercase());
    let is_staff = who.is_some_and(|who| who.is_staff());
    let fits = |product: &catalog::Product| {
        let details = &product.details;
        let seen = product.status == ProductStatus::Published || (is_staff && product.status == ProductStatus::Draft);
        let within = category.as_ref().is_none_or(|id| id.is_some_and(|id| details.categories.contains(&id)));
        let says =
            |q: &String| details.name.to_lowercase().contains(q) || details.description.to_lowercase().contains(q);
        seen && within && text.as_ref().is_none_or(says)
    };
    let list = format!("products {:?} {:?} {name} {backwards} {is_staff}", asked.category, asked.q);
    let after: Option<(Rank, ProductId)> = cursor::open(&shop.cursors, &list, asked.cursor.as_deref())?;
    shop.catalogue.replica().catch_up().await?;
    let mut found: Vec<((Rank, ProductId), Arc<catalog::Product>)> = shop.catalogue.look(|shelf| {
        let fitting = shelf.products().filter(|product| fits(product));
        let placed = fitting.map(|product| ((sort.rank(product), product.id), product.clone()));
        let rest = |place: &(Rank, ProductId)| match &after {
            Some(after) if backwards => place < after,
            Some(after) => place > after,
            None => true,
        };
        placed.filter(|(place, _)| rest(place)).collect()
    });
    found.sort_by(|(a, _), (b, _)| if backwards { b.cmp(a) } else { a.cmp(b) });
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(place, _)| cursor::seal(&shop.cursors, &list, place));
    let items: Vec<_> = found.into_iter().map(|(_, product)| Product::from(Arc::unwrap_or_clone(product))).collect();
    let size = asked.limit.map(|limit| limit.to_string());
    let parameters = [
        ("category", asked.category.as_deref()),
        ("q", asked.q.as_deref()),
        ("sort", asked.sort.as_deref()),
        ("limit", size.as_deref()),
    ];
    let link = next_link("/v1/products", &parameters, next.as_deref());
    Ok(Reply::ok(&Page { items, next_cursor: next })?.next(link))
}

/// A product; drafts and archived ones for staff only.
#[utoipa::path(get, path = "/v1/products/{id}", operation_id = "show_product", tag = "catalog", params(("id" = Uuid, Path)),
    responses((status = 200, body = Product)))]
pub async fn show(who: Option<Principal>, shop: Shop, Place(id): Place<String>) -> Result<Reply, Problem> {
    let id: ProductId = ids::parse(&id).ok_or_else(Problem::not_found)?;
    let product = shop.resource(CATALOG_COMMANDS, PRODUCT, &CatalogKey::from(id), id.uuid()).await?;
    let is_staff = who.is_some_and(|who| who.is_staff());
    if !is_staff && product.status != ProductStatus::Published {
        return Err(Problem::not_found());
    }
    Reply::ok(&Product::from(product))
}

/// Adds a product. Its SKUs must be nobody else's.
#[utoipa::path(post, path = "/v1/products", operation_id = "create_product", tag = "catalog", request_body = NewProduct,
    responses((status = 201, body = Product), (status = 202, body = Pending), (status = 409, description = "`sku_taken`")))]
pub async fn create(Staff(who): Staff, shop: Shop, key: IdempotencyKey, sent: Sent) -> Result<Reply, Problem> {
    let wanted: NewProduct = sent.read()?;
    let id = ProductId::new(key.id(&who.user_id.to_string(), "POST", "/v1/products"));
    let digest = shop.digest(&sent);
    let known = match key.is_given() {
        true => shop.known(CATALOG_COMMANDS, &id.into(), id.uuid(), &digest, Freshness::Any).await?,
        false => None,
    };
    let ended = match known {
        Some(ended) => ended,
        None => {
            let details = wanted.details()?;
            categories_exist(&shop, &details.categories).await?;
            let publish = wanted.status == NewStatus::Published;
            let payload = CatalogCommand::CreateProduct { product_id: id, details, publish };
            shop.send(command(&who, id, id.uuid(), digest, payload)).await?
        }
    };
    let location = format!("/v1/products/{id}");
    if let Some(fresh) = ended.accepted()?
        && let Ok(Some(product)) = shop.row(PRODUCT, &CatalogKey::from(id), &(), fresh).await
    {
        return Ok(Reply::created(&Product::from(product), location)?.replayed(ended.replayed));
    }
    Ok(Reply::accepted(&Pending { id: id.to_string(), status: "pending" }, location)?.replayed(ended.replayed))
}

/// A command about a product.
pub(crate) fn command(
    who: &Principal,
    product: ProductId,
    id: Uuid,
    digest: String,
    payload: CatalogCommand,
) -> Command<CatalogKey, CatalogCommand> {
    Command { topic: CATALOG_COMMANDS, key: product.into(), id, actor: who.actor(), subject: None, digest, payload }
}

/// # Errors
/// `UnknownCategory`, after the catalogue was read to its end.
pub(crate) async fn categories_exist(shop: &Shop, ids: &[CategoryId]) -> Result<(), Problem> {
    let all = shop
        .shown_catalogue()
        .await?
        .find(|shelf| ids.iter().all(|id| shelf.category(*id).is_some()).then_some(()))
        .await?;
    match all {
        Some(()) => Ok(()),
        None => Err(Problem::new(Code::UnknownCategory, "One of the categories does not exist.").at(
            "/categories",
            "unknown_category",
            "names a category that does not exist",
        )),
    }
}

/// Changes what is given of a product; `status` `published` puts a draft on sale.
#[utoipa::path(patch, path = "/v1/products/{id}", operation_id = "change_product", tag = "catalog", params(("id" = Uuid, Path)),
    request_body = ProductChange, responses((status = 200, body = Product), (status = 202, body = Pending)))]
pub async fn change(Staff(who): Staff, shop: Shop, Place(id): Place<String>, sent: Sent) -> Result<Reply, Problem> {
    let id = existing(&shop, &id).await?.id;
    let wanted: ProductChange = sent.read()?;
    let attributes = wanted.check()?;
    let digest = shop.digest(&sent);
    let mut ended = None;
    if wanted.revises() {
        categories_exist(&shop, wanted.categories.as_deref().unwrap_or_default()).await?;
        let ProductChange { name, description, categories, .. } = wanted;
        let payload = CatalogCommand::ReviseProduct { version: None, name, description, categories, attributes };
        let revised = shop.send(command(&who, id, Uuid::now_v7(), digest.clone(), payload)).await?;
        revised.accepted()?;
        ended = Some(revised);
    }
    if wanted.status.is_some() {
        let payload = CatalogCommand::PublishProduct {};
        ended = Some(shop.send(command(&who, id, Uuid::now_v7(), digest, payload)).await?);
    }
    match ended {
        Some(ended) => changed(&shop, id, &ended).await,
        None => Err(Problem::new(Code::ValidationFailed, "The request must change something.")),
    }
}

/// The product after a change that was asked for.
pub(crate) async fn changed(shop: &Shop, id: ProductId, ended: &Ended) -> Result<Reply, Problem> {
    if let Some(fresh) = ended.accepted()?
        && let Ok(Some(product)) = shop.row(PRODUCT, &CatalogKey::from(id), &(), fresh).await
    {
        return Reply::ok(&Product::from(product));
    }
    Reply::accepted(&Pending { id: id.to_string(), status: "pending" }, format!("/v1/products/{id}"))
}

/// The product of this id, whatever its status.
pub(crate) async fn existing(shop: &Shop, id: &str) -> Result<catalog::Product, Problem> {
    let id: ProductId = ids::parse(id).ok_or_else(Problem::not_found)?;
    let found = shop.row(PRODUCT, &CatalogKey::from(id), &(), Freshness::SourceEnd).await?;
    found.ok_or_else(Problem::not_found)
}

/// Takes a product off sale for good.
#[utoipa::path(delete, path = "/v1/products/{id}", operation_id = "archive_product", tag = "catalog", params(("id" = Uuid, Path)),
    responses((status = 204, description = "Archived."), (status = 202, body = Pending)))]
pub async fn archive(Staff(who): Staff, shop: Shop, Place(id): Place<String>) -> Result<Reply, Problem> {
    let id = existing(&shop, &id).await?.id;
    let payload = CatalogCommand::ArchiveProduct {};
    let ended = shop.send(command(&who, id, Uuid::now_v7(), String::new(), payload)).await?;
    match ended.accepted() {
        Ok(Some(_)) => Ok(Reply::no_content()),
        // Archived is archived.
        Err(problem) if problem.code == Code::ProductArchived => Ok(Reply::no_content()),
        Ok(None) => Reply::accepted(&Pending { id: id.to_string(), status: "pending" }, format!("/v1/products/{id}")),
        Err(problem) => Err(problem),
    }
}
