//! Addresses.

use serde::Serialize;
use tradewind_schemas::{Address, AddressId};
use utoipa::ToSchema;

use super::values::{AddressDoc, Checks};

/// An entry of an address book.
#[derive(Serialize, ToSchema)]
pub struct SavedAddress {
    #[schema(value_type = uuid::Uuid)]
    pub id: AddressId,
    #[serde(flatten)]
    #[schema(value_type = AddressDoc)]
    pub address: Address,
}

/// `place` is the pointer to the address: empty where it is the whole body.
pub fn check_address(checks: &mut Checks, place: &str, address: &Address) {
    let Address { name, line1, line2, city, region, postal_code, country } = address;
    for (pointer, text, least) in [
        ("name", Some(name), 1),
        ("line1", Some(line1), 1),
        ("line2", line2.as_ref(), 0),
        ("city", Some(city), 1),
        ("region", region.as_ref(), 0),
        // Not every country has them.
        ("postal_code", Some(postal_code), 0),
    ] {
        if let Some(text) = text {
            checks.text(text, &format!("{place}/{pointer}"), least, 200);
        }
    }
    let code = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    let detail = "must be two capital letters of ISO 3166-1, such as DE";
    checks.that(code, &format!("{place}/country"), "invalid", detail);
}
