//! Histories of a shop, event by event, as its topics would hold them. The ledgers are kept right unless a test spoils
//! them.

use std::{collections::HashMap, time::Duration};

use tradewind::audit::{Books, Place, Verdict};
use tradewind_schemas::{
    Actor, Currency, Envelope, IntentId, MessageId, Money, OrderId, PaymentId, ProductId, Sealed, Sku, Timestamp,
    UserId, discounted,
    inventory::{Entry, EntryKind, InventoryEvent, StockLevel},
    order::{OrderEvent, OrderLine},
    payment::{PaymentEvent, PaymentMethod},
};
use uuid::Uuid;

pub const CUP: &str = "CUP-1";
pub const POT: &str = "POT-1";

#[derive(Clone, Debug)]
pub enum Event {
    Order(Envelope<OrderEvent>),
    Inventory(Envelope<InventoryEvent>),
    Payment(Envelope<PaymentEvent>),
}

pub struct History {
    pub events: Vec<Event>,
    levels: HashMap<String, StockLevel>,
    now: Timestamp,
}

pub fn order_id(number: u128) -> OrderId {
    OrderId::new(Uuid::from_u128(number))
}

pub fn payment_id(number: u128) -> PaymentId {
    PaymentId::new(Uuid::from_u128(number << 64))
}

pub fn intent_id(name: &str) -> IntentId {
    IntentId::derived(Uuid::nil(), name)
}

pub fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

pub fn sku(name: &str) -> Sku {
    name.parse().unwrap()
}

/// Lines of (SKU, quantity, unit price, discount).
pub fn lines(of: &[(&str, i64, i64, i32)]) -> Vec<OrderLine> {
    let line = |(number, (name, quantity, price, discount_bp)): (usize, &(&str, i64, i64, i32))| OrderLine {
        id: number as i32 + 1,
        sku: sku(name),
        quantity: *quantity,
        unit_price: usd(*price),
        discount_bp: *discount_bp,
        total: discounted(usd(*price), *quantity, *discount_bp).unwrap(),
        product_id: ProductId::new(Uuid::from_u128(7)),
        product_version: 1,
    };
    of.iter().enumerate().map(line).collect()
}

/// What every order here consists of: two cups, and a pot at a discount; 2 × 14.90 + 49.00 − 10 % = 73.90.
pub fn two_cups_and_a_pot() -> Vec<OrderLine> {
    lines(&[(CUP, 2, 1_490, 0), (POT, 1, 4_900, 1_000)])
}

pub const TOTAL: i64 = 7_390;

impl Default for History {
    fn default() -> Self {
        Self { events: Vec::new(), levels: HashMap::new(), now: Timestamp::from_millis(1_700_000_000_000) }
    }
}

impl History {
    /// A shop with ten of each.
    pub fn stocked() -> Self {
        Self::default().received(CUP, 10).received(POT, 10)
    }

    pub fn later(mut self, by: Duration) -> Self {
        self.now = self.now + by;
        self
    }

    fn around<P: tradewind_schemas::Contract>(&mut self, key: String, payload: P) -> Envelope<P> {
        self.now = self.now + Duration::from_millis(1);
        let id = MessageId::new(Uuid::from_u128(self.events.len() as u128 + 1));
        let actor = Actor::service("test");
        Envelope {
            id,
            key,
            subject_id: None,
            causation_id: None,
            correlation_id: id,
            actor,
            at: self.now,
            request: None,
            cause: None,
            payload,
        }
    }

    pub fn order(mut self, number: u128, event: OrderEvent) -> Self {
        let event = self.around(order_id(number).to_string(), event);
        self.events.push(Event::Order(event));
        self
    }

    pub fn payment(mut self, number: u128, event: PaymentEvent) -> Self {
        let event = self.around(payment_id(number).to_string(), event);
        self.events.push(Event::Payment(event));
        self
    }

    pub fn inventory(mut self, name: &str, event: InventoryEvent) -> Self {
        self.levels.insert(name.to_owned(), event.level().clone());
        let event = self.around(name.to_owned(), event);
        self.events.push(Event::Inventory(event));
        self
    }

    /// An entry of a ledger, with the level that follows from it.
    fn entry(
        self,
        name: &str,
        kind: EntryKind,
        order: Option<u128>,
        quantity: i64,
        event: impl FnOnce(StockLevel) -> InventoryEvent,
    ) -> Self {
        let before = self.levels.get(name).cloned().unwrap_or_default();
        let at = self.now + Duration::from_millis(1);
        let entry = Entry { kind, order_id: order.map(order_id), quantity, at };
        let level = before.after(&entry).expect("a history that cannot be: spoil it afterwards");
        self.inventory(name, event(level))
    }

