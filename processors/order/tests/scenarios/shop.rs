//! The cast of the order scenarios: a customer, two things for sale, and an order at each point of its saga.

use std::time::Duration;

use tradewind_order::Orders;
use tradewind_runtime::scenario::Scenario;
use tradewind_schemas::{
    Actor, Currency, CustomerId, Money, OrderId, PaymentId, ProductId, Rejection, Role, Sealed, Sku,
    edge::Settled,
    inventory::InventoryCommand,
    order::{ORDER, OrderCommand, OrderEvent, OrderLine, OrderView},
    payment::PaymentMethod,
};

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);

pub const INVENTORY: &str = "inventory.commands";
pub const PAYMENT: &str = "payment.commands";
pub const LIST: (&str, &str) = ("order.by-customer", "Listed");

pub type Saga = Scenario<Orders>;

pub fn order_id() -> OrderId {
    "3f2a8b1c-0000-4000-8000-000000000001".parse().unwrap()
}

pub fn payment_id() -> PaymentId {
    PaymentId::derived(order_id().uuid(), "payment")
}

pub fn customer_id() -> CustomerId {
    "00000000-0000-4000-8000-0000000000c1".parse().unwrap()
}

pub fn customer() -> Actor {
    Actor::user(customer_id(), vec![Role::Customer])
}

pub fn another_customer() -> Actor {
    Actor::user("00000000-0000-4000-8000-0000000000c2".parse().unwrap(), vec![Role::Customer])
}

pub fn merchant() -> Actor {
    Actor::user("00000000-0000-4000-8000-0000000000a1".parse().unwrap(), vec![Role::Customer, Role::Merchant])
}

pub fn platform() -> Actor {
    Actor::service("inventory")
}

pub fn cup() -> Sku {
    "CUP-1".parse().unwrap()
}

pub fn pot() -> Sku {
    "POT-1".parse().unwrap()
}

pub fn euro(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

pub fn line(id: i32, sku: Sku, quantity: i64, price: i64) -> OrderLine {
    OrderLine {
        id,
        sku,
        quantity,
        unit_price: euro(price),
        discount_bp: 0,
        total: euro(price.saturating_mul(quantity)),
        product_id: ProductId::derived(order_id().uuid(), "product"),
        product_version: 1,
    }
}

/// Two cups at 10.00 and a pot at 25.00: 45.00.
pub fn two_cups_and_a_pot() -> Vec<OrderLine> {
    vec![line(1, cup(), 2, 1_000), line(2, pot(), 1, 2_500)]
}

pub fn card() -> PaymentMethod {
    PaymentMethod { kind: "card".to_owned(), token: "tok_visa".to_owned() }
}

pub fn address() -> Sealed {
    Sealed { key_id: "1".to_owned(), nonce: vec![0; 12], bytes: vec![1; 80] }
}

/// What is said in a `PlaceOrder`; scenarios change what they are about.
#[derive(Clone)]
pub struct Placing {
    pub lines: Vec<OrderLine>,
    pub expected_total: Option<Money>,
    pub country: &'static str,
    pub address: Sealed,
    pub method: PaymentMethod,
    pub placed_at: Option<tradewind_schemas::Timestamp>,
}

pub fn usual() -> Placing {
    Placing {
        lines: two_cups_and_a_pot(),
        expected_total: None,
        country: "DE",
        address: address(),
        method: card(),
        placed_at: None,
    }
}

pub fn place(placing: Placing) -> OrderCommand {
    OrderCommand::PlaceOrder {
        customer_id: customer_id(),
        lines: placing.lines,
        expected_total: placing.expected_total,
        ship_country: placing.country.to_owned(),
        shipping_address: placing.address,
        payment_method: placing.method,
        placed_at: placing.placed_at,
    }
}

pub fn empty() -> Saga {
    Scenario::of(order_id()).by(customer())
}

/// Both SKUs are being reserved.
pub fn placed() -> Saga {
    empty().when(place(usual())).then_kinds(["OrderPlaced"]).by(platform())
}

/// The payment is being authorised.
pub fn secured() -> Saga {
    let saga = placed().when(reserved(cup())).then_kinds(["LineReserved"]);
    saga.when(reserved(pot())).then_kinds(["LineReserved", "StockSecured"])
}

/// Both reservations are being committed.
pub fn authorised() -> Saga {
    secured().when(OrderCommand::PaymentAuthorised {}).then_kinds(["PaymentSecured"])
}

/// The payment is being captured.
pub fn committed() -> Saga {
    let saga = authorised().when(line_committed(cup())).then_kinds(["LineCommitted"]);
    saga.when(line_committed(pot())).then_kinds(["LineCommitted", "StockCommitted"])
}

pub fn confirmed() -> Saga {
    committed().when(captured()).then([OrderEvent::OrderConfirmed { captured: euro(4_500) }])
}

pub fn reserved(sku: Sku) -> OrderCommand {
    OrderCommand::StockReserved { sku }
}

pub fn refused(sku: Sku) -> OrderCommand {
    OrderCommand::StockRefused { sku, available: 1 }
}

pub fn line_committed(sku: Sku) -> OrderCommand {
    OrderCommand::ReservationCommitted { sku }
}

pub fn commit_refused(sku: Sku) -> OrderCommand {
    OrderCommand::CommitRefused { sku }
}

pub fn declined() -> OrderCommand {
    OrderCommand::PaymentDeclined { code: "card_declined".to_owned(), message: "Your card was declined.".to_owned() }
}

pub fn captured() -> OrderCommand {
    OrderCommand::PaymentCaptured { amount: euro(4_500) }
}

pub fn capture_failed() -> OrderCommand {
    OrderCommand::CaptureFailed { code: "expired".to_owned(), message: "The authorisation is gone.".to_owned() }
}

pub fn void_failed() -> OrderCommand {
    OrderCommand::VoidFailed { code: "unknown".to_owned(), message: "No such payment.".to_owned() }
}

pub fn refunded(amount: i64) -> OrderCommand {
    OrderCommand::PaymentRefunded { amount: euro(amount) }
}

pub fn refund_failed() -> OrderCommand {
    let (code, message) = ("closed".to_owned(), "The account is closed.".to_owned());
    OrderCommand::RefundFailed { amount: euro(4_500), code, message }
}

pub fn cancel() -> OrderCommand {
    OrderCommand::CancelOrder { reason: Some("changed my mind".to_owned()) }
}

pub fn cancelled() -> OrderEvent {
    OrderEvent::OrderCancelled { reason: Some("changed my mind".to_owned()) }
}

pub fn release() -> InventoryCommand {
    InventoryCommand::ReleaseReservation { order_id: order_id() }
}

pub fn give_back() -> InventoryCommand {
    InventoryCommand::ReturnStock { order_id: order_id() }
}

/// The answer of a rejection, with the lines (from 0) that it failed for.
pub fn rejection(code: &str, detail: &str, lines: &[(usize, Sku)]) -> Settled {
    let rejection = lines.iter().fold(Rejection::new(code, detail), |rejection, (number, sku)| {
        rejection.at(format!("/lines/{number}/sku"), code, sku.as_str())
    });
    Settled::Rejected { rejection }
}

pub fn shown(saga: &Saga) -> OrderView {
    saga.view(ORDER, &()).expect("the order is shown")
}
