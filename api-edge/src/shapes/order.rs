//! Orders.

use serde::{Deserialize, Serialize};
use tradewind_schemas::{
    Address, Currency, CustomerId, Money, OrderId, PaymentId, Sku,
    order::{HistoryEntry, OrderLine, OrderStatus, OrderView},
};
use utoipa::ToSchema;

use super::{
    payment::Attempt,
    values::{AddressDoc, Moment, MoneyDoc},
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    pub lines: Vec<NewLine>,
    #[schema(value_type = AddressDoc)]
    pub shipping_address: Address,
    pub payment_method: PaymentMethod,
    /// Another sum is refused: `price_changed`.
    #[schema(value_type = Option<MoneyDoc>)]
    pub expected_total: Option<Money>,
    /// That of the prices, if given.
    #[schema(value_type = Option<String>, example = "EUR")]
    pub currency: Option<Currency>,
    /// Staff only: whom the order is for.
    #[serde(default, deserialize_with = "crate::ids::optional")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub customer_id: Option<CustomerId>,
    /// Staff only: when it was placed, if not now.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub placed_at: Option<Moment>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    #[schema(example = "CUP-1")]
    pub sku: String,
    #[schema(example = 2)]
    pub quantity: i64,
    /// Staff only: another price than the list's.
    #[schema(value_type = Option<MoneyDoc>)]
    pub unit_price: Option<Money>,
    /// Staff only: a discount in basis points, 0 to 10000.
    pub discount_bp: Option<i32>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentMethod {
    /// `card`.
    #[serde(rename = "type")]
    #[schema(example = "card")]
    pub kind: String,
    #[schema(example = "tok_visa")]
    pub token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    pub reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Order {
    #[schema(value_type = uuid::Uuid)]
    pub id: OrderId,
    /// For people.
    pub number: String,
    #[schema(value_type = uuid::Uuid)]
    pub customer_id: CustomerId,
    /// `placed`, `confirmed`, `rejected`, `cancelled`, `shipped`, `delivered`, `returned`.
    #[schema(value_type = String)]
    pub status: OrderStatus,
    /// Why it was rejected or cancelled.
    pub reason: Option<String>,
    pub lines: Vec<Line>,
    pub totals: Totals,
    #[schema(value_type = AddressDoc)]
    pub shipping_address: Option<Address>,
    pub payment: OrderPayment,
    pub history: Vec<History>,
    /// When staff record an order of the past, it differs from `created_at`.
    #[schema(value_type = String, format = DateTime)]
    pub placed_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Moment,
}

#[derive(Serialize, ToSchema)]
pub struct Line {
    /// From 1.
    pub id: i32,
    #[schema(value_type = String)]
    pub sku: Sku,
    pub quantity: i64,
    #[schema(value_type = MoneyDoc)]
    pub unit_price: Money,
    #[schema(value_type = MoneyDoc)]
    pub discount: Money,
    #[schema(value_type = MoneyDoc)]
    pub tax: Money,
    #[schema(value_type = MoneyDoc)]
    pub total: Money,
}

impl From<OrderLine> for Line {
    fn from(line: OrderLine) -> Self {
        let OrderLine { id, sku, quantity, unit_price, total, .. } = line;
        let gross = gross(unit_price, quantity);
        let (discount, tax) = (gross.minus(total).unwrap_or(Money::zero(total.currency)), Money::zero(total.currency));
        Self { id, sku, quantity, unit_price, discount, tax, total }
    }
}

/// A line before its discount. It was checked when it was quoted.
fn gross(unit_price: Money, quantity: i64) -> Money {
    unit_price.times(quantity).unwrap_or(Money::new(i64::MAX, unit_price.currency))
}

/// items − discount + shipping + tax = grand_total.
#[derive(Serialize, ToSchema)]
pub struct Totals {
    /// Before discounts.
    #[schema(value_type = MoneyDoc)]
    pub items: Money,
    #[schema(value_type = MoneyDoc)]
    pub discount: Money,
    #[schema(value_type = MoneyDoc)]
    pub shipping: Money,
    #[schema(value_type = MoneyDoc)]
    pub tax: Money,
    #[schema(value_type = MoneyDoc)]
    pub grand_total: Money,
    #[schema(value_type = MoneyDoc)]
    pub refunded: Money,
    /// Captured less refunded.
    #[schema(value_type = MoneyDoc)]
    pub net: Money,
}

impl Totals {
    fn of(view: &OrderView) -> Self {
        let currency = view.grand_total.currency;
        let none = Money::zero(currency);
        let items = Money::sum(currency, view.lines.iter().map(|line| gross(line.unit_price, line.quantity)));
        let items = items.unwrap_or(view.grand_total);
        Self {
            items,
            discount: items.minus(view.grand_total).unwrap_or(none),
            shipping: none,
            tax: none,
            grand_total: view.grand_total,
            refunded: view.refunded,
            net: view.net,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct OrderPayment {
    #[schema(value_type = uuid::Uuid)]
    pub id: PaymentId,
    pub status: String,
    pub attempts: Vec<Attempt>,
}

/// One step of an order's story.
#[derive(Serialize, ToSchema)]
pub struct History {
    /// The event, such as `OrderPlaced`.
    pub r#type: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl From<HistoryEntry> for History {
    fn from(entry: HistoryEntry) -> Self {
        Self { r#type: entry.kind, at: Moment(entry.at), detail: entry.detail }
    }
}

impl Order {
    /// `address` is what the view's sealed one says; `None` once its customer was erased.
    pub fn of(view: OrderView, address: Option<Address>, attempts: Vec<Attempt>) -> Self {
        let totals = Totals::of(&view);
        Self {
            id: view.id,
            number: view.number,
            customer_id: view.customer_id,
            status: view.status,
            reason: view.reason,
            lines: view.lines.into_iter().map(Line::from).collect(),
            totals,
            shipping_address: address,
            payment: OrderPayment { id: view.payment_id, status: view.payment_status, attempts },
            history: view.history.into_iter().map(History::from).collect(),
            placed_at: Moment(view.placed_at),
            created_at: Moment(view.created_at),
        }
    }
}
