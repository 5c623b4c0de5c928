//! /v1/users/{id}/roles

use tradewind_runtime::Freshness;
use tradewind_schemas::{
    UserId,
    identity::{IdentityCommand, IdentityKey, USER},
};
use uuid::Uuid;

use super::{Place, users};
use crate::{
    auth::Admin,
    body::Sent,
    ids,
    problem::Problem,
    reply::{Pending, Reply},
    shapes::{
        user::{RoleAssignment, User},
        values::Checks,
    },
    shop::Shop,
};

/// Says what a user may do from now on. Access tokens that are out say what they said until they end.
#[utoipa::path(put, path = "/v1/users/{id}/roles", operation_id = "assign_roles", tag = "identity", params(("id" = Uuid, Path)),
    request_body = RoleAssignment, responses((status = 200, body = User), (status = 202, body = Pending)))]
pub async fn assign(Admin(who): Admin, shop: Shop, Place(id): Place<String>, sent: Sent) -> Result<Reply, Problem> {
    let id: UserId = ids::parse(&id).ok_or_else(Problem::not_found)?;
    let RoleAssignment { roles } = sent.read()?;
    let mut checks = Checks::default();
    checks.that(!roles.is_empty(), "/roles", "length", "must be one at least");
    checks.done()?;
    if shop.row(USER, &IdentityKey::from(id), &(), Freshness::SourceEnd).await?.is_none() {
        return Err(Problem::not_found());
    }
    let payload = IdentityCommand::AssignRoles { roles };
    let ended = shop.send(users::command(who.actor(), id, Uuid::now_v7(), shop.digest(&sent), payload)).await?;
    users::changed(&shop, id, &ended, &format!("/v1/users/{id}")).await
}
