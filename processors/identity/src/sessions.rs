//! What happens on commands about sessions.

use std::time::Duration;

use tradewind_runtime::{Context, Entity};
use tradewind_schemas::{Actor, Rejection, Role, SessionId, Timestamp, identity::IdentityEvent, identity::UserView};

use crate::{
    Identities, Session,
    commands::{Decision, no_such_user},
    events::SESSION_ROWS,
};

/// How long after its replacement a refresh token is taken for a retry rather than a theft.
const GRACE: Duration = Duration::from_secs(30);
/// How long a session may be good for without being refreshed.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The edge has verified the password; which one, `password_version` says. Nobody is told whether the user, the password
/// or its version was wrong.
pub fn open(
    entity: &Entity<'_, Identities>,
    id: SessionId,
    password_version: i64,
    refresh_hash: &str,
    expires_at: Timestamp,
    context: &Context<'_>,
) -> Decision {
    let wrong = || Rejection::new("invalid_credentials", "the e-mail address or the password is wrong");
    let user = user(entity, context.actor).ok_or_else(wrong)?;
    if user.password_version != password_version {
        return Err(wrong());
    }
    within_limits(&[refresh_hash], expires_at, context)?;
    match entity.row(SESSION_ROWS, &id) {
        None => {
            let refresh_hash = refresh_hash.to_owned();
            Ok(vec![IdentityEvent::SessionOpened { session_id: id, refresh_hash, expires_at }])
        }
        Some(there) if there.refresh_hash == refresh_hash && !there.closed => Ok(vec![]),
        Some(_) => Err(Rejection::new("invalid_session", "this session id is already in use")),
    }
}

/// Replaces the refresh token, which must be the one that is good now. The one before it is still taken for a little
/// while where it asks for the same successor: the answer to the first asking was lost. Any other was stolen, or its
/// successor was, and nobody can tell which: the session is closed.
pub fn refresh(
    entity: &Entity<'_, Identities>,
    session_id: SessionId,
    refresh_hash: &str,
    next_hash: &str,
    expires_at: Timestamp,
    context: &Context<'_>,
) -> Decision {
    user(entity, context.actor).ok_or_else(session_closed)?;
    let session: Session = entity.row(SESSION_ROWS, &session_id).ok_or_else(session_closed)?;
    if session.closed || session.expires_at <= context.at {
        return Err(session_closed());
    }
    within_limits(&[refresh_hash, next_hash], expires_at, context)?;
    let repeated = session.previous.as_ref().is_some_and(|(previous, replaced_at)| {
        previous == refresh_hash && context.at <= *replaced_at + GRACE && session.refresh_hash == next_hash
    });
    Ok(vec![if session.refresh_hash == refresh_hash {
        IdentityEvent::SessionRefreshed { session_id, refresh_hash: next_hash.to_owned(), expires_at }
    } else if repeated {
        IdentityEvent::SessionRefreshRepeated { session_id }
    } else {
        IdentityEvent::SessionReuseDetected { session_id }
    }])
}

/// By the user, an administrator, or the platform.
pub fn close(entity: &Entity<'_, Identities>, session_id: SessionId, context: &Context<'_>) -> Decision {
    let Identities::User(user) = &**entity else { return Err(no_such_user()) };
    let Actor { user_id, .. } = context.actor;
    if *user_id != Some(user.id) && !context.actor.is(Role::Admin) && !context.actor.is_service() {
        return Err(no_such_user());
    }
    match entity.row(SESSION_ROWS, &session_id) {
        Some(Session { closed: false, .. }) => Ok(vec![IdentityEvent::SessionClosed { session_id }]),
        Some(_) => Ok(vec![]),
        None => Err(Rejection::new("not_found", "there is no such session")),
    }
}

pub fn session_closed() -> Rejection {
    Rejection::new("session_closed", "the session was closed or has expired; log in again")
}

/// The user, unless somebody else is asking. Who logs in or refreshes is not logged in: a guest, to us.
fn user<'s>(entity: &'s Entity<'_, Identities>, actor: &Actor) -> Option<&'s UserView> {
    match &**entity {
        Identities::User(user) if actor.user_id.is_none_or(|id| id == user.id) => Some(user),
        _ => None,
    }
}

/// Hashes are 64 hexadecimal digits (SHA-256), and a session ends in the future, though not in a far one.
fn within_limits(hashes: &[&str], expires_at: Timestamp, context: &Context<'_>) -> Result<(), Rejection> {
    let sound = |hash: &&str| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    if !hashes.iter().all(sound) {
        return Err(Rejection::new("invalid_session", "a refresh token's hash is 64 hexadecimal digits"));
    }
    if expires_at <= context.at || expires_at > context.at + LONGEST {
        return Err(Rejection::new("invalid_session", "a session ends in the future, within 366 days"));
    }
    Ok(())
}