    pub fn received(self, name: &str, quantity: i64) -> Self {
        self.entry(name, EntryKind::StockReceived, None, quantity, |level| InventoryEvent::StockReceived {
            quantity,
            level,
            command_id: None,
        })
    }

    pub fn adjusted(self, name: &str, delta: i64) -> Self {
        let reason = "counted".to_owned();
        self.entry(name, EntryKind::StockAdjusted, None, delta, |level| InventoryEvent::StockAdjusted {
            delta,
            reason,
            level,
            command_id: None,
        })
    }

    pub fn reserved(self, name: &str, order: u128, quantity: i64) -> Self {
        let (until, order_id) = (self.now + Duration::from_secs(900), order_id(order));
        self.entry(name, EntryKind::StockReserved, Some(order), quantity, |level| InventoryEvent::StockReserved {
            order_id,
            quantity,
            until,
            level,
        })
    }

    pub fn refused(self, name: &str, order: u128, quantity: i64) -> Self {
        let order_id = order_id(order);
        self.entry(name, EntryKind::StockRefused, Some(order), quantity, |level| InventoryEvent::StockRefused {
            order_id,
            quantity,
            level,
        })
    }

    pub fn committed(self, name: &str, order: u128, quantity: i64) -> Self {
        let order_id = order_id(order);
        self.entry(name, EntryKind::ReservationCommitted, Some(order), quantity, |level| {
            InventoryEvent::ReservationCommitted { order_id, quantity, level }
        })
    }

    pub fn repeated(self, name: &str, order: u128, quantity: i64, committed: bool) -> Self {
        let (level, order_id) = (self.levels[name].clone(), order_id(order));
        self.inventory(name, InventoryEvent::ReservationRepeated { order_id, quantity, committed, level })
    }

    pub fn released(self, name: &str, order: u128, quantity: i64) -> Self {
        let order_id = order_id(order);
        self.entry(name, EntryKind::ReservationReleased, Some(order), quantity, |level| {
            InventoryEvent::ReservationReleased { order_id, quantity, level }
        })
    }

    pub fn expired(self, name: &str, order: u128, quantity: i64) -> Self {
        let order_id = order_id(order);
        self.entry(name, EntryKind::ReservationExpired, Some(order), quantity, |level| {
            InventoryEvent::ReservationExpired { order_id, quantity, level }
        })
    }

    pub fn returned(self, name: &str, order: u128, quantity: i64) -> Self {
        let order_id = order_id(order);
        self.entry(name, EntryKind::StockReturned, Some(order), quantity, |level| InventoryEvent::StockReturned {
            order_id,
            quantity,
            level,
        })
    }

    pub fn placed_with(self, number: u128, lines: Vec<OrderLine>, grand_total: Money) -> Self {
        let (placed_at, payment_id) = (self.now, payment_id(number));
        self.order(
            number,
            OrderEvent::OrderPlaced {
                customer_id: UserId::new(Uuid::from_u128(9)),
                lines,
                grand_total,
                ship_country: "DE".to_owned(),
                shipping_address: Sealed { key_id: "k".to_owned(), nonce: vec![0; 12], bytes: vec![1; 32] },
                payment_id,
                payment_method: method(),
                placed_at,
                reserve_until: placed_at + Duration::from_secs(900),
                stock_deadline: placed_at + Duration::from_secs(30),
            },
        )
    }

    pub fn placed(self, number: u128) -> Self {
        self.placed_with(number, two_cups_and_a_pot(), usd(TOTAL))
    }

    /// Placed, and its stock reserved.
    pub fn secured(self, number: u128) -> Self {
        let payment_deadline = self.now + Duration::from_secs(600);
        self.placed(number)
            .reserved(CUP, number, 2)
            .order(number, OrderEvent::LineReserved { sku: sku(CUP) })
            .reserved(POT, number, 1)
            .order(number, OrderEvent::LineReserved { sku: sku(POT) })
            .order(number, OrderEvent::StockSecured { payment_deadline })
    }

    /// … and its payment asked for.
    pub fn asked(self, number: u128) -> Self {
        self.secured(number).requested(number, usd(TOTAL))
    }

    pub fn requested(self, number: u128, amount: Money) -> Self {
        let order_id = order_id(number);
        self.payment(
            number,
            PaymentEvent::PaymentRequested { order_id, amount, method: method(), intent_id: intent_id("authorise") },
        )
    }

    /// … authorised, and its stock committed: the capture is asked for.
    pub fn capturing(self, number: u128) -> Self {
        self.asked(number)
            .payment(number, authorised(number, TOTAL))
            .order(number, OrderEvent::PaymentSecured {})
            .committed(CUP, number, 2)
            .order(number, OrderEvent::LineCommitted { sku: sku(CUP) })
            .committed(POT, number, 1)
            .order(number, OrderEvent::LineCommitted { sku: sku(POT) })
            .order(number, OrderEvent::StockCommitted {})
            .payment(number, capture_requested(number, TOTAL))
    }

