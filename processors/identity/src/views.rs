//! What can be asked: a user by id, who has an e-mail claim, and a user's sessions and addresses.

use tradewind_runtime::{Entity, Views};
use tradewind_schemas::identity::{ADDRESSES, EMAIL_CLAIM, EmailClaimView, IdentityEvent, SESSIONS, USER};

use crate::{
    Identities,
    events::{ADDRESS_ROWS, SESSION_ROWS},
};

pub fn view(entity: &Entity<'_, Identities>, event: &IdentityEvent, views: &mut Views<'_>) {
    match event {
        IdentityEvent::UserRegistered { .. }
        | IdentityEvent::ProfileUpdated { .. }
        | IdentityEvent::PasswordChanged { .. }
        | IdentityEvent::RolesAssigned { .. } => {
            if let Identities::User(user) = &**entity {
                views.put(USER, &(), user);
            }
        }
        IdentityEvent::EmailClaimGranted { user_id, .. } => {
            views.put(EMAIL_CLAIM, &(), &EmailClaimView { user_id: *user_id });
        }
        IdentityEvent::SessionOpened { session_id, .. }
        | IdentityEvent::SessionRefreshed { session_id, .. }
        | IdentityEvent::SessionReuseDetected { session_id }
        | IdentityEvent::SessionClosed { session_id } => {
            if let Some(session) = entity.row(SESSION_ROWS, session_id) {
                views.put(SESSIONS, session_id, &session.view());
            }
        }
        IdentityEvent::AddressAdded { address_id, .. } | IdentityEvent::AddressChanged { address_id, .. } => {
            if let Some(address) = entity.row(ADDRESS_ROWS, address_id) {
                views.put(ADDRESSES, address_id, &address);
            }
        }
        IdentityEvent::AddressRemoved { address_id } => views.remove(ADDRESSES, address_id),
        IdentityEvent::RegistrationRequested { .. }
        | IdentityEvent::RegistrationRefused { .. }
        | IdentityEvent::EmailClaimDenied { .. }
        | IdentityEvent::SessionRefreshRepeated { .. } => {}
    }
}
