//! What happens on a command.

use tradewind_runtime::{Context, Entity};
use tradewind_schemas::{
    Actor, Key, Rejection, Role, Sealed, UserId,
    identity::{EmailClaim, IdentityCommand, IdentityEvent, UserView},
};

use crate::{Identities, addresses, events::FOUNDER, sessions};

pub type Decision = Result<Vec<IdentityEvent>, Rejection>;

/// Bytes of ciphertext: generous for 200 characters of a name or 254 of an e-mail address.
const SEALED: usize = 2_048;
/// Characters of an argon2id hash in the PHC string format.
const PASSWORD_HASH: usize = 512;

pub fn decide(entity: &Entity<'_, Identities>, command: &IdentityCommand, context: &Context<'_>) -> Decision {
    match command {
        IdentityCommand::Register { .. } => register(entity, command, context),
        IdentityCommand::EmailClaimed {} => claimed(entity, context),
        IdentityCommand::EmailClaimRefused {} => claim_refused(entity, context),
        IdentityCommand::ClaimEmail { user_id } => claim(entity, *user_id, context),
        IdentityCommand::UpdateProfile { name } => update_profile(themselves(entity, context)?, name),
        IdentityCommand::ChangePassword { password_hash, password_version } => {
            change_password(themselves(entity, context)?, password_hash, *password_version)
        }
        IdentityCommand::AssignRoles { roles } => assign_roles(entity, roles, context),
        IdentityCommand::OpenSession { session_id, password_version, refresh_hash, expires_at } => {
            sessions::open(entity, *session_id, *password_version, refresh_hash, *expires_at, context)
        }
        IdentityCommand::RefreshSession { session_id, refresh_hash, next_hash, expires_at } => {
            sessions::refresh(entity, *session_id, refresh_hash, next_hash, *expires_at, context)
        }
        IdentityCommand::CloseSession { session_id } => sessions::close(entity, *session_id, context),
        IdentityCommand::AddAddress { address_id, address } => addresses::add(entity, *address_id, address, context),
        IdentityCommand::ChangeAddress { address_id, address, version } => {
            addresses::change(entity, *address_id, address, *version, context)
        }
        IdentityCommand::RemoveAddress { address_id, version } => {
            addresses::remove(entity, *address_id, *version, context)
        }
    }
}

pub fn no_such_user() -> Rejection {
    Rejection::new("not_found", "there is no such user")
}

pub fn email_taken() -> Rejection {
    Rejection::new("email_taken", "somebody has registered with this e-mail address")
}

/// The user that the key is about, asked for by the user.
pub fn themselves<'s>(state: &'s Identities, context: &Context<'_>) -> Result<&'s UserView, Rejection> {
    match state {
        Identities::User(user) if context.actor.user_id == Some(user.id) => Ok(user),
        _ => Err(no_such_user()),
    }
}

fn by_the_platform(actor: &Actor) -> Result<(), Rejection> {
    if actor.is_service() { Ok(()) } else { Err(Rejection::new("forbidden", "only the platform itself may do this")) }
}

fn register(state: &Identities, command: &IdentityCommand, context: &Context<'_>) -> Decision {
    let IdentityCommand::Register { user_id, claim, email, name, password_hash, roles } = command else {
        return Ok(vec![]);
    };
    match state {
        Identities::Absent => {}
        // Whoever asks again waits for the same claim.
        Identities::Registering(_) => return Ok(vec![]),
        Identities::Refused => return Err(email_taken()),
        Identities::User(_) | Identities::Claim { .. } => {
            return Err(Rejection::new("user_exists", "this user id is already in use"));
        }
    }
    if user_id.text() != context.key {
        return Err(Rejection::new("wrong_key", format!("the command is not about {}", context.key)));
    }
    if *roles != [Role::Customer] && !context.actor.is_service() {
        return Err(Rejection::new(
            "forbidden",
            "whoever registers is a customer; an administrator assigns other roles",
        ));
    }
    is_claim(claim)?;
    fits("/email", email)?;
    fits("/name", name)?;
    is_hash(password_hash)?;
    Ok(vec![IdentityEvent::RegistrationRequested {
        user_id: *user_id,
        claim: claim.clone(),
        email: email.clone(),
        name: name.clone(),
        password_hash: password_hash.clone(),
        roles: sound(roles)?,
    }])
}

fn claimed(state: &Identities, context: &Context<'_>) -> Decision {
    by_the_platform(context.actor)?;
    match state {
        Identities::Registering(user) => Ok(vec![IdentityEvent::UserRegistered { user_id: user.id }]),
        _ => Ok(vec![]),
    }
}

