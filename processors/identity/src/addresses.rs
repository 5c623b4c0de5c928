//! What happens on commands about a user's address book. It is the user's own: nobody else learns what is in it.

use tradewind_runtime::{Context, Entity};
use tradewind_schemas::{
    Address, AddressId, Rejection, Sealed,
    identity::{AddressView, IdentityEvent, MOST_ADDRESSES},
};

use crate::{
    Identities,
    commands::{Decision, is_sealed, themselves},
    events::ADDRESS_ROWS,
};

pub fn add(entity: &Entity<'_, Identities>, id: AddressId, address: &Sealed, context: &Context<'_>) -> Decision {
    themselves(entity, context)?;
    fits(address)?;
    match entity.row(ADDRESS_ROWS, &id) {
        None => {}
        Some(there) if there.address == *address => return Ok(vec![]),
        Some(_) => return Err(Rejection::new("address_exists", "this address id is already in use")),
    }
    if entity.rows(ADDRESS_ROWS, MOST_ADDRESSES).len() == MOST_ADDRESSES {
        let detail = format!("an address book has at most {MOST_ADDRESSES} addresses");
        return Err(Rejection::new("too_many_addresses", detail));
    }
    Ok(vec![IdentityEvent::AddressAdded { address_id: id, address: address.clone() }])
}

pub fn change(
    entity: &Entity<'_, Identities>,
    id: AddressId,
    address: &Sealed,
    version: Option<i64>,
    context: &Context<'_>,
) -> Decision {
    themselves(entity, context)?;
    fits(address)?;
    let there = existing(entity, id, version)?;
    if there.address == *address {
        return Ok(vec![]);
    }
    Ok(vec![IdentityEvent::AddressChanged { address_id: id, address: address.clone() }])
}

pub fn remove(entity: &Entity<'_, Identities>, id: AddressId, version: Option<i64>, context: &Context<'_>) -> Decision {
    themselves(entity, context)?;
    existing(entity, id, version)?;
    Ok(vec![IdentityEvent::AddressRemoved { address_id: id }])
}

/// The address, if it is of this version; of any, where none is named.
fn existing(entity: &Entity<'_, Identities>, id: AddressId, version: Option<i64>) -> Result<AddressView, Rejection> {
    let there: AddressView =
        entity.row(ADDRESS_ROWS, &id).ok_or_else(|| Rejection::new("not_found", "there is no such address"))?;
    if version.is_some_and(|version| version != there.version) {
        return Err(Rejection::new("stale_version", format!("the address has version {} now", there.version)));
    }
    Ok(there)
}

fn fits(address: &Sealed) -> Result<(), Rejection> {
    if is_sealed(address, Address::LONGEST_SEALED) {
        return Ok(());
    }
    Err(Rejection::new("invalid_address", "the address is too long, or not sealed as addresses are"))
}
