//! Logging in and out.

use tradewind_identity::Identity;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, Role, Timestamp,
    identity::{IdentityCommand, IdentityEvent, SESSIONS, SessionView},
};

use super::story::*;

pub fn open(session: u128, password_version: i64, expires_at: Timestamp) -> IdentityCommand {
    let session_id = session_id(session);
    IdentityCommand::OpenSession { session_id, password_version, refresh_hash: token(1), expires_at }
}

fn close(session: u128) -> IdentityCommand {
    IdentityCommand::CloseSession { session_id: session_id(session) }
}

pub fn opened(session: u128) -> IdentityEvent {
    let expires_at = MIDNIGHT + days(30);
    IdentityEvent::SessionOpened { session_id: session_id(session), refresh_hash: token(1), expires_at }
}

pub fn closed(session: u128) -> IdentityEvent {
    IdentityEvent::SessionClosed { session_id: session_id(session) }
}

pub fn session(scenario: &Scenario<Identity>, session: u128) -> Option<SessionView> {
    scenario.view(SESSIONS, &session_id(session))
}

fn there(id: u128, closed: bool) -> Option<SessionView> {
    Some(SessionView { id: session_id(id), created_at: MIDNIGHT, expires_at: MIDNIGHT + days(30), closed })
}

#[test]
fn ada_logs_in_and_out_on_two_devices() {
    ada_is_there()
        .when(open(1, 1, MIDNIGHT + days(30)))
        .then([opened(1)])
        .check(|it| assert_eq!(session(it, 1), there(1, false)))
        .when(open(2, 1, MIDNIGHT + days(30)))
        .then([opened(2)])
        .by(ada())
        .when(close(1))
        .then([closed(1)])
        .check(|it| {
            assert_eq!(session(it, 1), there(1, true));
            assert_eq!(session(it, 2), there(2, false));
        })
        .when(close(1))
        .nothing()
        .when(close(3))
        .rejected("not_found");
}

#[test]
fn a_login_that_comes_twice_opens_one_session() {
    ada_is_there()
        .when(open(1, 1, MIDNIGHT + days(30)))
        .again()
        .nothing()
        .by(ada())
        .when(close(1))
        .by(Actor::guest())
        .when(open(1, 1, MIDNIGHT + days(30)))
        .rejected("invalid_session");
}

#[test]
fn another_login_cannot_take_a_session_s_id() {
    let other = IdentityCommand::OpenSession {
        session_id: session_id(1),
        password_version: 1,
        refresh_hash: token(9),
        expires_at: MIDNIGHT + days(30),
    };
    ada_is_there().given([opened(1)]).when(other).rejected("invalid_session");
}

#[test]
fn a_password_that_was_changed_meanwhile_opens_nothing() {
    let change = IdentityEvent::PasswordChanged { password_hash: password("second"), password_version: 2 };
    ada_is_there()
        .given([change])
        .when(open(1, 1, MIDNIGHT + days(30)))
        .rejected("invalid_credentials")
        .when(open(1, 2, MIDNIGHT + days(30)))
        .then([opened(1)]);
}

#[test]
fn nobody_learns_from_a_login_who_is_there() {
    at_ada().when(open(1, 1, MIDNIGHT + days(30))).rejected("invalid_credentials");
    at_ada()
        .given([requested(&[Role::Customer])])
        .when(open(1, 1, MIDNIGHT + days(30)))
        .rejected("invalid_credentials");
    ada_is_there().by(bob()).when(open(1, 1, MIDNIGHT + days(30))).rejected("invalid_credentials");
    for actor in [ada(), the_platform()] {
        ada_is_there().by(actor).when(open(1, 1, MIDNIGHT + days(30))).then([opened(1)]);
    }
}

#[test]
fn a_session_has_its_limits() {
    for expires_at in [MIDNIGHT, Timestamp::from_millis(0), MIDNIGHT + days(367), Timestamp::from_millis(i64::MAX)] {
        ada_is_there().when(open(1, 1, expires_at)).rejected("invalid_session");
    }
    for refresh_hash in ["", "token", &"g".repeat(64), &"a".repeat(65)] {
        let command = IdentityCommand::OpenSession {
            session_id: session_id(1),
            password_version: 1,
            refresh_hash: (*refresh_hash).to_owned(),
            expires_at: MIDNIGHT + days(30),
        };
        ada_is_there().when(command).rejected("invalid_session");
    }
}

#[test]
fn sessions_are_closed_by_their_user_an_administrator_or_the_platform() {
    for actor in [ada(), admin(), the_platform()] {
        ada_is_there().given([opened(1)]).by(actor).when(close(1)).then([closed(1)]);
    }
    for actor in [bob(), Actor::guest()] {
        ada_is_there().given([opened(1)]).by(actor).when(close(1)).rejected("not_found");
    }
    at_ada().by(ada()).when(close(1)).rejected("not_found");
}
