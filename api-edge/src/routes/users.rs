//! /v1/users

use tradewind_runtime::Freshness;
use tradewind_schemas::{
    Actor, Role, UserId,
    identity::{EMAIL_CLAIM, EmailClaim, IdentityCommand, IdentityKey, USER, UserView},
};
use tradewind_topics::list::{IDENTITY_COMMANDS, IDENTITY_KEYS};
use uuid::Uuid;

use super::Place;
use crate::{
    auth::{Principal, forbidden},
    body::{Sent, Strangers},
    idempotency::IdempotencyKey,
    ids,
    keys::{EMAIL, NAME},
    problem::{Code, Problem},
    reply::{Pending, Reply},
    shapes::user::{ProfileChange, Registration, User},
    shop::{Command, Ended, Shop},
};

/// Registers a customer.
#[utoipa::path(post, path = "/v1/users", operation_id = "register_user", tag = "identity", request_body = Registration,
    responses((status = 201, body = User), (status = 202, body = Pending), (status = "4XX", body = crate::shapes::values::ProblemDoc)))]
pub async fn register(shop: Shop, key: IdempotencyKey, Strangers(sent): Strangers) -> Result<Reply, Problem> {
    let wanted: Registration = sent.read()?;
    let claim = shop.pepper.claim(&wanted.email);
    // The principal of a registration is its e-mail address.
    let user_id = UserId::new(key.id(&claim.0, "POST", "/v1/users"));
    let digest = shop.digest(&sent);
    let known = match key.is_given() {
        true => shop.known(IDENTITY_COMMANDS, &user_id.into(), user_id.uuid(), &digest, Freshness::Any).await?,
        false => None,
    };
    let ended = match known {
        Some(ended) => ended,
        None => {
            wanted.check()?;
            let person = Person { user_id, claim, email: wanted.email, name: wanted.name, password: wanted.password };
            enrol(&shop, Actor::guest(), person, vec![Role::Customer], digest).await?
        }
    };
    let location = format!("/v1/users/{user_id}");
    if let Some(fresh) = ended.accepted()?
        && let Ok(Some(view)) = shop.row(USER, &IdentityKey::from(user_id), &(), fresh).await
    {
        let user = User::of(view, &shop.keys).await?;
        return Ok(Reply::created(&user, location)?.replayed(ended.replayed));
    }
    let pending = Pending { id: user_id.to_string(), status: "pending" };
    Ok(Reply::accepted(&pending, location)?.replayed(ended.replayed))
}

/// Who is to be registered.
pub(crate) struct Person {
    pub user_id: UserId,
    pub claim: EmailClaim,
    pub email: String,
    pub name: String,
    pub password: String,
}

/// Hashes the password, makes and publishes the person's data key, seals what is personal, and asks for the account.
pub(crate) async fn enrol(
    shop: &Shop,
    actor: Actor,
    person: Person,
    roles: Vec<Role>,
    digest: String,
) -> Result<Ended, Problem> {
    let Person { user_id, claim, email, name, password } = person;
    let owner = shop.row(EMAIL_CLAIM, &IdentityKey::from(claim.clone()), &(), Freshness::Any).await?;
    if owner.is_some_and(|owner| owner.user_id != user_id) {
        return Err(Problem::new(Code::EmailTaken, Code::EmailTaken.meaning()).at("/email", "taken", "is taken"));
    }
    let password_hash = shop.passwords.hash(&password).await?;
    let (email, name) = {
        let _alone = shop.registering(user_id).await;
        let created = shop.keys.ring.create(user_id).map_err(|cause| {
            tracing::error!(%cause, "no data key");
            Problem::new(Code::Internal, "The account could not be made.")
        })?;
        let record = created.1;
        let published = Command {
            topic: IDENTITY_KEYS,
            key: record.id(),
            id: Uuid::now_v7(),
            actor: actor.clone(),
            subject: Some(user_id),
            digest: String::new(),
            payload: record,
        };
        shop.publish(published).await?;
        let name = shop.keys.seal(user_id, NAME, name.trim().as_bytes()).await?;
        (shop.keys.seal(user_id, EMAIL, email.trim().as_bytes()).await?, name)
    };
    let payload = IdentityCommand::Register { user_id, claim, email, name, password_hash, roles };
    shop.send(command(actor, user_id, user_id.uuid(), digest, payload)).await
}

/// A command about a user.
pub(crate) fn command(
    actor: Actor,
    user_id: UserId,
    id: Uuid,
    digest: String,
    payload: IdentityCommand,
) -> Command<IdentityKey, IdentityCommand> {
    Command { topic: IDENTITY_COMMANDS, key: user_id.into(), id, actor, subject: Some(user_id), digest, payload }
}

/// The user who asks.
#[utoipa::path(get, path = "/v1/users/me", operation_id = "show_me", tag = "identity", responses((status = 200, body = User)))]
pub async fn me(who: Principal, shop: Shop) -> Result<Reply, Problem> {
    answer(&shop, who.user_id).await
}

/// A user: oneself, or any for administrators.
#[utoipa::path(get, path = "/v1/users/{id}", operation_id = "show_user", tag = "identity", params(("id" = Uuid, Path)),
    responses((status = 200, body = User)))]
pub async fn show(who: Principal, shop: Result<Shop, Problem>, Place(id): Place<String>) -> Result<Reply, Problem> {
    let id: Option<UserId> = ids::parse(&id);
    if id != Some(who.user_id) && !who.roles.contains(&Role::Admin) {
        return Err(forbidden("Other users are for administrators to see."));
    }
    answer(&shop?, id.ok_or_else(Problem::not_found)?).await
}

/// Changes one's name.
#[utoipa::path(patch, path = "/v1/users/me", operation_id = "change_me", tag = "identity", request_body = ProfileChange,
    responses((status = 200, body = User), (status = 202, body = Pending)))]
pub async fn change(who: Principal, shop: Shop, sent: Sent) -> Result<Reply, Problem> {
    let wanted: ProfileChange = sent.read()?;
    let mut checks = crate::shapes::values::Checks::default();
    checks.text(&wanted.name, "/name", 1, 200);
    checks.done()?;
    let name = shop.keys.seal(who.user_id, NAME, wanted.name.trim().as_bytes()).await?;
    let payload = IdentityCommand::UpdateProfile { name };
    let ended = shop.send(command(who.actor(), who.user_id, Uuid::now_v7(), shop.digest(&sent), payload)).await?;
    changed(&shop, who.user_id, &ended, "/v1/users/me").await
}

/// The user after a change that was asked for.
pub(crate) async fn changed(shop: &Shop, user_id: UserId, ended: &Ended, location: &str) -> Result<Reply, Problem> {
    if let Some(fresh) = ended.accepted()?
        && let Ok(Some(view)) = shop.row(USER, &IdentityKey::from(user_id), &(), fresh).await
    {
        return Reply::ok(&User::of(view, &shop.keys).await?);
    }
    Reply::accepted(&Pending { id: user_id.to_string(), status: "pending" }, location)
}

async fn answer(shop: &Shop, id: UserId) -> Result<Reply, Problem> {
    let view: UserView = shop.resource(IDENTITY_COMMANDS, USER, &IdentityKey::from(id), id.uuid()).await?;
    Reply::ok(&User::of(view, &shop.keys).await?)
}
