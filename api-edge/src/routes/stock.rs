//! /v1/stock

use tradewind_runtime::Freshness;
use tradewind_schemas::{
    Sku,
    inventory::{InventoryCommand, LEDGER, MOVED, STOCK, StockLevel},
};
use tradewind_topics::list::INVENTORY_COMMANDS;

use super::{Asked, Paging, Place, next_link};
use crate::{
    auth::{Principal, Staff},
    body::Sent,
    cursor,
    idempotency::IdempotencyKey,
    problem::Problem,
    reply::{Page, Pending, Reply},
    shapes::stock::{Adjustment, Entry, Receipt, Stock},
    shop::{Command, Shop},
};

/// How much there is of a SKU.
#[utoipa::path(get, path = "/v1/stock/{sku}", operation_id = "show_stock", tag = "inventory", params(("sku" = String, Path)),
    responses((status = 200, body = Stock)))]
pub async fn show(_staff: Staff, shop: Shop, Place(sku): Place<String>) -> Result<Reply, Problem> {
    let sku: Sku = sku.parse().map_err(|_| Problem::not_found())?;
    match shop.row(STOCK, &sku, &(), Freshness::SourceEnd).await? {
        Some(stock) => Reply::ok(&Stock::of(stock.sku, &stock.level)),
        // A product's SKU that nothing was received of has none.
        None => exists(&shop, &sku).await.and_then(|()| Reply::ok(&Stock::of(sku, &StockLevel::default()))),
    }
}

/// # Errors
/// `NotFound` where no product has the SKU.
async fn exists(shop: &Shop, sku: &Sku) -> Result<(), Problem> {
    shop.shown_catalogue().await?.find(|shelf| shelf.owner(sku).map(|_| ())).await?.ok_or_else(Problem::not_found)
}

/// What happened to a SKU's stock, from the first receipt on.
#[utoipa::path(get, path = "/v1/stock/{sku}/ledger", operation_id = "show_ledger", tag = "inventory", params(("sku" = String, Path), Paging),
    responses((status = 200, body = Page<Entry>)))]
pub async fn ledger(
    _staff: Staff,
    shop: Shop,
    Place(sku): Place<String>,
    Asked(asked): Asked<Paging>,
) -> Result<Reply, Problem> {
    let sku: Sku = sku.parse().map_err(|_| Problem::not_found())?;
    let limit = cursor::limit(asked.limit)?;
    let list = format!("ledger of {sku}");
    let after: Option<Vec<u8>> = cursor::open(&shop.cursors, &list, asked.cursor.as_deref())?;
    let first = after.is_none();
    let mut found = shop.rows(LEDGER, &sku, after, false, limit + 1).await?.items;
    if found.is_empty() && first {
        exists(&shop, &sku).await?;
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(row, _)| cursor::seal(&shop.cursors, &list, row));
    let items: Vec<_> = found.into_iter().map(|(_, entry)| Entry::from(entry)).collect();
    let size = asked.limit.map(|limit| limit.to_string());
    let link = next_link(&format!("/v1/stock/{sku}/ledger"), &[("limit", size.as_deref())], next.as_deref());
    Ok(Reply::ok(&Page { items, next_cursor: next })?.next(link))
}

/// Takes delivered goods into stock.
#[utoipa::path(post, path = "/v1/stock/{sku}/receipts", operation_id = "receive_stock", tag = "inventory", params(("sku" = String, Path)),
    request_body = Receipt, responses((status = 201, body = Stock), (status = 202, body = Pending)))]
pub async fn receive(
    Staff(who): Staff,
    shop: Shop,
    Place(sku): Place<String>,
    key: IdempotencyKey,
    sent: Sent,
) -> Result<Reply, Problem> {
    key.required()?;
    let receipt: Receipt = sent.read()?;
    let payload = || receipt.check().map(|()| InventoryCommand::ReceiveStock { quantity: receipt.quantity });
    moved(&shop, &who, &sku, "receipts", &key, &sent, payload).await
}

/// Corrects the stock, after a count say. Below what is promised to orders it is refused, unless forced.
#[utoipa::path(post, path = "/v1/stock/{sku}/adjustments", operation_id = "adjust_stock", tag = "inventory", params(("sku" = String, Path)),
    request_body = Adjustment, responses((status = 201, body = Stock), (status = 202, body = Pending)))]
pub async fn adjust(
    Staff(who): Staff,
    shop: Shop,
    Place(sku): Place<String>,
    key: IdempotencyKey,
    sent: Sent,
) -> Result<Reply, Problem> {
    key.required()?;
    let wanted: Adjustment = sent.read()?;
    let payload = || {
        let (delta, reason, force) = (wanted.delta, wanted.reason.clone(), wanted.force);
        wanted.check().map(|()| InventoryCommand::AdjustStock { delta, reason, force })
    };
    moved(&shop, &who, &sku, "adjustments", &key, &sent, payload).await
}

/// Sends a change of stock, unless this request came before, and answers with the stock after it.
async fn moved(
    shop: &Shop,
    who: &Principal,
    sku: &str,
    what: &str,
    key: &IdempotencyKey,
    sent: &Sent,
    payload: impl FnOnce() -> Result<InventoryCommand, Problem>,
) -> Result<Reply, Problem> {
    let sku: Sku = sku.parse().map_err(|_| Problem::not_found())?;
    let id = key.id(&who.user_id.to_string(), "POST", &format!("/v1/stock/{sku}/{what}"));
    let digest = shop.digest(sent);
    let ended = match shop.known(INVENTORY_COMMANDS, &sku, id, &digest, Freshness::Any).await? {
        Some(ended) => ended,
        None => {
            let payload = payload()?;
            exists(shop, &sku).await?;
            let (topic, key, actor) = (INVENTORY_COMMANDS, sku.clone(), who.actor());
            shop.send(Command { topic, key, id, actor, subject: None, digest, payload }).await?
        }
    };
    let location = format!("/v1/stock/{sku}");
    if let Some(fresh) = ended.accepted()?
        && let Ok(Some(level)) = shop.row(MOVED, &sku, &id, fresh).await
    {
        return Ok(Reply::created(&Stock::of(sku, &level), location)?.replayed(ended.replayed));
    }
    Ok(Reply::accepted(&Pending { id: id.to_string(), status: "pending" }, location)?.replayed(ended.replayed))
}
