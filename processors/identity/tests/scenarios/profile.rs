//! Names and roles.

use tradewind_schemas::{
    Actor, Role, Sealed,
    identity::{IdentityCommand, IdentityEvent, UserView},
};

use super::story::*;

fn rename(name: &str) -> IdentityCommand {
    IdentityCommand::UpdateProfile { name: sealed(name) }
}

fn assign(roles: &[Role]) -> IdentityCommand {
    IdentityCommand::AssignRoles { roles: roles.to_vec() }
}

#[test]
fn ada_changes_her_name() {
    let renamed = UserView { name: sealed("Ada King"), version: 2, ..ada_view() };
    ada_is_there()
        .by(ada())
        .when(rename("Ada King"))
        .then([IdentityEvent::ProfileUpdated { name: sealed("Ada King") }])
        .check(|it| assert_eq!(user_of(it), Some(renamed.clone())))
        .when(rename("Ada King"))
        .nothing();
}

#[test]
fn nobody_else_changes_it_or_learns_that_she_is_there() {
    for actor in [bob(), admin(), the_platform(), Actor::guest()] {
        ada_is_there().by(actor.clone()).when(rename("Eve")).rejected("not_found");
        at_ada().by(actor).when(rename("Eve")).rejected("not_found");
    }
    at_ada().by(ada()).when(rename("Ada")).rejected("not_found");
    at_ada().given([requested(&[Role::Customer])]).by(ada()).when(rename("Ada")).rejected("not_found");
}

#[test]
fn a_name_has_its_limits() {
    let name = Sealed { bytes: vec![0; 2_049], ..sealed("") };
    ada_is_there().by(ada()).when(IdentityCommand::UpdateProfile { name }).rejected("invalid_user");
}

#[test]
fn an_administrator_assigns_roles() {
    let both = vec![Role::Customer, Role::Merchant];
    ada_is_there()
        .by(admin())
        .when(assign(&[Role::Merchant, Role::Customer, Role::Merchant]))
        .then([IdentityEvent::RolesAssigned { roles: both.clone() }])
        .check(|it| assert_eq!(user_of(it), Some(UserView { roles: both, version: 2, ..ada_view() })))
        .when(assign(&[Role::Customer, Role::Merchant]))
        .nothing()
        .when(assign(&[]))
        .rejected("invalid_roles");
    ada_is_there().by(the_platform()).when(assign(&[Role::Admin])).then_kinds(["RolesAssigned"]);
}

#[test]
fn nobody_else_does() {
    let merchant = Actor::user(BOB, vec![Role::Merchant]);
    for actor in [ada(), bob(), merchant, Actor::guest()] {
        ada_is_there().by(actor).when(assign(&[Role::Admin])).rejected("forbidden");
    }
    at_ada().by(admin()).when(assign(&[Role::Customer])).rejected("not_found");
}

#[test]
fn an_administrator_cannot_lay_down_that_role_but_another_can_take_it() {
    let ada_as_admin = || Actor::user(ADA, vec![Role::Admin]);
    let roles = vec![Role::Customer, Role::Admin];
    ada_is_there()
        .given([IdentityEvent::RolesAssigned { roles }])
        .by(ada_as_admin())
        .when(assign(&[Role::Customer]))
        .rejected("last_admin")
        .when(assign(&[Role::Admin]))
        .then_kinds(["RolesAssigned"])
        .by(admin())
        .when(assign(&[Role::Customer]))
        .then_kinds(["RolesAssigned"])
        .check(|it| assert_eq!(user_of(it).unwrap().roles, [Role::Customer]));
}

#[test]
fn nobody_takes_the_role_from_the_operators_administrator() {
    ada_with(&[Role::Customer, Role::Admin])
        .by(admin())
        .when(assign(&[Role::Customer]))
        .rejected("last_admin")
        .when(assign(&[Role::Admin]))
        .then_kinds(["RolesAssigned"])
        .when(assign(&[Role::Customer]))
        .rejected("last_admin");
}
