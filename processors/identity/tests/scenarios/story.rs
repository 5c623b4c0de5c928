//! The words that the scenarios are told in.

use std::time::Duration;

use tradewind_identity::Identity;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, Role, Sealed, SessionId, Timestamp, UserId,
    identity::{EmailClaim, IdentityCommand, IdentityEvent, USER, UserView},
};
use uuid::Uuid;

/// Where a scenario's clock begins.
pub const MIDNIGHT: Timestamp = Timestamp::from_millis(1_767_225_600_000);
pub const ADA: UserId = UserId::new(Uuid::from_u128(1));
pub const BOB: UserId = UserId::new(Uuid::from_u128(2));

pub fn ada() -> Actor {
    Actor::user(ADA, vec![Role::Customer])
}

pub fn bob() -> Actor {
    Actor::user(BOB, vec![Role::Customer])
}

/// Another administrator.
pub fn admin() -> Actor {
    Actor::user(UserId::new(Uuid::from_u128(9)), vec![Role::Admin])
}

pub fn the_platform() -> Actor {
    Actor::service("identity")
}

pub fn sealed(text: &str) -> Sealed {
    Sealed { key_id: "k1".to_owned(), nonce: vec![7; 12], bytes: text.as_bytes().to_owned() }
}

/// The claim of `ada@…`, say.
pub fn claim_of(letter: char) -> EmailClaim {
    EmailClaim(letter.to_string().repeat(64))
}

pub fn password(text: &str) -> String {
    format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${text}")
}

/// The hash of a refresh token.
pub fn token(number: u8) -> String {
    format!("{number:064x}")
}

pub fn session_id(number: u128) -> SessionId {
    SessionId::new(Uuid::from_u128(0x5E55_0000 + number))
}

pub fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Ada's key; by a guest.
pub fn at_ada() -> Scenario<Identity> {
    Scenario::of(ADA).by(Actor::guest())
}

pub fn register(roles: &[Role]) -> IdentityCommand {
    IdentityCommand::Register {
        user_id: ADA,
        claim: claim_of('a'),
        email: sealed("ada@example.com"),
        name: sealed("Ada"),
        password_hash: password("first"),
        roles: roles.to_vec(),
    }
}

pub fn requested(roles: &[Role]) -> IdentityEvent {
    IdentityEvent::RegistrationRequested {
        user_id: ADA,
        claim: claim_of('a'),
        email: sealed("ada@example.com"),
        name: sealed("Ada"),
        password_hash: password("first"),
        roles: roles.to_vec(),
    }
}

pub fn registered() -> IdentityEvent {
    IdentityEvent::UserRegistered { user_id: ADA }
}

/// Ada is registered with these roles.
pub fn ada_with(roles: &[Role]) -> Scenario<Identity> {
    at_ada().given([requested(roles), registered()])
}

/// Ada is a customer.
pub fn ada_is_there() -> Scenario<Identity> {
    ada_with(&[Role::Customer])
}

/// Ada as she is at first.
pub fn ada_view() -> UserView {
    UserView {
        id: ADA,
        claim: claim_of('a'),
        email: sealed("ada@example.com"),
        name: sealed("Ada"),
        password_hash: password("first"),
        password_version: 1,
        roles: vec![Role::Customer],
        email_verified: false,
        created_at: MIDNIGHT,
        version: 1,
    }
}

pub fn user_of(scenario: &Scenario<Identity>) -> Option<UserView> {
    scenario.view(USER, &())
}
