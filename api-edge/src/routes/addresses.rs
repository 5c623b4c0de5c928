//! /v1/users/me/addresses

use tradewind_runtime::Freshness;
use tradewind_schemas::{
    Address, AddressId, UserId,
    identity::{ADDRESSES, AddressView, IdentityCommand, IdentityKey, MOST_ADDRESSES},
};
use tradewind_topics::list::IDENTITY_COMMANDS;
use uuid::Uuid;

use super::{Asked, Paging, Place, next_link, users::command};
use crate::{
    auth::Principal,
    body::Sent,
    cursor,
    idempotency::IdempotencyKey,
    ids,
    if_match::{IfMatch, precondition_failed},
    keys::ADDRESS,
    problem::{Code, Problem},
    reply::{Page, Pending, Reply},
    shapes::{
        address::{SavedAddress, check_address},
        values::{AddressDoc, Checks, ProblemDoc},
    },
    shop::{Ended, Shop},
};

const PATH: &str = "/v1/users/me/addresses";

/// One's addresses, in the order in which they were added.
#[utoipa::path(get, path = "/v1/users/me/addresses", operation_id = "list_addresses", tag = "identity", params(Paging),
    responses((status = 200, body = Page<SavedAddress>)))]
pub async fn list(who: Principal, shop: Shop, Asked(asked): Asked<Paging>) -> Result<Reply, Problem> {
    let limit = cursor::limit(asked.limit)?;
    let list = format!("addresses of {}", who.user_id);
    let after: Option<(i64, AddressId)> = cursor::open(&shop.cursors, &list, asked.cursor.as_deref())?;
    // An address book is small: it is read whole, as its rows are in order of their ids.
    let book = shop.rows(ADDRESSES, &IdentityKey::from(who.user_id), None, false, MOST_ADDRESSES).await?.items;
    let place = |address: &AddressView| (address.created_at.millis(), address.id);
    let mut found: Vec<AddressView> = book.into_iter().map(|(_, address)| address).collect();
    found.retain(|address| after.is_none_or(|after| place(address) > after));
    found.sort_by_key(place);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| cursor::seal(&shop.cursors, &list, place(last)));
    let mut items = Vec::with_capacity(found.len());
    for view in found {
        items.extend(opened(&shop, who.user_id, view).await?);
    }
    let size = asked.limit.map(|limit| limit.to_string());
    let link = next_link(PATH, &[("limit", size.as_deref())], next.as_deref());
    Ok(Reply::ok(&Page { items, next_cursor: next })?.next(link))
}

/// Adds an address. A replay shows it as it was added.
#[utoipa::path(post, path = "/v1/users/me/addresses", operation_id = "add_address", tag = "identity", request_body = AddressDoc,
    responses((status = 201, body = SavedAddress), (status = 202, body = Pending),
        (status = 409, body = ProblemDoc, description = "`too_many_addresses`: 50 are there.")))]
pub async fn add(who: Principal, shop: Shop, key: IdempotencyKey, sent: Sent) -> Result<Reply, Problem> {
    let address: Address = sent.read()?;
    let user = who.user_id;
    let id = AddressId::new(key.id(&user.to_string(), "POST", PATH));
    let digest = shop.digest(&sent);
    let known = match key.is_given() {
        true => shop.known(IDENTITY_COMMANDS, &user.into(), id.uuid(), &digest, Freshness::Any).await?,
        false => None,
    };
    let ended = match known {
        Some(ended) => ended,
        None => {
            check(&address)?;
            let sealed = shop.keys.seal_address(user, ADDRESS, &address).await?;
            let payload = IdentityCommand::AddAddress { address_id: id, address: sealed };
            shop.send(command(who.actor(), user, id.uuid(), digest, payload)).await?
        }
    };
    let location = format!("{PATH}/{id}");
    let reply = match ended.accepted()? {
        Some(_) => Reply::created(&SavedAddress { id, address }, location)?,
        None => pending(id)?,
    };
    Ok(reply.replayed(ended.replayed))
}

/// One of one's addresses.
#[utoipa::path(get, path = "/v1/users/me/addresses/{id}", operation_id = "show_address", tag = "identity", params(("id" = Uuid, Path)),
    responses((status = 200, body = SavedAddress)))]
pub async fn show(who: Principal, shop: Shop, Place(id): Place<String>) -> Result<Reply, Problem> {
    existing(&shop, &who, &id).await?.reply()
}

