//! /v1/users/me/password

use tradewind_runtime::Freshness;
use tradewind_schemas::identity::{IdentityCommand, IdentityKey, USER};
use uuid::Uuid;

use super::users::command;
use crate::{
    auth::Principal,
    body::Sent,
    client::Address,
    problem::{Code, Problem},
    reply::{Pending, Reply},
    shapes::{
        user::{PasswordChange, check_password},
        values::Checks,
    },
    shop::Shop,
};

/// Changes one's password.
#[utoipa::path(put, path = "/v1/users/me/password", operation_id = "change_password", tag = "identity", request_body = PasswordChange,
    responses((status = 204, description = "Changed."), (status = 202, body = Pending),
        (status = 401, description = "The current password is wrong.")))]
pub async fn change(who: Principal, shop: Shop, Address(address): Address, sent: Sent) -> Result<Reply, Problem> {
    let wanted: PasswordChange = sent.read()?;
    let mut checks = Checks::default();
    check_password(&mut checks, &wanted.password);
    checks.done()?;
    let user = shop.row(USER, &IdentityKey::from(who.user_id), &(), Freshness::SourceEnd).await?;
    let user = user.ok_or_else(Problem::not_found)?;
    let attempt = shop.throttle.admit(&user.claim, address).await?;
    if !shop.passwords.verify(&wanted.current_password, Some(&user.password_hash)).await? {
        attempt.wrong();
        return Err(Problem::new(Code::InvalidCredentials, "The current password is wrong."));
    }
    attempt.right();
    let password_hash = shop.passwords.hash(&wanted.password).await?;
    let payload = IdentityCommand::ChangePassword { password_hash, password_version: user.password_version };
    let ended = shop.send(command(who.actor(), who.user_id, Uuid::now_v7(), shop.digest(&sent), payload)).await?;
    match ended.accepted()? {
        Some(_) => Ok(Reply::no_content()),
        None => Reply::accepted(&Pending { id: who.user_id.to_string(), status: "pending" }, "/v1/users/me"),
    }
}
