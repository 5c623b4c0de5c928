//! Who is asking, and what they may.

mod breached;
mod jwt;
mod passwords;
mod refresh;
mod throttle;

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{header, request::Parts},
};
use tradewind_schemas::{Actor, Role, SessionId, UserId};

pub use breached::is_breached;
pub use jwt::{Jwt, JwtError, LIFETIME, NoSigningKey};
pub use passwords::Passwords;
pub use refresh::RefreshToken;
pub use throttle::{Throttle, ThrottleConfig};

use crate::{
    app::App,
    problem::{Code, Problem},
};

/// A user with a valid access token.
#[derive(Clone, Debug)]
pub struct Principal {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub roles: Vec<Role>,
}

impl Principal {
    pub fn actor(&self) -> Actor {
        Actor::user(self.user_id, self.roles.clone())
    }

    pub fn is_staff(&self) -> bool {
        self.roles.iter().any(|role| matches!(role, Role::Merchant | Role::Admin))
    }

    /// Whether what belongs to this user may be seen and changed.
    pub fn may_act_for(&self, owner: UserId) -> bool {
        self.user_id == owner || self.is_staff()
    }
}

impl FromRequestParts<Arc<App>> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let found = <Self as OptionalFromRequestParts<Arc<App>>>::from_request_parts(parts, app).await?;
        found.ok_or_else(|| Problem::new(Code::Unauthenticated, "Send an access token: Authorization: Bearer …"))
    }
}

/// Guests may ask, too; but a token that is sent must be valid.
impl OptionalFromRequestParts<Arc<App>> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Option<Self>, Problem> {
        let Some(header) = parts.headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let invalid = || Problem::new(Code::InvalidToken, "The access token is not valid.");
        let text = header.to_str().map_err(|_| invalid())?;
        let (scheme, token) = text.split_once(' ').ok_or_else(invalid)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(invalid());
        }
        match app.jwt.verify(token.trim()) {
            Ok(claims) => Ok(Some(Self { user_id: claims.sub, session_id: claims.sid, roles: claims.roles })),
            Err(JwtError::Expired) => Err(Problem::new(Code::InvalidToken, "The access token has expired.")),
            Err(JwtError::Invalid) => Err(invalid()),
        }
    }
}

/// A merchant or an administrator.
pub struct Staff(pub Principal);

impl FromRequestParts<Arc<App>> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let who = <Principal as FromRequestParts<Arc<App>>>::from_request_parts(parts, app).await?;
        if who.is_staff() { Ok(Self(who)) } else { Err(forbidden("This is for merchants and administrators.")) }
    }
}

/// An administrator.
pub struct Admin(pub Principal);

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let who = <Principal as FromRequestParts<Arc<App>>>::from_request_parts(parts, app).await?;
        if who.roles.contains(&Role::Admin) { Ok(Self(who)) } else { Err(forbidden("This is for administrators.")) }
    }
}

pub fn forbidden(why: &str) -> Problem {
    Problem::new(Code::Forbidden, why)
}
