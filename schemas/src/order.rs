//! Order: what a customer bought, and how it went.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::{
    CustomerId, Money, OrderId, PaymentId, ProductId, Sealed, Sku, Timestamp, View,
    payment::{Operation, PaymentMethod},
};

/// A line as it was quoted. `total` is rounded once, by [`discounted`](crate::discounted).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.order")]
pub struct OrderLine {
    /// Counts from 1.
    pub id: i32,
    pub sku: Sku,
    pub quantity: i64,
    pub unit_price: Money,
    pub discount_bp: i32,
    pub total: Money,
    pub product_id: ProductId,
    /// The version of the product whose price was quoted.
    pub product_version: i64,
}

/// Keyed by order id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.order", repr = "bare_union")]
pub enum OrderCommand {
    /// Settled when the order is confirmed or rejected.
    PlaceOrder {
        customer_id: CustomerId,
        lines: Vec<OrderLine>,
        expected_total: Option<Money>,
        /// ISO 3166-1 alpha-2, in clear: books are kept by country.
        ship_country: String,
        /// An [`Address`](crate::Address).
        shipping_address: Sealed,
        payment_method: PaymentMethod,
        /// When staff record an order of the past.
        placed_at: Option<Timestamp>,
    },
    CancelOrder {
        reason: Option<String>,
    },
    /// Answers of inventory.
    StockReserved {
        sku: Sku,
    },
    StockRefused {
        sku: Sku,
        available: i64,
    },
    ReservationCommitted {
        sku: Sku,
    },
    CommitRefused {
        sku: Sku,
    },
    /// Answers of payment.
    PaymentAuthorised {},
    PaymentDeclined {
        code: String,
        message: String,
    },
    PaymentCaptured {
        amount: Money,
    },
    CaptureFailed {
        code: String,
        message: String,
    },
    PaymentVoided {},
    VoidFailed {
        code: String,
        message: String,
    },
    PaymentRefunded {
        amount: Money,
    },
    RefundFailed {
        amount: Money,
        code: String,
        message: String,
    },
    /// Nobody could be brought to say whether it happened; it is left to staff.
    PaymentParked {
        operation: Operation,
        why: String,
    },
    /// Fired timers.
    StockDeadlinePassed {},
    PaymentDeadlinePassed {},
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.order", repr = "bare_union")]
pub enum OrderEvent {
    OrderPlaced {
        customer_id: CustomerId,
        lines: Vec<OrderLine>,
        grand_total: Money,
        ship_country: String,
        shipping_address: Sealed,
        payment_id: PaymentId,
        payment_method: PaymentMethod,
        placed_at: Timestamp,
        reserve_until: Timestamp,
        stock_deadline: Timestamp,
    },
    /// One SKU's reservation was answered; the order waits for the rest.
    LineReserved {
        sku: Sku,
    },
    /// The deadline was noticed late, as the platform itself was away: the answers may be too, and get more time.
    StockDeadlineExtended {
        stock_deadline: Timestamp,
    },
    /// Every SKU is reserved; the payment is asked for.
    StockSecured {
        payment_deadline: Timestamp,
    },
    /// Authorised; the reservations are being committed.
    PaymentSecured {},
    LineCommitted {
        sku: Sku,
    },
    /// Every reservation is committed; the capture is asked for.
    StockCommitted {},
    OrderConfirmed {
        captured: Money,
    },
    OrderRejected {
        /// A rejection code: `out_of_stock`, `payment_declined`, `stock_timeout`, `payment_timeout`, `stock_expired`,
        /// `capture_failed`.
        reason: String,
        detail: String,
        /// The SKUs it failed for.
        skus: Vec<Sku>,
    },
    OrderCancelled {
        reason: Option<String>,
    },
    /// The money was taken although the order had ended: it goes back.
    PaymentCapturedLate {
        captured: Money,
    },
    /// The money went back, or was never taken.
    PaymentReversed {
        voided: bool,
        refunded: Option<Money>,
    },
    /// Money that should go back (or be taken) did not: staff must look.
    PaymentStuck {
        /// `authorise`, `capture`, `void` or `refund`.
        what: String,
        code: String,
        message: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.order")]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    Placed,
    Confirmed,
    Rejected,
    Cancelled,
    Shipped,
    Delivered,
    Returned,
}

/// The view of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    pub id: OrderId,
    /// For people: `TW-` and a few letters of the id.
    pub number: String,
    pub customer_id: CustomerId,
    pub status: OrderStatus,
    pub reason: Option<String>,
    pub lines: Vec<OrderLine>,
    pub grand_total: Money,
    pub refunded: Money,
    /// Captured less refunded.
    pub net: Money,
    pub ship_country: String,
    pub shipping_address: Sealed,
    pub payment_id: PaymentId,
    /// `none` while it is not asked for, `requested`, `authorised`, `declined`, `capturing`, `captured`, `voiding`,
    /// `voided`, `refunding`, `refunded`, or `parked` where staff must look.
    pub payment_status: String,
    pub history: Vec<HistoryEntry>,
    pub placed_at: Timestamp,
    pub created_at: Timestamp,
    /// Counts its events, from 1.
    pub version: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The event's name.
    pub kind: String,
    pub at: Timestamp,
    pub detail: Option<String>,
}

/// An order in its customer's list: the record of the repartition topic `order.by_customer`, keyed by customer id, and
/// a row of that stage's view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.order", repr = "bare_union")]
pub enum CustomerOrder {
    Listed { order_id: OrderId, placed_at: Timestamp, status: OrderStatus },
}

/// An order, by id.
pub const ORDER: View<(), OrderView> = View::new("order", 1);
/// Orders of a customer, by when they were placed.
pub const ORDERS_OF_CUSTOMER: View<(Timestamp, OrderId), OrderStatus> = View::new("order.by-customer", 1);
