//! Sessions.

use serde::{Deserialize, Serialize};
use tradewind_schemas::SessionId;
use utoipa::ToSchema;

use super::values::Moment;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[schema(example = "ada@example.com")]
    pub email: String,
    pub password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    pub refresh_token: String,
}

#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// A JWT; the keys that verify it are at /.well-known/jwks.json.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// Of the access token, in seconds.
    pub expires_in: u64,
    /// Good for one renewal.
    pub refresh_token: String,
    #[schema(value_type = uuid::Uuid)]
    pub session_id: SessionId,
}

#[derive(Serialize, ToSchema)]
pub struct Session {
    #[schema(value_type = uuid::Uuid)]
    pub id: SessionId,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Moment,
    /// Whether the request came in it.
    pub current: bool,
}
