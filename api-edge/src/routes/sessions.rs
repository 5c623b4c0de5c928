//! /v1/sessions

use tradewind_runtime::Freshness;
use tradewind_schemas::{
    Role, SessionId, UserId,
    identity::{EMAIL_CLAIM, IdentityCommand, IdentityKey, SESSIONS, USER, UserView},
};
use uuid::Uuid;

use super::{Asked, Paging, Place, users::command};
use crate::{
    app::now,
    auth::{LIFETIME, Principal, RefreshToken},
    body::Strangers,
    client::Address,
    cursor, ids,
    problem::{Code, Problem},
    reply::{Page, Pending, Reply},
    shapes::{
        session::{Login, Renewal, Session, Tokens},
        values::Moment,
    },
    shop::Shop,
};

/// Logs in.
#[utoipa::path(post, path = "/v1/sessions", operation_id = "open_session", tag = "session", request_body = Login,
    responses((status = 201, body = Tokens), (status = 401, description = "`invalid_credentials`"),
        (status = 429, description = "`too_many_attempts`")))]
pub async fn open(shop: Shop, Address(address): Address, Strangers(sent): Strangers) -> Result<Reply, Problem> {
    let shop = shop.patient();
    let login: Login = sent.read()?;
    let claim = shop.pepper.claim(&login.email);
    // Counted before it is verified: a hundred guesses at once are a hundred guesses.
    let attempt = shop.throttle.admit(&claim, address).await?;
    let owner = shop.row(EMAIL_CLAIM, &IdentityKey::from(claim.clone()), &(), Freshness::SourceEnd).await?;
    let user = match owner {
        Some(owner) => shop.row(USER, &IdentityKey::from(owner.user_id), &(), Freshness::SourceEnd).await?,
        None => None,
    };
    // As much work for an address that nobody has.
    let right = shop.passwords.verify(&login.password, user.as_ref().map(|user| user.password_hash.as_str())).await?;
    let Some(user) = user.filter(|_| right) else {
        attempt.wrong();
        return Err(wrong_credentials());
    };
    attempt.right();
    begin(&shop, &user).await
}

fn wrong_credentials() -> Problem {
    Problem::new(Code::InvalidCredentials, Code::InvalidCredentials.meaning())
}

/// Opens a session for a user whose password was verified.
async fn begin(shop: &Shop, user: &UserView) -> Result<Reply, Problem> {
    let session_id = SessionId::new(Uuid::now_v7());
    let Some(token) = RefreshToken::first(user.id, session_id) else {
        return Err(Problem::new(Code::Internal, "No session can be opened at the moment."));
    };
    let payload = IdentityCommand::OpenSession {
        session_id,
        password_version: user.password_version,
        refresh_hash: token.hash(),
        expires_at: now() + shop.config.session_lifetime,
    };
    let actor = tradewind_schemas::Actor::user(user.id, user.roles.clone());
    let ended = shop.send(command(actor, user.id, session_id.uuid(), String::new(), payload)).await?;
    match ended.accepted() {
        Ok(Some(_)) => {
            let location = format!("/v1/sessions/{session_id}");
            Ok(Reply::created(&tokens(shop, &token, &user.roles)?, location)?.secret())
        }
        Ok(None) => Err(undecided()),
        // The password was changed between the look at it and the decision.
        Err(problem) if problem.code.status().is_client_error() => Err(wrong_credentials()),
        Err(problem) => Err(problem),
    }
}

/// Renews an access token. The refresh token is spent; the next comes with the answer.
#[utoipa::path(post, path = "/v1/sessions/refresh", operation_id = "refresh_session", tag = "session", request_body = Renewal,
    responses((status = 200, body = Tokens), (status = 401, description = "`invalid_refresh_token`")))]
pub async fn refresh(shop: Shop, Strangers(sent): Strangers) -> Result<Reply, Problem> {
    let shop = shop.patient();
    let renewal: Renewal = sent.read()?;
    let invalid = || Problem::new(Code::InvalidRefreshToken, Code::InvalidRefreshToken.meaning());
    let token = RefreshToken::parse(&renewal.refresh_token).ok_or_else(invalid)?;
    let key = IdentityKey::from(token.user_id);
    let user = shop.row(USER, &key, &(), Freshness::SourceEnd).await?.ok_or_else(invalid)?;
    let next = token.next(&shop.refresh);
    let payload = IdentityCommand::RefreshSession {
        session_id: token.session_id,
        refresh_hash: token.hash(),
        next_hash: next.hash(),
        expires_at: now() + shop.config.session_lifetime,
    };
    let actor = tradewind_schemas::Actor::user(user.id, user.roles.clone());
    // Always a new command: whether a spent token may be shown again is for the session to decide.
    let ended = shop.send(command(actor, user.id, Uuid::now_v7(), String::new(), payload)).await?;
    match ended.accepted() {
        Ok(Some(fresh)) => {
            let user = shop.row(USER, &key, &(), fresh).await?.ok_or_else(invalid)?;
            Ok(Reply::ok(&tokens(&shop, &next, &user.roles)?)?.secret())
        }
        Ok(None) => Err(undecided()),
        Err(problem) if problem.code.status().is_client_error() => Err(invalid()),
        Err(problem) => Err(problem),
    }
}

