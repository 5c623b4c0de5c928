//! Identity: users, their e-mail claims, their sessions and their addresses.
//!
//! ```text
//! Register ─► RegistrationRequested ─► ClaimEmail, by claim ─► EmailClaimGranted | EmailClaimDenied
//!                                                                   │ answer, by user
//!             UserRegistered | RegistrationRefused ◄────────────────┘
//!                   └─► identity.directory, by shelf ─► [identity.directory]   all users
//! ```
//! Users and claims share the topics; what a key is about is what its first command makes it. Sessions and
//! the addresses of an address book are rows under their user. Names and addresses of every kind are sealed, passwords
//! are hashed, refresh tokens are hashed: nothing in here could read them.

mod addresses;
mod commands;
mod directory;
mod events;
mod reactions;
mod sessions;
mod views;

pub use directory::Directory;
pub use events::{Identities, Session};

use tradewind_runtime::{Capability, Context, Entity, Reactions, Settles, Views};
use tradewind_schemas::{
    Rejection, Timestamp,
    identity::{IdentityCommand, IdentityEvent, IdentityKey},
};
use tradewind_topics::{
    Topic,
    list::{IDENTITY_COMMANDS, IDENTITY_EVENTS},
};

#[derive(Default)]
pub struct Identity;

impl Capability for Identity {
    type Key = IdentityKey;
    type State = Identities;
    type Command = IdentityCommand;
    type Event = IdentityEvent;

    const NAME: &'static str = "identity";
    const COMMANDS: Topic<IdentityKey, IdentityCommand> = IDENTITY_COMMANDS;
    const EVENTS: Topic<IdentityKey, IdentityEvent> = IDENTITY_EVENTS;

    fn decide(
        &self,
        entity: &Entity<'_, Identities>,
        command: &IdentityCommand,
        context: &Context<'_>,
    ) -> Result<Vec<IdentityEvent>, Rejection> {
        commands::decide(entity, command, context)
    }

    fn evolve(entity: &mut Entity<'_, Identities>, event: &IdentityEvent, at: Timestamp) {
        events::evolve(entity, event, at);
    }

    fn react(_: &Entity<'_, Identities>, event: &IdentityEvent, to: &mut Reactions<IdentityCommand>) {
        reactions::react(event, to);
    }

    fn view(entity: &Entity<'_, Identities>, event: &IdentityEvent, _: Timestamp, views: &mut Views<'_>) {
        views::view(entity, event, views);
    }

    /// A refresh is answered by its event, since one that closes the session has an event and is refused, too.
    fn settles(command: &IdentityCommand) -> Settles {
        match command {
            IdentityCommand::Register { .. } | IdentityCommand::RefreshSession { .. } => Settles::Later,
            _ => Settles::Now,
        }
    }
}
