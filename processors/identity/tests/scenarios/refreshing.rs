//! Refresh tokens rotate; one that comes back after its time gives a theft away.

use tradewind_identity::Identity;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, Rejection, Timestamp,
    edge::Settled,
    identity::{IdentityCommand, IdentityEvent},
};

use super::{
    sessions::{closed, opened, session},
    story::*,
};

fn refresh(from: u8, to: u8) -> IdentityCommand {
    refresh_until(from, to, MIDNIGHT + days(60))
}

fn refresh_until(from: u8, to: u8, expires_at: Timestamp) -> IdentityCommand {
    IdentityCommand::RefreshSession {
        session_id: session_id(1),
        refresh_hash: token(from),
        next_hash: token(to),
        expires_at,
    }
}

fn refreshed(to: u8) -> IdentityEvent {
    let (refresh_hash, expires_at) = (token(to), MIDNIGHT + days(60));
    IdentityEvent::SessionRefreshed { session_id: session_id(1), refresh_hash, expires_at }
}

fn repeated() -> IdentityEvent {
    IdentityEvent::SessionRefreshRepeated { session_id: session_id(1) }
}

fn reuse() -> IdentityEvent {
    IdentityEvent::SessionReuseDetected { session_id: session_id(1) }
}

fn refused() -> Settled {
    let detail = "the session was closed or has expired; log in again";
    Settled::Rejected { rejection: Rejection::new("session_closed", detail) }
}

/// Ada is logged in, and has the first token.
fn logged_in() -> Scenario<Identity> {
    ada_is_there().given([opened(1)])
}

#[test]
fn each_token_is_good_for_its_successor() {
    logged_in()
        .after(days(1))
        .when(refresh(1, 2))
        .then([refreshed(2)])
        .settles(Settled::Accepted {})
        .check(|it| {
            let session = session(it, 1).unwrap();
            assert_eq!((session.created_at, session.expires_at), (MIDNIGHT, MIDNIGHT + days(60)));
        })
        .after(days(1))
        .when(refresh(2, 3))
        .then([refreshed(3)])
        .settles(Settled::Accepted {});
}

#[test]
fn a_lost_answer_is_no_theft() {
    logged_in()
        .when(refresh(1, 2))
        .after(seconds(30))
        .when(refresh(1, 2))
        .then([repeated()])
        .settles(Settled::Accepted {})
        .when(refresh(1, 2))
        .then([repeated()])
        .when(refresh(2, 3))
        .then([refreshed(3)]);
}

#[test]
fn a_token_that_comes_back_late_closes_the_session() {
    logged_in()
        .when(refresh(1, 2))
        .after(seconds(31))
        .when(refresh(1, 2))
        .then([reuse()])
        .settles(refused())
        .check(|it| assert!(session(it, 1).unwrap().closed))
        .when(refresh(2, 3))
        .rejected("session_closed")
        .when(refresh(1, 2))
        .rejected("session_closed");
}

#[test]
fn a_token_before_the_last_closes_the_session_however_soon() {
    logged_in().when(refresh(1, 2)).when(refresh(2, 3)).when(refresh(1, 2)).then([reuse()]).settles(refused());
}

#[test]
fn a_token_that_asks_for_another_successor_closes_the_session() {
    logged_in().when(refresh(1, 2)).when(refresh(1, 7)).then([reuse()]).settles(refused());
}

#[test]
fn a_token_that_never_was_closes_the_session() {
    logged_in().when(refresh(8, 9)).then([reuse()]).settles(refused());
}

#[test]
fn a_session_that_is_over_is_not_refreshed() {
    logged_in().given([closed(1)]).when(refresh(1, 2)).rejected("session_closed");
    logged_in().after(days(30)).when(refresh(1, 2)).rejected("session_closed");
    logged_in().after(days(30)).when(refresh(8, 9)).rejected("session_closed");
    ada_is_there().when(refresh(1, 2)).rejected("session_closed");
    at_ada().when(refresh(1, 2)).rejected("session_closed");
}

#[test]
fn one_session_s_theft_leaves_the_others_alone() {
    logged_in()
        .given([opened(2)])
        .when(refresh(8, 9))
        .then([reuse()])
        .check(|it| assert!(!session(it, 2).unwrap().closed));
}

#[test]
fn who_is_logged_in_as_another_refreshes_nothing() {
    logged_in().by(bob()).when(refresh(1, 2)).rejected("session_closed");
    for actor in [ada(), the_platform(), Actor::guest()] {
        logged_in().by(actor).when(refresh(1, 2)).then([refreshed(2)]);
    }
}

#[test]
fn a_refresh_has_its_limits() {
    for expires_at in [MIDNIGHT, MIDNIGHT + days(367)] {
        logged_in().when(refresh_until(1, 2, expires_at)).rejected("invalid_session");
    }
    let odd = IdentityCommand::RefreshSession {
        session_id: session_id(1),
        refresh_hash: token(1),
        next_hash: "token".to_owned(),
        expires_at: MIDNIGHT + days(1),
    };
    logged_in().when(odd).rejected("invalid_session").check(|it| assert!(!session(it, 1).unwrap().closed));
}