/// Replaces one of one's addresses.
#[utoipa::path(put, path = "/v1/users/me/addresses/{id}", operation_id = "change_address", tag = "identity", params(("id" = Uuid, Path)),
    request_body = AddressDoc, responses((status = 200, body = SavedAddress), (status = 202, body = Pending),
        (status = 412, body = ProblemDoc, description = "It is not what If-Match names any more.")))]
pub async fn change(
    who: Principal,
    shop: Shop,
    Place(id): Place<String>,
    seen: IfMatch,
    sent: Sent,
) -> Result<Reply, Problem> {
    let there = existing(&shop, &who, &id).await?;
    let address: Address = sent.read()?;
    check(&address)?;
    let (id, version) = (there.saved.id, there.version(&seen)?);
    let sealed = shop.keys.seal_address(who.user_id, ADDRESS, &address).await?;
    let payload = IdentityCommand::ChangeAddress { address_id: id, address: sealed, version };
    let ended = shop.send(command(who.actor(), who.user_id, Uuid::now_v7(), shop.digest(&sent), payload)).await?;
    if is_decided(&ended)? { Reply::ok(&SavedAddress { id, address }) } else { pending(id) }
}

/// Takes an address out of one's address book.
#[utoipa::path(delete, path = "/v1/users/me/addresses/{id}", operation_id = "remove_address", tag = "identity", params(("id" = Uuid, Path)),
    responses((status = 204, description = "Removed."), (status = 202, body = Pending),
        (status = 412, body = ProblemDoc, description = "It is not what If-Match names any more.")))]
pub async fn remove(who: Principal, shop: Shop, Place(id): Place<String>, seen: IfMatch) -> Result<Reply, Problem> {
    let there = existing(&shop, &who, &id).await?;
    let (id, version) = (there.saved.id, there.version(&seen)?);
    let payload = IdentityCommand::RemoveAddress { address_id: id, version };
    let ended = shop.send(command(who.actor(), who.user_id, Uuid::now_v7(), String::new(), payload)).await?;
    if is_decided(&ended)? { Ok(Reply::no_content()) } else { pending(id) }
}

/// An address that is there.
struct Existing {
    saved: SavedAddress,
    version: i64,
}

impl Existing {
    fn reply(&self) -> Result<Reply, Problem> {
        Reply::ok(&self.saved)
    }

    /// The version that the change is for, if the client says what it has seen.
    ///
    /// # Errors
    /// `PreconditionFailed` where it has seen another.
    fn version(&self, seen: &IfMatch) -> Result<Option<i64>, Problem> {
        Ok(seen.met_by(&self.reply()?.tag())?.then_some(self.version))
    }
}

/// One's own address of this id.
async fn existing(shop: &Shop, who: &Principal, id: &str) -> Result<Existing, Problem> {
    let id: AddressId = ids::parse(id).ok_or_else(Problem::not_found)?;
    let view = shop.row(ADDRESSES, &IdentityKey::from(who.user_id), &id, Freshness::SourceEnd).await?;
    let view = view.ok_or_else(Problem::not_found)?;
    let version = view.version;
    let saved = opened(shop, who.user_id, view).await?.ok_or_else(Problem::not_found)?;
    Ok(Existing { saved, version })
}

async fn opened(shop: &Shop, user: UserId, view: AddressView) -> Result<Option<SavedAddress>, Problem> {
    let address = shop.keys.open_address(user, ADDRESS, &view.address).await?;
    Ok(address.map(|address| SavedAddress { id: view.id, address }))
}

fn check(address: &Address) -> Result<(), Problem> {
    let mut checks = Checks::default();
    check_address(&mut checks, "", address);
    checks.done()
}

/// Whether the change was made; not yet, where it is not decided.
///
/// # Errors
/// Why not. What was changed between the look at it and the decision is not what the client has seen, either.
fn is_decided(ended: &Ended) -> Result<bool, Problem> {
    match ended.accepted() {
        Err(problem) if problem.code == Code::StaleVersion => Err(precondition_failed()),
        accepted => Ok(accepted?.is_some()),
    }
}

fn pending(id: AddressId) -> Result<Reply, Problem> {
    Reply::accepted(&Pending { id: id.to_string(), status: "pending" }, format!("{PATH}/{id}"))
}