fn claim_refused(state: &Identities, context: &Context<'_>) -> Decision {
    by_the_platform(context.actor)?;
    match state {
        Identities::Registering(user) => Ok(vec![IdentityEvent::RegistrationRefused { user_id: user.id }]),
        _ => Ok(vec![]),
    }
}

/// The first who asks has it; who has it and asks again is told so again.
fn claim(state: &Identities, user_id: UserId, context: &Context<'_>) -> Decision {
    by_the_platform(context.actor)?;
    let claim = EmailClaim(context.key.to_owned());
    is_claim(&claim)?;
    let free = match state {
        Identities::Absent => true,
        Identities::Claim { user_id: owner } => *owner == user_id,
        _ => false,
    };
    Ok(vec![if free {
        IdentityEvent::EmailClaimGranted { claim, user_id }
    } else {
        IdentityEvent::EmailClaimDenied { claim, user_id }
    }])
}

fn update_profile(user: &UserView, name: &Sealed) -> Decision {
    fits("/name", name)?;
    if user.name == *name {
        return Ok(vec![]);
    }
    Ok(vec![IdentityEvent::ProfileUpdated { name: name.clone() }])
}

fn change_password(user: &UserView, password_hash: &str, verified: i64) -> Decision {
    if user.password_version != verified {
        return Err(Rejection::new("stale_password", "the password was changed in the meantime"));
    }
    is_hash(password_hash)?;
    let password_version = verified.checked_add(1);
    let password_version =
        password_version.ok_or_else(|| Rejection::new("invalid_user", "the password was changed too often"))?;
    Ok(vec![IdentityEvent::PasswordChanged { password_hash: password_hash.to_owned(), password_version }])
}

/// An administrator cannot lay down that role: somebody else must take it away, and nobody can from the operator's own.
/// So there is always one, though two may take it from each other.
fn assign_roles(entity: &Entity<'_, Identities>, roles: &[Role], context: &Context<'_>) -> Decision {
    if !context.actor.is(Role::Admin) && !context.actor.is_service() {
        return Err(Rejection::new("forbidden", "only administrators assign roles"));
    }
    let Identities::User(user) = &**entity else { return Err(no_such_user()) };
    let roles = sound(roles)?;
    if user.roles.contains(&Role::Admin) && !roles.contains(&Role::Admin) {
        if entity.row(FOUNDER, &()).is_some() {
            return Err(Rejection::new("last_admin", "the operator's own administrator keeps that role"));
        }
        if context.actor.user_id == Some(user.id) {
            return Err(Rejection::new(
                "last_admin",
                "an administrator cannot lay down that role; another one can take it",
            ));
        }
    }
    if roles == user.roles {
        return Ok(vec![]);
    }
    Ok(vec![IdentityEvent::RolesAssigned { roles }])
}

/// Roles in order, each once, and at least one.
fn sound(roles: &[Role]) -> Result<Vec<Role>, Rejection> {
    let mut sound = roles.to_vec();
    sound.sort();
    sound.dedup();
    if sound.is_empty() {
        return Err(Rejection::new("invalid_roles", "a user has at least one role"));
    }
    Ok(sound)
}

fn invalid(pointer: &str, detail: &str) -> Rejection {
    Rejection::new("invalid_user", "some fields are outside of their limits").at(pointer, "length", detail)
}

fn fits(pointer: &str, sealed: &Sealed) -> Result<(), Rejection> {
    if is_sealed(sealed, SEALED) {
        return Ok(());
    }
    Err(invalid(pointer, "what is sealed has at most 2048 bytes, a nonce of 12, and a key"))
}

/// Whether a keyring can have sealed it, into so many bytes at most.
pub fn is_sealed(sealed: &Sealed, most: usize) -> bool {
    sealed.nonce.len() == 12 && sealed.key_id.len() <= 64 && sealed.bytes.len() <= most
}

fn is_hash(password_hash: &str) -> Result<(), Rejection> {
    let fits = password_hash.starts_with("$argon2id$") && password_hash.len() <= PASSWORD_HASH;
    if fits { Ok(()) } else { Err(invalid("/password", "a password is hashed by argon2id")) }
}

/// 64 hexadecimal digits, so that no claim is any user's id.
fn is_claim(claim: &EmailClaim) -> Result<(), Rejection> {
    let fits = claim.0.len() == 64 && claim.0.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if fits { Ok(()) } else { Err(invalid("/email", "an e-mail claim is 64 hexadecimal digits")) }
}
