//! /v1/orders

use std::time::Instant;

use serde_json::Value;
use tradewind_runtime::Freshness;
use tradewind_schemas::{
    CustomerId, OrderId,
    identity::{IdentityKey, USER},
    order::{ORDER, OrderCommand, OrderStatus, OrderView},
    payment::{PAYMENT, PaymentMethod},
};
use tradewind_topics::list::ORDER_COMMANDS;

use super::Place;
use crate::{
    app::now,
    auth::{Principal, forbidden},
    body::Sent,
    idempotency::IdempotencyKey,
    ids,
    keys::SHIPPING_ADDRESS,
    problem::{Code, Problem},
    quote::quote,
    reply::{Pending, Reply},
    shapes::{
        address::check_address,
        order::{Cancellation, Order, PlaceOrder},
        payment::Attempt,
        values::{Checks, ProblemDoc},
    },
    shop::{Command, Ended, Shop},
};

/// Places an order. Stock and payment are decided before the answer, if they are in time. A replay shows the order as
/// it has become since.
#[utoipa::path(post, path = "/v1/orders", operation_id = "place_order", tag = "order", request_body = PlaceOrder,
    responses((status = 201, body = Order, description = "Confirmed."), (status = 202, body = Order, description = "Not decided yet."),
        (status = 409, body = ProblemDoc, description = "Rejected: `code` says why, `order_id` which.")))]
pub async fn place(
    who: Principal,
    shop: Result<Shop, Problem>,
    key: Result<IdempotencyKey, Problem>,
    sent: Sent,
) -> Result<Reply, Problem> {
    if !who.is_staff() && overrides(&sent.json) {
        return Err(forbidden(
            "customer_id, placed_at, unit_price and discount_bp are for merchants and administrators.",
        ));
    }
    let (shop, key) = (shop?, key?);
    key.required()?;
    let wanted: PlaceOrder = sent.read()?;
    let id = OrderId::new(key.id(&who.user_id.to_string(), "POST", "/v1/orders"));
    let digest = shop.digest(&sent);
    let customer = wanted.customer_id.unwrap_or(who.user_id);
    let known = |freshness| shop.known(ORDER_COMMANDS, &id, id.uuid(), &digest, freshness);
    if let Some(ended) = known(Freshness::Any).await? {
        return placed(&shop, id, customer, ended).await;
    }
    let payload = match prepare(&shop, &who, customer, wanted).await {
        Ok(payload) => payload,
        // The first try may be on its way still, from when the prices were others.
        Err(refused) => match known(Freshness::SourceEnd).await? {
            Some(ended) => return placed(&shop, id, customer, ended).await,
            None => return Err(refused),
        },
    };
    let (topic, actor, subject) = (ORDER_COMMANDS, who.actor(), Some(customer));
    let ended = shop.send(Command { topic, key: id, id: id.uuid(), actor, subject, digest, payload }).await?;
    placed(&shop, id, customer, ended).await
}

/// Whether there are fields that only staff may send. Looked at before the rest of the body: 403 comes before 400.
fn overrides(body: &Value) -> bool {
    let has = |value: &Value, names: [&str; 2]| names.iter().any(|name| value.get(name).is_some());
    let lines = body.get("lines").and_then(Value::as_array);
    let line_has = lines.is_some_and(|lines| lines.iter().any(|line| has(line, ["unit_price", "discount_bp"])));
    has(body, ["customer_id", "placed_at"]) || line_has
}

/// Checks, quotes and seals.
async fn prepare(
    shop: &Shop,
    who: &Principal,
    customer_id: CustomerId,
    wanted: PlaceOrder,
) -> Result<OrderCommand, Problem> {
    let mut checks = Checks::default();
    check_address(&mut checks, "/shipping_address", &wanted.shipping_address);
    let method = &wanted.payment_method;
    checks.that(method.kind == "card", "/payment_method/type", "invalid", "must be card");
    checks.text(&method.token, "/payment_method/token", 1, 200);
    let past = wanted.placed_at.is_none_or(|at| (0..=now().millis()).contains(&at.0.millis()));
    checks.that(past, "/placed_at", "out_of_range", "must be between 1970 and now");
    checks.done()?;
    let lines = quote(shop, &wanted).await?;
    if customer_id != who.user_id
        && shop.row(USER, &IdentityKey::from(customer_id), &(), Freshness::SourceEnd).await?.is_none()
    {
        let detail = "There is no such customer.";
        return Err(Problem::new(Code::UnknownCustomer, detail).at("/customer_id", "unknown_customer", detail));
    }
    let PlaceOrder { shipping_address, payment_method, expected_total, placed_at, .. } = wanted;
    let address = shop.keys.seal_address(customer_id, SHIPPING_ADDRESS, &shipping_address).await?;
    Ok(OrderCommand::PlaceOrder {
        customer_id,
        lines,
        expected_total,
        ship_country: shipping_address.country,
        shipping_address: address,
        payment_method: PaymentMethod { kind: payment_method.kind, token: payment_method.token },
        placed_at: placed_at.map(|at| at.0),
    })
}

