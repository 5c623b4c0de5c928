//! Users.

use serde::{Deserialize, Serialize};
use tradewind_schemas::{Role, UserId, identity::UserView};
use utoipa::ToSchema;

use super::values::{Checks, Moment};
use crate::{
    auth::is_breached,
    keys::{EMAIL, Keys, NAME},
    problem::Problem,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    #[schema(example = "ada@example.com")]
    pub email: String,
    /// 8 to 128 characters, and none of the commonest.
    pub password: String,
    pub name: String,
}

impl Registration {
    pub fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        check_email(&mut checks, &self.email);
        check_password(&mut checks, &self.password);
        checks.text(&self.name, "/name", 1, 200);
        checks.done()
    }
}

/// Enough to tell a slip of the hand; whether it is somebody's, a verification says.
pub fn check_email(checks: &mut Checks, email: &str) {
    let email = email.trim();
    let whole = email.split_once('@').is_some_and(|(local, domain)| {
        let labels = domain.split('.').all(|label| !label.is_empty());
        !local.is_empty() && !domain.contains('@') && labels && domain.contains('.')
    });
    let plain = email.chars().all(|c| !c.is_whitespace() && !c.is_control());
    checks.that(whole && plain && email.len() <= 254, "/email", "invalid", "must be an e-mail address");
}

pub fn check_password(checks: &mut Checks, password: &str) {
    let length = password.chars().count();
    checks.that((8..=128).contains(&length), "/password", "length", "must have 8 to 128 characters");
    checks.that(!is_breached(password), "/password", "breached", "is one of the first that are guessed");
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileChange {
    pub name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    pub current_password: String,
    /// The new one: 8 to 128 characters, and none of the commonest.
    pub password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleAssignment {
    /// All that the user shall have from now on.
    #[schema(value_type = Vec<String>, example = json!(["customer", "merchant"]))]
    pub roles: Vec<Role>,
}

#[derive(Serialize, ToSchema)]
pub struct User {
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    pub email: String,
    pub name: String,
    /// `customer`, `merchant`, `admin`.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    pub email_verified: bool,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Moment,
}

impl User {
    pub async fn of(view: UserView, keys: &Keys) -> Result<Self, Problem> {
        Ok(Self {
            email: keys.open(view.id, EMAIL, &view.email).await?,
            name: keys.open(view.id, NAME, &view.name).await?,
            id: view.id,
            roles: view.roles,
            email_verified: view.email_verified,
            created_at: Moment(view.created_at),
        })
    }
}
