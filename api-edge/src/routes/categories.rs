//! /v1/categories

use tradewind_runtime::Freshness;
use tradewind_schemas::{
    CategoryId,
    catalog::{self, CatalogCommand, CatalogKey},
};
use tradewind_topics::list::CATALOG_COMMANDS;
use uuid::Uuid;

use super::{Asked, Paging, Place, next_link};
use crate::{
    auth::{Principal, Staff},
    body::Sent,
    cursor,
    idempotency::IdempotencyKey,
    ids,
    problem::Problem,
    reply::{Page, Pending, Reply},
    routes::products::categories_exist,
    shapes::{
        product::{Category, CategoryChange, NewCategory},
        values::Checks,
    },
    shop::{Command, Shop},
};

/// All categories, by name.
#[utoipa::path(get, path = "/v1/categories", operation_id = "list_categories", tag = "catalog", params(Paging), responses((status = 200, body = Page<Category>)))]
pub async fn list(shop: Shop, Asked(asked): Asked<Paging>) -> Result<Reply, Problem> {
    let limit = cursor::limit(asked.limit)?;
    let after: Option<(String, CategoryId)> = cursor::open(&shop.cursors, "categories", asked.cursor.as_deref())?;
    shop.catalogue.replica().catch_up().await?;
    let mut found = shop.catalogue.look(|shelf| shelf.categories());
    if let Some(after) = after {
        found.retain(|category| (&category.name, category.id) > (&after.0, after.1));
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let place = |category: &catalog::Category| (category.name.clone(), category.id);
    let next = found.last().filter(|_| more).map(|last| cursor::seal(&shop.cursors, "categories", place(last)));
    let items: Vec<_> = found.into_iter().map(Category::from).collect();
    let size = asked.limit.map(|limit| limit.to_string());
    let link = next_link("/v1/categories", &[("limit", size.as_deref())], next.as_deref());
    Ok(Reply::ok(&Page { items, next_cursor: next })?.next(link))
}

/// Adds a category.
#[utoipa::path(post, path = "/v1/categories", operation_id = "define_category", tag = "catalog", request_body = NewCategory,
    responses((status = 201, body = Category), (status = 202, body = Pending)))]
pub async fn define(Staff(who): Staff, shop: Shop, key: IdempotencyKey, sent: Sent) -> Result<Reply, Problem> {
    let wanted: NewCategory = sent.read()?;
    let id = CategoryId::new(key.id(&who.user_id.to_string(), "POST", "/v1/categories"));
    let digest = shop.digest(&sent);
    let known = match key.is_given() {
        true => shop.known(CATALOG_COMMANDS, &CatalogKey::from(id), id.uuid(), &digest, Freshness::Any).await?,
        false => None,
    };
    let ended = match known {
        Some(ended) => ended,
        None => {
            wanted.check()?;
            let parent = wanted.parent_id.as_slice();
            categories_exist(&shop, parent).await.map_err(|problem| problem.pointing("/parent_id"))?;
            let (name, parent_id) = (wanted.name.clone(), wanted.parent_id);
            let payload = CatalogCommand::DefineCategory { category_id: id, name, parent_id };
            shop.send(command(&who, id, id.uuid(), digest, payload)).await?
        }
    };
    let replayed = ended.replayed;
    match ended.accepted()? {
        Some(_) => {
            // Just as it was sent: a replay has the same body.
            let category = Category { id, name: wanted.name, parent_id: wanted.parent_id };
            Ok(Reply::created(&category, "/v1/categories")?.replayed(replayed))
        }
        None => {
            let pending = Pending { id: id.to_string(), status: "pending" };
            Ok(Reply::accepted(&pending, "/v1/categories")?.replayed(replayed))
        }
    }
}

/// Renames a category, or moves it. One change at a time: of two at once, the later has the last word on both.
#[utoipa::path(patch, path = "/v1/categories/{id}", operation_id = "change_category", tag = "catalog", params(("id" = Uuid, Path)),
    request_body = CategoryChange, responses((status = 200, body = Category), (status = 202, body = Pending)))]
pub async fn change(Staff(who): Staff, shop: Shop, Place(id): Place<String>, sent: Sent) -> Result<Reply, Problem> {
    let id: CategoryId = ids::parse(&id).ok_or_else(Problem::not_found)?;
    shop.catalogue.replica().catch_up().await?;
    let now = shop.catalogue.look(|shelf| shelf.category(id).cloned()).ok_or_else(Problem::not_found)?;
    let wanted: CategoryChange = sent.read()?;
    wanted.check()?;
    let (name, parent_id) = (wanted.name.unwrap_or(now.name), wanted.parent_id.unwrap_or(now.parent_id));
    categories_exist(&shop, parent_id.as_slice()).await.map_err(|problem| problem.pointing("/parent_id"))?;
    let circles = parent_id.is_some_and(|parent| shop.catalogue.look(|shelf| shelf.is_within(parent, id)));
    let mut checks = Checks::default();
    checks.that(!circles, "/parent_id", "circle", "is the category itself, or below it");
    checks.done()?;
    let payload = CatalogCommand::DefineCategory { category_id: id, name: name.clone(), parent_id };
    let ended = shop.send(command(&who, id, Uuid::now_v7(), shop.digest(&sent), payload)).await?;
    match ended.accepted()? {
        Some(_) => Reply::ok(&Category { id, name, parent_id }),
        None => Reply::accepted(&Pending { id: id.to_string(), status: "pending" }, "/v1/categories"),
    }
}

/// A command about a category.
fn command(
    who: &Principal,
    category: CategoryId,
    id: Uuid,
    digest: String,
    payload: CatalogCommand,
) -> Command<CatalogKey, CatalogCommand> {
    let (key, actor) = (CatalogKey::from(category), who.actor());
    Command { topic: CATALOG_COMMANDS, key, id, actor, subject: None, digest, payload }
}