/// The answer to an order, however it ended.
async fn placed(shop: &Shop, id: OrderId, customer: CustomerId, ended: Ended) -> Result<Reply, Problem> {
    let location = format!("/v1/orders/{id}");
    let outcome = ended.accepted();
    // Asked to answer at once, it does not look either.
    let at_once = matches!(outcome, Ok(None)) && shop.wait.patience.is_zero();
    let view = if at_once { Ok(None) } else { shop.row(ORDER, &id, &(), ended.fresh()).await };
    let undecided = |view: &OrderView| view.status == OrderStatus::Placed;
    match (outcome, view) {
        // Rejected before it came to be: there is no order to name. Faults name none either.
        (Err(problem), Ok(None) | Err(_)) => Err(problem),
        (Err(problem), Ok(Some(_))) if problem.code.status() == axum::http::StatusCode::CONFLICT => {
            Err(Problem { order_id: Some(id), location: Some(location), ..problem })
        }
        (Err(problem), Ok(Some(_))) => Err(problem),
        (Ok(_), Ok(Some(view))) if view.status == OrderStatus::Rejected => Err(rejected(&view, location, &ended)),
        (Ok(_), Ok(Some(view))) if undecided(&view) => {
            shop.recent.add(customer, id, Instant::now());
            Ok(Reply::accepted(&order(shop, view).await?, location)?.replayed(ended.replayed))
        }
        (Ok(_), Ok(Some(view))) => Ok(Reply::created(&order(shop, view).await?, location)?.replayed(ended.replayed)),
        (Ok(_), Ok(None) | Err(_)) => {
            shop.recent.add(customer, id, Instant::now());
            let pending = Pending { id: id.to_string(), status: "placed" };
            Ok(Reply::accepted(&pending, location)?.replayed(ended.replayed))
        }
    }
}

/// An order that was rejected after this request had stopped waiting for the outcome.
fn rejected(view: &OrderView, location: String, ended: &Ended) -> Problem {
    let reason = view.reason.as_deref().unwrap_or_default();
    let code = Code::named(reason).unwrap_or(Code::Refused);
    let problem = Problem::new(code, code.meaning()).replayed(ended.replayed);
    Problem { order_id: Some(view.id), location: Some(location), ..problem }
}

/// The order with what is sealed in it opened, and with the attempts of its payment.
pub(crate) async fn order(shop: &Shop, view: OrderView) -> Result<Order, Problem> {
    let address = shop.keys.open_address(view.customer_id, SHIPPING_ADDRESS, &view.shipping_address).await?;
    // Whatever the payment has come to: the order's own status is the one that was waited for.
    let payment = shop.row(PAYMENT, &view.payment_id, &(), Freshness::Any).await?;
    let attempts = payment.map(|payment| payment.attempts.into_iter().map(Attempt::from).collect()).unwrap_or_default();
    Ok(Order::of(view, address, attempts))
}

/// An order: one's own, or any for staff.
#[utoipa::path(get, path = "/v1/orders/{id}", operation_id = "show_order", tag = "order", params(("id" = Uuid, Path)),
    responses((status = 200, body = Order)))]
pub async fn show(who: Principal, shop: Shop, Place(id): Place<String>) -> Result<Reply, Problem> {
    let view = visible(&shop, &who, &id).await?;
    Reply::ok(&order(&shop, view).await?)
}

/// The order, if this user may see it.
pub(crate) async fn visible(shop: &Shop, who: &Principal, id: &str) -> Result<OrderView, Problem> {
    let id: OrderId = ids::parse(id).ok_or_else(Problem::not_found)?;
    let view = shop.row(ORDER, &id, &(), Freshness::SourceEnd).await?.ok_or_else(Problem::not_found)?;
    if who.may_act_for(view.customer_id) { Ok(view) } else { Err(Problem::not_found()) }
}

/// Cancels an order, until its first shipment. Its money goes back.
#[utoipa::path(post, path = "/v1/orders/{id}/cancellation", operation_id = "cancel_order", tag = "order", params(("id" = Uuid, Path)),
    request_body = Cancellation,
    responses((status = 200, body = Order), (status = 202, body = Pending), (status = 409, body = ProblemDoc)))]
pub async fn cancel(
    who: Principal,
    shop: Shop,
    Place(id): Place<String>,
    key: IdempotencyKey,
    sent: Sent,
) -> Result<Reply, Problem> {
    key.required()?;
    let wanted: Cancellation = sent.read()?;
    let view = visible(&shop, &who, &id).await?;
    let (id, location) = (view.id, format!("/v1/orders/{}", view.id));
    let command_id = key.id(&who.user_id.to_string(), "POST", &format!("{location}/cancellation"));
    let digest = shop.digest(&sent);
    let ended = match shop.known(ORDER_COMMANDS, &id, command_id, &digest, Freshness::Any).await? {
        Some(ended) => ended,
        None => {
            let mut checks = Checks::default();
            wanted.reason.iter().for_each(|reason| checks.text(reason, "/reason", 0, 500));
            checks.done()?;
            let payload = OrderCommand::CancelOrder { reason: wanted.reason };
            let (topic, actor, subject) = (ORDER_COMMANDS, who.actor(), Some(view.customer_id));
            shop.send(Command { topic, key: id, id: command_id, actor, subject, digest, payload }).await?
        }
    };
    if let Some(fresh) = ended.accepted()?
        && let Ok(Some(view)) = shop.row(ORDER, &id, &(), fresh).await
    {
        return Ok(Reply::ok(&order(&shop, view).await?)?.replayed(ended.replayed));
    }
    Ok(Reply::accepted(&Pending { id: id.to_string(), status: "pending" }, location)?.replayed(ended.replayed))
}
