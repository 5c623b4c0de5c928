//! /v1/payments

use tradewind_runtime::Freshness;
use tradewind_schemas::{PaymentId, order::ORDER, payment::PAYMENT};

use super::Place;
use crate::{auth::Principal, ids, problem::Problem, reply::Reply, shapes::payment::Payment, shop::Shop};

/// A payment: of one's own order, or any for staff.
#[utoipa::path(get, path = "/v1/payments/{id}", operation_id = "show_payment", tag = "payment", params(("id" = Uuid, Path)),
    responses((status = 200, body = Payment)))]
pub async fn show(who: Principal, shop: Shop, Place(id): Place<String>) -> Result<Reply, Problem> {
    let id: PaymentId = ids::parse(&id).ok_or_else(Problem::not_found)?;
    let payment = shop.row(PAYMENT, &id, &(), Freshness::SourceEnd).await?.ok_or_else(Problem::not_found)?;
    if !who.is_staff() {
        let order = shop.row(ORDER, &payment.order_id, &(), Freshness::Any).await?.ok_or_else(Problem::not_found)?;
        if order.customer_id != who.user_id {
            return Err(Problem::not_found());
        }
    }
    Reply::ok(&Payment::from(payment))
}
