//! What follows from an event.

use tradewind_runtime::Reactions;
use tradewind_schemas::{
    edge::Settled,
    identity::{DirectoryEntry, DirectoryShelf, IdentityCommand, IdentityEvent},
};
use tradewind_topics::list::{IDENTITY_COMMANDS, IDENTITY_DIRECTORY};

use crate::{commands::email_taken, sessions::session_closed};

pub fn react(event: &IdentityEvent, to: &mut Reactions<IdentityCommand>) {
    match event {
        IdentityEvent::RegistrationRequested { user_id, claim, .. } => {
            to.send(IDENTITY_COMMANDS, claim.clone(), IdentityCommand::ClaimEmail { user_id: *user_id });
        }
        IdentityEvent::EmailClaimGranted { user_id, .. } => {
            to.send(IDENTITY_COMMANDS, *user_id, IdentityCommand::EmailClaimed {});
        }
        IdentityEvent::EmailClaimDenied { user_id, .. } => {
            to.send(IDENTITY_COMMANDS, *user_id, IdentityCommand::EmailClaimRefused {});
        }
        IdentityEvent::RegistrationRefused { .. } => to.settle(Settled::Rejected { rejection: email_taken() }),
        IdentityEvent::UserRegistered { user_id } => {
            let listed = DirectoryEntry::UserListed { user_id: *user_id, registered_at: to.at() };
            to.send(IDENTITY_DIRECTORY, DirectoryShelf::of(*user_id), listed);
            to.settle(Settled::Accepted {});
        }
        IdentityEvent::SessionRefreshed { .. } | IdentityEvent::SessionRefreshRepeated { .. } => {
            to.settle(Settled::Accepted {})
        }
        IdentityEvent::SessionReuseDetected { .. } => to.settle(Settled::Rejected { rejection: session_closed() }),
        IdentityEvent::ProfileUpdated { .. }
        | IdentityEvent::PasswordChanged { .. }
        | IdentityEvent::RolesAssigned { .. }
        | IdentityEvent::SessionOpened { .. }
        | IdentityEvent::SessionClosed { .. }
        | IdentityEvent::AddressAdded { .. }
        | IdentityEvent::AddressChanged { .. }
        | IdentityEvent::AddressRemoved { .. } => {}
    }
}
