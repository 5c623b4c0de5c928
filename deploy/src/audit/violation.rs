//! What can be wrong with the books, and where.

use std::fmt;

use tradewind_schemas::{OrderId, PaymentId, Sku};
use tradewind_topics::Offset;

/// A record's place: `inventory.events-2-117`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Without the namespace.
    pub topic: &'static str,
    pub partition: u32,
    pub offset: Offset,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.topic, self.partition, self.offset)
    }
}

/// Whose books are wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Sku(Sku),
    Order(OrderId),
    Payment(PaymentId),
    /// A record that nothing could be made of.
    Record,
    /// All orders and payments together.
    Sum,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sku(sku) => write!(f, "SKU {sku}"),
            Self::Order(id) => write!(f, "order {id}"),
            Self::Payment(id) => write!(f, "payment {id}"),
            Self::Record => f.write_str("a record"),
            Self::Sum => f.write_str("all orders and payments"),
        }
    }
}

macro_rules! invariants {
    ($($variant:ident = $name:literal, $says:literal;)*) => {
        /// What must be true.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Invariant { $(#[doc = $says] $variant),* }

        impl Invariant {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// In a sentence.
            pub fn says(self) -> &'static str {
                match self { $(Self::$variant => $says),* }
            }
        }
    };
}

invariants! {
    Readable = "readable", "every event can be read, and its key is the id of what it is about";
    LedgerConsecutive = "ledger-consecutive", "the entries of a ledger are numbered without a gap";
    LedgerNumbers = "ledger-numbers", "the stock after an entry is the stock before it and what the entry moved";
    LedgerChain = "ledger-chain", "the hash of an entry follows from the entry and the hash before it";
    NothingNegative = "nothing-negative", "no quantity of a SKU is below zero";
    NothingOversold = "nothing-oversold", "no more is promised than is on hand";
    ReservationsMatch = "reservations-match", "stock is committed, released, expired or returned as it was reserved, once, in time";
    StockAddsUp = "stock-adds-up", "what was received and adjusted is on hand; what orders hold is reserved and allocated";
    PlacedOnce = "placed-once", "an order is placed once, before anything else happens to it";
    OrderStory = "order-story", "the events of an order follow each other as the saga says";
    LineTotals = "line-totals", "a line comes to its quantity, price and discount, rounded once";
    GrandTotal = "grand-total", "an order comes to the sum of its lines";
    PaymentStory = "payment-story", "the events of a payment follow each other as the saga says";
    PaymentAmount = "payment-amount", "what is authorised and captured is what the order comes to";
    RefundWithinCapture = "refund-within-capture", "no more is given back than was captured";
    OnePayment = "one-payment", "an order has one payment, and a payment one order";
    OrderKnown = "order-known", "stock and money move for orders that were placed";
    ReservedAsOrdered = "reserved-as-ordered", "what is reserved for an order is what it ordered";
    ConfirmedWithStock = "confirmed-with-stock", "a confirmed order has all of its stock committed";
    ConfirmedWithPayment = "confirmed-with-payment", "a confirmed order has its payment captured, to the cent";
    CaptureNeedsConfirmation = "capture-needs-confirmation", "no money stays captured for an order that was not confirmed";
    EndedWithoutStock = "ended-without-stock", "a rejected or cancelled order holds no stock";
    EndedWithoutMoney = "ended-without-money", "a rejected or cancelled order's money was voided or given back";
    EndsInTime = "ends-in-time", "an order ends by its deadlines";
    NetTotals = "net-totals", "what was captured and not given back is what the order says";
    MoneyAddsUp = "money-adds-up", "all that was captured less all that was refunded is the sum of the orders' net totals";
}

/// What must be true and is not, before it is known whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub invariant: Invariant,
    pub expected: String,
    pub actual: String,
}

impl Breach {
    pub fn new(invariant: Invariant, expected: impl fmt::Display, actual: impl fmt::Display) -> Self {
        Self { invariant, expected: expected.to_string(), actual: actual.to_string() }
    }
}

/// Says it unless it is so.
pub(super) fn ensure(
    so: bool,
    invariant: Invariant,
    expected: impl fmt::Display,
    actual: impl fmt::Display,
) -> Result<(), Breach> {
    if so { Ok(()) } else { Err(Breach::new(invariant, expected, actual)) }
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub breach: Breach,
    pub subject: Subject,
    /// The record that broke it, or the last one about its subject.
    pub place: Option<Place>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Breach { invariant, expected, actual } = &self.breach;
        write!(f, "{} ({}): {}", invariant.name(), invariant.says(), self.subject)?;
        if let Some(place) = &self.place {
            write!(f, ", at {place}")?;
        }
        write!(f, ": expected {expected}, found {actual}")
    }
}
