//! Passwords: the processor sees hashes, and which version was verified.

use tradewind_schemas::{
    Actor,
    identity::{IdentityCommand, IdentityEvent, UserView},
};

use super::story::*;

fn change(text: &str, verified: i64) -> IdentityCommand {
    IdentityCommand::ChangePassword { password_hash: password(text), password_version: verified }
}

#[test]
fn ada_changes_her_password() {
    let second = || IdentityEvent::PasswordChanged { password_hash: password("second"), password_version: 2 };
    let changed = UserView { password_hash: password("second"), password_version: 2, version: 2, ..ada_view() };
    ada_is_there()
        .by(ada())
        .when(change("second", 1))
        .then([second()])
        .check(|it| assert_eq!(user_of(it), Some(changed)))
        .when(change("third", 1))
        .rejected("stale_password")
        .when(change("third", 3))
        .rejected("stale_password")
        .when(change("third", 2))
        .then_kinds(["PasswordChanged"]);
}

#[test]
fn of_two_who_change_it_at_once_one_is_told_so() {
    ada_is_there()
        .by(ada())
        .when(change("this", 1))
        .then_kinds(["PasswordChanged"])
        .when(change("that", 1))
        .rejected("stale_password")
        .check(|it| assert_eq!(user_of(it).unwrap().password_hash, password("this")));
}

#[test]
fn nobody_else_changes_it() {
    for actor in [bob(), admin(), the_platform(), Actor::guest()] {
        ada_is_there().by(actor).when(change("eve", 1)).rejected("not_found");
    }
    at_ada().by(ada()).when(change("first", 1)).rejected("not_found");
}

#[test]
fn a_password_in_clear_is_refused() {
    let clear = IdentityCommand::ChangePassword { password_hash: "secret".to_owned(), password_version: 1 };
    ada_is_there().by(ada()).when(clear).rejected("invalid_user");
}
