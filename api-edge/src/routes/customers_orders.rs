//! GET /v1/orders: the orders of a customer, the latest first.

use axum::extract::RawQuery;
use futures::future::try_join_all;
use serde::Deserialize;
use tradewind_runtime::Freshness;
use tradewind_schemas::{
    CustomerId, OrderId,
    order::{ORDER, ORDERS_OF_CUSTOMER, OrderStatus},
};
use uuid::Uuid;

use super::{Asked, next_link, orders::order};
use crate::{
    auth::{Principal, forbidden},
    cursor, ids,
    problem::{Code, Problem},
    reply::{Page, Reply},
    shapes::order::Order,
    shop::Shop,
};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Orders of this status.
    status: Option<String>,
    /// Staff only: another customer's.
    customer_id: Option<String>,
    /// 1 to 100; 20 if not given.
    limit: Option<i64>,
    cursor: Option<String>,
}

/// How many rows are looked at for one page: a rare status gives a page that is not full, and a cursor to go on.
const MOST_LOOKED_AT: usize = 2000;

/// One's orders, the latest first; for staff any customer's.
#[utoipa::path(get, path = "/v1/orders", operation_id = "list_orders", tag = "order", params(Wanted), responses((status = 200, body = Page<Order>)))]
pub async fn list(
    who: Principal,
    RawQuery(query): RawQuery,
    shop: Result<Shop, Problem>,
    asked: Result<Asked<Wanted>, Problem>,
) -> Result<Reply, Problem> {
    // Looked at before the rest of the query: 403 comes before 400.
    let query = query.unwrap_or_default();
    let names_a_customer = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "customer_id");
    if names_a_customer && !who.is_staff() {
        return Err(forbidden("customer_id is for merchants and administrators."));
    }
    let (shop, Asked(asked)) = (shop?, asked?);
    let limit = cursor::limit(asked.limit)?;
    let status = asked.status.as_deref().map(status).transpose()?;
    let customer = match &asked.customer_id {
        Some(id) => ids::parse(id).ok_or_else(|| {
            let detail = "customer_id is not a UUID.";
            Problem::new(Code::InvalidQuery, detail).at("/customer_id", "invalid", detail)
        })?,
        None => who.user_id,
    };
    let list = format!("orders of {customer} {status:?}");
    let after = cursor::open(&shop.cursors, &list, asked.cursor.as_deref())?;
    settle_recent(&shop, customer).await?;
    let (ids, next) = page(&shop, customer, status, after, limit).await?;
    let items = try_join_all(ids.into_iter().map(|id| find(&shop, id))).await?;
    let items: Vec<Order> = items.into_iter().flatten().collect();
    let next = next.map(|row| cursor::seal(&shop.cursors, &list, row));
    let size = asked.limit.map(|limit| limit.to_string());
    let parameters = [
        ("status", asked.status.as_deref()),
        ("customer_id", asked.customer_id.as_deref()),
        ("limit", size.as_deref()),
    ];
    let link = next_link("/v1/orders", &parameters, next.as_deref());
    Ok(Reply::ok(&Page { items, next_cursor: next })?.next(link))
}

fn status(name: &str) -> Result<OrderStatus, Problem> {
    serde_json::from_value(name.into()).map_err(|_| {
        let detail = "status is placed, confirmed, rejected, cancelled, shipped, delivered or returned.";
        Problem::new(Code::ValidationFailed, detail).at("/status", "invalid", detail)
    })
}

/// What a 202 of this edge named must be in the list: once the order's task has read its command, the list's source
/// has the order.
async fn settle_recent(shop: &Shop, customer: CustomerId) -> Result<(), Problem> {
    let recent = shop.recent.of(customer);
    let read = |id: OrderId| async move { shop.row(ORDER, &id, &(), Freshness::SourceEnd).await };
    let _read = try_join_all(recent.iter().copied().map(read)).await?;
    shop.recent.listed(customer, &recent);
    Ok(())
}

type Row = Vec<u8>;

/// The ids of a page's orders, and the row after which the next begins.
async fn page(
    shop: &Shop,
    customer: CustomerId,
    status: Option<OrderStatus>,
    mut after: Option<Row>,
    limit: usize,
) -> Result<(Vec<OrderId>, Option<Row>), Problem> {
    let mut ids = Vec::with_capacity(limit);
    let mut looked_at = 0;
    loop {
        let batch = limit + 1;
        let found = shop.rows(ORDERS_OF_CUSTOMER, &customer, after.clone(), true, batch).await?.items;
        let (read, last) = (found.len(), found.len() < batch);
        for (row, is) in found {
            if ids.len() == limit {
                return Ok((ids, after));
            }
            if status.is_none_or(|wanted| wanted == is)
                && let Some(id) = order_id(&row)
            {
                ids.push(id);
            }
            after = Some(row);
        }
        looked_at += read;
        if last {
            return Ok((ids, None));
        }
        if looked_at >= MOST_LOOKED_AT {
            return Ok((ids, after));
        }
    }
}

/// A row's key is the time and then the order's id.
fn order_id(row: &[u8]) -> Option<OrderId> {
    Uuid::from_slice(row.get(8..)?).ok().map(OrderId::new)
}

async fn find(shop: &Shop, id: OrderId) -> Result<Option<Order>, Problem> {
    match shop.row(ORDER, &id, &(), Freshness::Any).await? {
        Some(view) => order(shop, view).await.map(Some),
        None => Ok(None),
    }
}
