//! Payment: one per order, and the intents that connectors carry out.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::{IntentId, Money, OrderId, PaymentId, Timestamp, View};

/// How a customer pays. A token stands for the card; the platform never sees more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind")]
pub struct PaymentMethod {
    /// `card`.
    pub kind: String,
    pub token: String,
}

/// What a call to the gateway is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.payment")]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Authorise,
    Capture,
    Void,
    Refund,
}

/// Keyed by payment id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.payment", repr = "bare_union")]
pub enum PaymentCommand {
    Authorise {
        order_id: OrderId,
        amount: Money,
        method: PaymentMethod,
    },
    Capture {},
    /// Takes an authorisation back; an authorisation still under way is voided when it turns out to have succeeded, a
    /// capture under way is refunded.
    Void {},
    /// Gives back what was captured, or some of it: never more than is left.
    Refund {
        amount: Money,
    },
    /// What the gateway said, by intent.
    RecordGatewayResult {
        intent_id: IntentId,
        result: GatewayResult,
    },
    /// A fired timer: try this intent again. Staff give it too, for one that is parked.
    RetryIntent {
        intent_id: IntentId,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.payment", repr = "bare_union")]
pub enum GatewayResult {
    /// `reference` is the gateway's own id of the payment or refund.
    Succeeded { reference: String },
    /// The customer's bank said no.
    Declined { code: String, message: String },
    /// The gateway refused the request as such: repeating it is no use.
    Refused { code: String, message: String },
    /// Nobody knows yet whether it happened, or the gateway is out of reach: to be tried again under the same id.
    Unsettled { why: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.payment", repr = "bare_union")]
pub enum PaymentEvent {
    PaymentRequested {
        order_id: OrderId,
        amount: Money,
        method: PaymentMethod,
        intent_id: IntentId,
    },
    PaymentAuthorised {
        order_id: OrderId,
        intent_id: IntentId,
        amount: Money,
        reference: String,
    },
    PaymentDeclined {
        order_id: OrderId,
        intent_id: IntentId,
        code: String,
        message: String,
    },
    CaptureRequested {
        order_id: OrderId,
        intent_id: IntentId,
        amount: Money,
    },
    PaymentCaptured {
        order_id: OrderId,
        intent_id: IntentId,
        amount: Money,
    },
    CaptureFailed {
        order_id: OrderId,
        intent_id: IntentId,
        code: String,
        message: String,
    },
    /// `intent_id` is absent while there is nothing to void yet.
    VoidRequested {
        order_id: OrderId,
        intent_id: Option<IntentId>,
    },
    /// `intent_id` is absent where nothing had to be voided.
    PaymentVoided {
        order_id: OrderId,
        intent_id: Option<IntentId>,
    },
    VoidFailed {
        order_id: OrderId,
        intent_id: IntentId,
        code: String,
        message: String,
    },
    RefundRequested {
        order_id: OrderId,
        intent_id: IntentId,
        amount: Money,
    },
    PaymentRefunded {
        order_id: OrderId,
        intent_id: IntentId,
        amount: Money,
        /// All that was refunded by now.
        refunded: Money,
    },
    RefundFailed {
        order_id: OrderId,
        intent_id: IntentId,
        amount: Money,
        code: String,
        message: String,
    },
    /// An attempt left nobody the wiser; another follows at `retry_at`, or staff must look (`parked`).
    AttemptUnsettled {
        order_id: OrderId,
        intent_id: IntentId,
        why: String,
        attempt: i32,
        retry_at: Option<Timestamp>,
        parked: bool,
    },
    /// The same call is made once more.
    IntentRetried {
        order_id: OrderId,
        intent_id: IntentId,
        attempt: i32,
    },
}

/// A call to the gateway that is to happen once. Keyed by payment id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.payment", repr = "bare_union")]
pub enum PaymentIntent {
    Execute {
        /// The idempotency key towards the gateway; a retry carries the same.
        intent_id: IntentId,
        operation: Operation,
        order_id: OrderId,
        amount: Money,
        /// In an authorisation.
        method: Option<PaymentMethod>,
        /// The gateway's id of the payment, in all others.
        reference: Option<String>,
        /// Counts from 1.
        attempt: i32,
    },
}

/// The executor's own log, compacted by intent id: what was begun, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.payment", repr = "bare_union")]
pub enum PaymentAttempt {
    Attempting { intent_id: IntentId, attempt: i32 },
    Attempted { intent_id: IntentId, attempt: i32, result: GatewayResult },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    Requested,
    Authorised,
    Declined,
    Capturing,
    Captured,
    Voiding,
    Voided,
    Refunding,
    Refunded,
    /// Staff must look.
    Parked,
}

/// The view of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentView {
    pub id: PaymentId,
    pub order_id: OrderId,
    pub status: PaymentStatus,
    pub amount: Money,
    pub captured: Money,
    pub refunded: Money,
    pub attempts: Vec<AttemptView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptView {
    pub intent_id: IntentId,
    pub operation: Operation,
    pub attempt: i32,
    /// `pending`, `succeeded`, `declined`, `refused` or `unsettled`.
    pub outcome: String,
    pub at: Timestamp,
}

/// A payment.
pub const PAYMENT: View<(), PaymentView> = View::new("payment", 1);
