//! The address book.

use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, Address, AddressId, Role, Sealed,
    identity::{ADDRESSES, AddressView, IdentityCommand, IdentityEvent, MOST_ADDRESSES},
};
use uuid::Uuid;

use super::story::*;

const HOME: AddressId = AddressId::new(Uuid::from_u128(0xADD));
const WORK: AddressId = AddressId::new(Uuid::from_u128(0xADE));

fn add(address_id: AddressId, text: &str) -> IdentityCommand {
    IdentityCommand::AddAddress { address_id, address: sealed(text) }
}

fn change(text: &str, version: Option<i64>) -> IdentityCommand {
    IdentityCommand::ChangeAddress { address_id: HOME, address: sealed(text), version }
}

fn remove(version: Option<i64>) -> IdentityCommand {
    IdentityCommand::RemoveAddress { address_id: HOME, version }
}

fn added(address_id: AddressId, text: &str) -> IdentityEvent {
    IdentityEvent::AddressAdded { address_id, address: sealed(text) }
}

fn changed(text: &str) -> IdentityEvent {
    IdentityEvent::AddressChanged { address_id: HOME, address: sealed(text) }
}

fn removed() -> IdentityEvent {
    IdentityEvent::AddressRemoved { address_id: HOME }
}

/// Ada has her home in her address book.
fn at_home() -> Scenario<tradewind_identity::Identity> {
    ada_is_there().given([added(HOME, "1 Way")]).by(ada())
}

fn home_of(scenario: &Scenario<tradewind_identity::Identity>) -> Option<(Sealed, i64)> {
    scenario.view(ADDRESSES, &HOME).map(|view: AddressView| (view.address, view.version))
}

#[test]
fn an_address_is_added_changed_and_removed() {
    let first = AddressView { id: HOME, address: sealed("1 Way"), created_at: MIDNIGHT, version: 1 };
    let second = AddressView { address: sealed("2 Way"), version: 2, ..first.clone() };
    ada_is_there()
        .by(ada())
        .when(add(HOME, "1 Way"))
        .then([added(HOME, "1 Way")])
        .check(|it| assert_eq!(it.view(ADDRESSES, &HOME), Some(first)))
        .after(days(1))
        .when(change("2 Way", None))
        .then([changed("2 Way")])
        .check(|it| assert_eq!(it.view(ADDRESSES, &HOME), Some(second)))
        .when(remove(None))
        .then([removed()])
        .check(|it| assert_eq!(it.view(ADDRESSES, &HOME), None));
}

#[test]
fn what_is_said_twice_happens_once() {
    let book = ada_is_there().by(ada()).when(add(HOME, "1 Way")).then_kinds(["AddressAdded"]).again().nothing();
    let book = book.when(change("1 Way", None)).nothing().when(change("2 Way", None)).then([changed("2 Way")]);
    book.again().nothing().when(remove(None)).then([removed()]).again().rejected("not_found");
}

#[test]
fn each_refusal_has_its_code() {
    let huge = || Sealed { bytes: vec![0; Address::LONGEST_SEALED + 1], ..sealed("") };
    let plain = || Sealed { nonce: vec![], ..sealed("1 Way") };
    for (command, code) in [
        (add(HOME, "2 Way"), "address_exists"),
        (IdentityCommand::AddAddress { address_id: WORK, address: huge() }, "invalid_address"),
        (IdentityCommand::AddAddress { address_id: WORK, address: plain() }, "invalid_address"),
        (IdentityCommand::ChangeAddress { address_id: HOME, address: huge(), version: None }, "invalid_address"),
        (IdentityCommand::ChangeAddress { address_id: WORK, address: sealed("x"), version: None }, "not_found"),
        (IdentityCommand::RemoveAddress { address_id: WORK, version: None }, "not_found"),
        (change("2 Way", Some(2)), "stale_version"),
        (remove(Some(2)), "stale_version"),
    ] {
        let book = at_home().when(command).rejected(code);
        book.check(|it| assert_eq!(home_of(it), Some((sealed("1 Way"), 1)), "{code}"));
    }
}

#[test]
fn a_change_that_names_a_version_meets_no_other() {
    let book = at_home().when(change("2 Way", Some(1))).then([changed("2 Way")]);
    let book = book.when(change("3 Way", Some(1))).rejected("stale_version").when(remove(Some(1)));
    book.rejected("stale_version")
        .when(remove(Some(2)))
        .then([removed()])
        .when(change("3 Way", None))
        .rejected("not_found");
}

#[test]
fn a_full_book_takes_no_more_until_one_is_removed() {
    let other = |n: usize| AddressId::new(Uuid::from_u128(0xB00C_0000 + n as u128));
    let others = (1..MOST_ADDRESSES).map(|n| added(other(n), "elsewhere"));
    let full = at_home().given(others).when(add(WORK, "2 Way")).rejected("too_many_addresses");
    let full = full.when(change("3 Way", None)).then_kinds(["AddressChanged"]);
    full.when(remove(None)).then([removed()]).when(add(WORK, "2 Way")).then([added(WORK, "2 Way")]);
}

#[test]
fn nobody_else_reads_or_writes_in_it_or_learns_that_it_is_there() {
    let bob_as_staff = Actor::user(BOB, vec![Role::Merchant]);
    for actor in [bob(), bob_as_staff, admin(), the_platform(), Actor::guest()] {
        for command in [add(WORK, "2 Way"), change("2 Way", None), remove(None)] {
            at_home().by(actor.clone()).when(command.clone()).rejected("not_found");
            at_ada().by(actor.clone()).when(command).rejected("not_found");
        }
    }
    at_ada().by(ada()).when(add(HOME, "1 Way")).rejected("not_found");
}
