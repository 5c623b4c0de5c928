//! GET /v1/users: all users, for administrators.

use futures::future::try_join_all;
use tradewind_runtime::Freshness;
use tradewind_schemas::{
    UserId,
    identity::{DIRECTORY, DirectoryShelf, IdentityKey, USER},
};
use uuid::Uuid;

use super::{Asked, Paging, next_link};
use crate::{
    auth::Admin,
    cursor,
    problem::Problem,
    reply::{Page, Reply},
    shapes::user::User,
    shop::Shop,
};

const LIST: &str = "users";

/// All users, in the order in which they registered.
#[utoipa::path(get, path = "/v1/users", operation_id = "list_users", tag = "identity", params(Paging),
    responses((status = 200, body = Page<User>)))]
pub async fn list(Admin(_who): Admin, shop: Shop, Asked(asked): Asked<Paging>) -> Result<Reply, Problem> {
    let limit = cursor::limit(asked.limit)?;
    let after: Option<Vec<u8>> = cursor::open(&shop.cursors, LIST, asked.cursor.as_deref())?;
    let on_shelf = |shelf| {
        let (shop, after) = (&shop, after.clone());
        async move { shop.rows(DIRECTORY, &shelf, after, false, limit + 1).await }
    };
    let shelves = try_join_all(DirectoryShelf::all().map(on_shelf)).await?;
    // A row's key sorts by time on every shelf, and so across them.
    let mut rows: Vec<Vec<u8>> = shelves.into_iter().flat_map(|shelf| shelf.items).map(|(row, ())| row).collect();
    rows.sort_unstable();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| cursor::seal(&shop.cursors, LIST, last));
    let found = try_join_all(rows.iter().filter_map(|row| user_id(row)).map(|id| find(&shop, id))).await?;
    let items: Vec<User> = found.into_iter().flatten().collect();
    let size = asked.limit.map(|limit| limit.to_string());
    let link = next_link("/v1/users", &[("limit", size.as_deref())], next.as_deref());
    Ok(Reply::ok(&Page { items, next_cursor: next })?.next(link))
}

/// A row's key is the time and then the user's id.
fn user_id(row: &[u8]) -> Option<UserId> {
    Uuid::from_slice(row.get(8..)?).ok().map(UserId::new)
}

async fn find(shop: &Shop, id: UserId) -> Result<Option<User>, Problem> {
    match shop.row(USER, &IdentityKey::from(id), &(), Freshness::SourceEnd).await? {
        Some(view) => User::of(view, &shop.keys).await.map(Some),
        None => Ok(None),
    }
}
