//! Payments.

use serde::Serialize;
use tradewind_schemas::{
    IntentId, Money, OrderId, PaymentId,
    payment::{AttemptView, Operation, PaymentStatus, PaymentView},
};
use utoipa::ToSchema;

use super::values::{Moment, MoneyDoc};

#[derive(Serialize, ToSchema)]
pub struct Payment {
    #[schema(value_type = uuid::Uuid)]
    pub id: PaymentId,
    #[schema(value_type = uuid::Uuid)]
    pub order_id: OrderId,
    /// `requested`, `authorised`, `declined`, `capturing`, `captured`, `voiding`, `voided`, `refunded`, `parked`.
    #[schema(value_type = String)]
    pub status: PaymentStatus,
    #[schema(value_type = MoneyDoc)]
    pub amount: Money,
    #[schema(value_type = MoneyDoc)]
    pub captured: Money,
    #[schema(value_type = MoneyDoc)]
    pub refunded: Money,
    pub attempts: Vec<Attempt>,
}

/// A call to the gateway.
#[derive(Serialize, ToSchema)]
pub struct Attempt {
    #[schema(value_type = uuid::Uuid)]
    pub intent_id: IntentId,
    /// `authorise`, `capture`, `void`, `refund`.
    #[schema(value_type = String)]
    pub operation: Operation,
    /// From 1.
    pub attempt: i32,
    /// `pending`, `succeeded`, `declined`, `refused`, `unsettled`.
    pub outcome: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Moment,
}

impl From<AttemptView> for Attempt {
    fn from(view: AttemptView) -> Self {
        let AttemptView { intent_id, operation, attempt, outcome, at } = view;
        Self { intent_id, operation, attempt, outcome, at: Moment(at) }
    }
}

impl From<PaymentView> for Payment {
    fn from(view: PaymentView) -> Self {
        let PaymentView { id, order_id, status, amount, captured, refunded, attempts } = view;
        let attempts = attempts.into_iter().map(Attempt::from).collect();
        Self { id, order_id, status, amount, captured, refunded, attempts }
    }
}
