//! What is true after an event.

use serde::{Deserialize, Serialize};
use tradewind_runtime::{Entity, Rows};
use tradewind_schemas::{
    AddressId, Role, SessionId, Timestamp, UserId,
    identity::{AddressView, EmailClaim, IdentityEvent, SessionView, UserView},
};

/// What is kept under one key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub enum Identities {
    #[default]
    Absent,
    /// A user who waits for their e-mail claim; what the user will be.
    Registering(UserView),
    /// A registration whose e-mail somebody else has; its id is used up.
    Refused,
    User(UserView),
    /// An e-mail claim, and whose it is.
    Claim {
        user_id: UserId,
    },
}

/// A login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    /// Of the refresh token that is good now.
    pub refresh_hash: String,
    /// Of the one before, and when it was replaced.
    pub previous: Option<(String, Timestamp)>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub closed: bool,
}

impl Session {
    pub fn view(&self) -> SessionView {
        let Self { id, created_at, expires_at, closed, .. } = *self;
        SessionView { id, created_at, expires_at, closed }
    }
}

/// There for whoever was registered as an administrator: only the platform itself does that, with the operator's
/// credentials.
pub const FOUNDER: Rows<(), ()> = Rows::new(2);

/// The sessions of a user.
pub const SESSION_ROWS: Rows<SessionId, Session> = Rows::new(1);

/// The address book of a user.
pub const ADDRESS_ROWS: Rows<AddressId, AddressView> = Rows::new(3);

pub fn evolve(entity: &mut Entity<'_, Identities>, event: &IdentityEvent, at: Timestamp) {
    match event {
        IdentityEvent::RegistrationRequested { .. } => {
            if let Some(user) = requested(event, at) {
                **entity = Identities::Registering(user);
            }
        }
        IdentityEvent::UserRegistered { .. } => {
            if let Identities::Registering(user) = std::mem::take(&mut **entity) {
                if user.roles.contains(&Role::Admin) {
                    entity.put(FOUNDER, &(), &());
                }
                **entity = Identities::User(UserView { created_at: at, ..user });
            }
        }
        IdentityEvent::RegistrationRefused { .. } => **entity = Identities::Refused,
        IdentityEvent::EmailClaimGranted { user_id, .. } => **entity = Identities::Claim { user_id: *user_id },
        IdentityEvent::EmailClaimDenied { .. } | IdentityEvent::SessionRefreshRepeated { .. } => {}
        IdentityEvent::ProfileUpdated { name } => change(entity, |user| user.name = name.clone()),
        IdentityEvent::PasswordChanged { password_hash, password_version } => change(entity, |user| {
            user.password_hash.clone_from(password_hash);
            user.password_version = *password_version;
        }),
        IdentityEvent::RolesAssigned { roles } => change(entity, |user| user.roles.clone_from(roles)),
        IdentityEvent::SessionOpened { session_id, refresh_hash, expires_at } => {
            let session = Session {
                id: *session_id,
                refresh_hash: refresh_hash.clone(),
                previous: None,
                created_at: at,
                expires_at: *expires_at,
                closed: false,
            };
            entity.put(SESSION_ROWS, session_id, &session);
        }
        IdentityEvent::SessionRefreshed { session_id, refresh_hash, expires_at } => {
            if let Some(session) = entity.row(SESSION_ROWS, session_id) {
                let previous = Some((session.refresh_hash, at));
                let (refresh_hash, expires_at) = (refresh_hash.clone(), *expires_at);
                entity.put(SESSION_ROWS, session_id, &Session { refresh_hash, previous, expires_at, ..session });
            }
        }
        IdentityEvent::SessionReuseDetected { session_id } | IdentityEvent::SessionClosed { session_id } => {
            if let Some(session) = entity.row(SESSION_ROWS, session_id) {
                entity.put(SESSION_ROWS, session_id, &Session { closed: true, ..session });
            }
        }
        IdentityEvent::AddressAdded { address_id, address } => {
            let added = AddressView { id: *address_id, address: address.clone(), created_at: at, version: 1 };
            entity.put(ADDRESS_ROWS, address_id, &added);
        }
        IdentityEvent::AddressChanged { address_id, address } => {
            if let Some(there) = entity.row(ADDRESS_ROWS, address_id) {
                let version = there.version.saturating_add(1);
                entity.put(ADDRESS_ROWS, address_id, &AddressView { address: address.clone(), version, ..there });
            }
        }
        IdentityEvent::AddressRemoved { address_id } => entity.remove(ADDRESS_ROWS, address_id),
    }
}

fn requested(event: &IdentityEvent, at: Timestamp) -> Option<UserView> {
    let IdentityEvent::RegistrationRequested { user_id, claim, email, name, password_hash, roles } = event else {
        return None;
    };
    Some(UserView {
        id: *user_id,
        claim: EmailClaim(claim.0.clone()),
        email: email.clone(),
        name: name.clone(),
        password_hash: password_hash.clone(),
        password_version: 1,
        roles: roles.clone(),
        email_verified: false,
        created_at: at,
        version: 1,
    })
}

/// One more version of the user.
fn change(entity: &mut Entity<'_, Identities>, change: impl FnOnce(&mut UserView)) {
    if let Identities::User(user) = &mut **entity {
        change(user);
        user.version = user.version.saturating_add(1);
    }
}