    /// … and captured: an order as orders should be.
    pub fn confirmed(self, number: u128) -> Self {
        self.capturing(number)
            .payment(number, captured(number, TOTAL))
            .order(number, OrderEvent::OrderConfirmed { captured: usd(TOTAL) })
    }

    /// … and cancelled after that, with everything given back.
    pub fn cancelled(self, number: u128) -> Self {
        self.confirmed(number)
            .order(number, OrderEvent::OrderCancelled { reason: None })
            .returned(CUP, number, 2)
            .returned(POT, number, 1)
            .payment(number, refund_requested(number, TOTAL))
            .payment(number, refunded(number, TOTAL, TOTAL))
            .order(number, OrderEvent::PaymentReversed { voided: false, refunded: Some(usd(TOTAL)) })
    }

    /// Changes the inventory event of this number (from 0) and leaves everything else as it is.
    pub fn spoil_inventory(mut self, number: usize, how: impl FnOnce(&mut InventoryEvent)) -> Self {
        let mut seen = 0;
        for event in &mut self.events {
            if let Event::Inventory(envelope) = event {
                if seen == number {
                    how(&mut envelope.payload);
                    return self;
                }
                seen += 1;
            }
        }
        panic!("there are only {seen} inventory events");
    }

    /// Leaves out the events for which this says so.
    pub fn without(mut self, left_out: impl Fn(&Event) -> bool) -> Self {
        self.events.retain(|event| !left_out(event));
        self
    }

    /// The books after all of it; each topic is one partition.
    pub fn books(&self) -> Books {
        let mut books = Books::default();
        let mut offsets = [0; 3];
        let mut next = |topic: usize, name| {
            offsets[topic] += 1;
            Place { topic: name, partition: 0, offset: offsets[topic] - 1 }
        };
        for event in &self.events {
            match event {
                Event::Order(event) => books.order(event, next(0, "order.events")),
                Event::Inventory(event) => books.inventory(event, next(1, "inventory.events")),
                Event::Payment(event) => books.payment(event, next(2, "payment.events")),
            }
        }
        books
    }

    pub fn verdict(&self) -> Verdict {
        self.books().verdict()
    }
}

pub fn method() -> PaymentMethod {
    PaymentMethod { kind: "card".to_owned(), token: "tok_visa".to_owned() }
}

pub fn authorised(number: u128, amount: i64) -> PaymentEvent {
    PaymentEvent::PaymentAuthorised {
        order_id: order_id(number),
        intent_id: intent_id("authorise"),
        amount: usd(amount),
        reference: "pi_1".to_owned(),
    }
}

pub fn declined(number: u128) -> PaymentEvent {
    PaymentEvent::PaymentDeclined {
        order_id: order_id(number),
        intent_id: intent_id("authorise"),
        code: "card_declined".to_owned(),
        message: "Your card was declined.".to_owned(),
    }
}

pub fn capture_requested(number: u128, amount: i64) -> PaymentEvent {
    let intent_id = intent_id("capture");
    PaymentEvent::CaptureRequested { order_id: order_id(number), intent_id, amount: usd(amount) }
}

pub fn captured(number: u128, amount: i64) -> PaymentEvent {
    let intent_id = intent_id("capture");
    PaymentEvent::PaymentCaptured { order_id: order_id(number), intent_id, amount: usd(amount) }
}

pub fn void_requested(number: u128, call: bool) -> PaymentEvent {
    PaymentEvent::VoidRequested { order_id: order_id(number), intent_id: call.then(|| intent_id("void")) }
}

pub fn voided(number: u128) -> PaymentEvent {
    PaymentEvent::PaymentVoided { order_id: order_id(number), intent_id: Some(intent_id("void")) }
}

pub fn refund_requested(number: u128, amount: i64) -> PaymentEvent {
    let intent_id = intent_id("refund");
    PaymentEvent::RefundRequested { order_id: order_id(number), intent_id, amount: usd(amount) }
}

pub fn refunded(number: u128, amount: i64, in_all: i64) -> PaymentEvent {
    PaymentEvent::PaymentRefunded {
        order_id: order_id(number),
        intent_id: intent_id("refund"),
        amount: usd(amount),
        refunded: usd(in_all),
    }
}

pub fn rejected(reason: &str) -> OrderEvent {
    OrderEvent::OrderRejected { reason: reason.to_owned(), detail: "as told".to_owned(), skus: Vec::new() }
}