fn undecided() -> Problem {
    Problem::new(Code::Undecided, "The session was not decided in time; try again.")
}

fn tokens(shop: &Shop, token: &RefreshToken, roles: &[Role]) -> Result<Tokens, Problem> {
    let seconds = (now().millis() / 1000).unsigned_abs();
    let access_token = shop.jwt.issue(token.user_id, token.session_id, roles, seconds).map_err(|cause| {
        tracing::error!(%cause, "no access token");
        Problem::new(Code::Internal, "No access token can be issued at the moment.")
    })?;
    Ok(Tokens {
        access_token,
        token_type: "Bearer",
        expires_in: LIFETIME,
        refresh_token: token.text(),
        session_id: token.session_id,
    })
}

/// One's open sessions.
#[utoipa::path(get, path = "/v1/sessions", operation_id = "list_sessions", tag = "session", params(Paging), responses((status = 200, body = Page<Session>)))]
pub async fn list(who: Principal, shop: Shop, Asked(asked): Asked<Paging>) -> Result<Reply, Problem> {
    let limit = cursor::limit(asked.limit)?;
    let list = format!("sessions of {}", who.user_id);
    let mut after: Option<Vec<u8>> = cursor::open(&shop.cursors, &list, asked.cursor.as_deref())?;
    let (now, mut items, mut next) = (now(), Vec::new(), None);
    // Closed ones are passed over, a page's worth at a time.
    loop {
        let page = shop.rows(SESSIONS, &IdentityKey::from(who.user_id), after.take(), false, limit + 1).await?;
        let more = page.items.len() > limit;
        for (row, session) in page.items.into_iter().take(limit) {
            if items.len() == limit {
                next = after.as_ref().map(|after| cursor::seal(&shop.cursors, &list, after));
                break;
            }
            after = Some(row);
            if !session.closed && session.expires_at > now {
                let (created_at, expires_at) = (Moment(session.created_at), Moment(session.expires_at));
                items.push(Session { id: session.id, created_at, expires_at, current: session.id == who.session_id });
            }
        }
        if next.is_some() || !more {
            break;
        }
        if items.len() == limit {
            next = after.as_ref().map(|after| cursor::seal(&shop.cursors, &list, after));
            break;
        }
    }
    let text = asked.limit.map(|limit| limit.to_string());
    let link = super::next_link("/v1/sessions", &[("limit", text.as_deref())], next.as_deref());
    Ok(Reply::ok(&Page { items, next_cursor: next })?.next(link))
}

/// Logs out.
#[utoipa::path(delete, path = "/v1/sessions/current", operation_id = "close_current_session", tag = "session", responses((status = 204, description = "Closed.")))]
pub async fn close_current(who: Principal, shop: Shop) -> Result<Reply, Problem> {
    end(&shop, &who, who.session_id).await
}

/// Closes one of one's sessions.
#[utoipa::path(delete, path = "/v1/sessions/{id}", operation_id = "close_session", tag = "session", params(("id" = Uuid, Path)),
    responses((status = 204, description = "Closed.")))]
pub async fn close(who: Principal, shop: Shop, Place(id): Place<String>) -> Result<Reply, Problem> {
    let id: SessionId = ids::parse(&id).ok_or_else(Problem::not_found)?;
    let key = IdentityKey::from(who.user_id);
    if shop.row(SESSIONS, &key, &id, Freshness::SourceEnd).await?.is_none() {
        return Err(Problem::not_found());
    }
    end(&shop, &who, id).await
}

async fn end(shop: &Shop, who: &Principal, session_id: SessionId) -> Result<Reply, Problem> {
    let user: UserId = who.user_id;
    let payload = IdentityCommand::CloseSession { session_id };
    let ended = shop.send(command(who.actor(), user, Uuid::now_v7(), String::new(), payload)).await?;
    match ended.accepted() {
        Ok(Some(_)) => Ok(Reply::no_content()),
        // Closed is closed.
        Err(problem) if problem.code == Code::SessionClosed => Ok(Reply::no_content()),
        Ok(None) => Reply::accepted(&Pending { id: session_id.to_string(), status: "pending" }, "/v1/sessions"),
        Err(problem) => Err(problem),
    }
}
