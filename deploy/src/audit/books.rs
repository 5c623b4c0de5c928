//! The books: everything that the events have said so far, by SKU, order and payment.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use tradewind_schemas::{
    Envelope, OrderId, PaymentId, Sku, Timestamp, inventory::InventoryEvent, order::OrderEvent, payment::PaymentEvent,
};

use super::{
    charge::{self, Charge},
    holding::Holding,
    ledger::Ledger,
    story::{self, Story},
    violation::{Breach, Invariant, Place, Subject, Violation},
};

/// So many violations are kept; the rest is counted.
const KEPT: usize = 20;

/// Feed it each topic's events in the order of their partitions; the topics among each other come in any order.
#[derive(Default)]
pub struct Books {
    /// By number.
    pub(super) ledgers: Vec<Ledger>,
    numbers: HashMap<Sku, usize>,
    /// In order of id, so that the same history always gives the same verdict.
    pub(super) accounts: BTreeMap<OrderId, Account>,
    pub(super) charges: BTreeMap<PaymentId, Charge>,
    pub(super) findings: Findings,
    /// The latest that any event happened.
    pub(super) clock: Timestamp,
    pub(super) lines: u64,
    pub(super) entries: u64,
}

/// All about one order.
#[derive(Default)]
pub struct Account {
    pub story: Option<Story>,
    pub holdings: Vec<Holding>,
    /// As payments say.
    pub payment: Option<PaymentId>,
    /// More has happened to it than was fed.
    pub moved_on: bool,
}

#[derive(Default)]
pub struct Findings {
    pub kept: Vec<Violation>,
    pub count: u64,
}

impl Findings {
    pub fn add(&mut self, subject: Subject, place: Option<Place>, checked: Result<(), Breach>) {
        let Err(breach) = checked else { return };
        self.count += 1;
        if self.kept.len() < KEPT {
            self.kept.push(Violation { breach, subject, place });
        }
    }
}

impl Books {
    pub fn order(&mut self, event: &Envelope<OrderEvent>, place: Place) {
        self.clock = self.clock.max(event.at);
        let Ok(id) = event.key.parse::<OrderId>() else { return self.no_key(&event.key, "an order id", place) };
        let mut wrong = Vec::new();
        let story = self.accounts.entry(id).or_default().story.take();
        let (payload, at) = (&event.payload, event.at);
        if let OrderEvent::OrderPlaced { lines, grand_total, .. } = payload {
            self.lines += lines.len() as u64;
            wrong.push(story::sums(lines, *grand_total));
        }
        let story = match story {
            Some(mut story) => {
                let sku = sku_of(payload).map(|sku| self.number(sku));
                wrong.push(story.check(payload, sku));
                story.take(payload, sku, at, place);
                Some(story)
            }
            None => {
                let begun = Story::begin(payload, place, |line| self.number(&line.sku));
                if begun.is_none() {
                    let actual = tradewind_schemas::kind(payload);
                    wrong.push(Err(Breach::new(Invariant::PlacedOnce, "OrderPlaced first", actual)));
                }
                begun
            }
        };
        self.accounts.entry(id).or_default().story = story;
        wrong.into_iter().for_each(|checked| self.findings.add(Subject::Order(id), Some(place), checked));
    }

    pub fn inventory(&mut self, event: &Envelope<InventoryEvent>, place: Place) {
        self.clock = self.clock.max(event.at);
        let Ok(sku) = event.key.parse::<Sku>() else { return self.no_key(&event.key, "a SKU", place) };
        let (payload, at) = (&event.payload, event.at);
        let number = self.number(&sku);
        let entry = payload.entry(at);
        self.entries += u64::from(entry.is_some());
        let ledger = &mut self.ledgers[number];
        self.findings.add(Subject::Sku(sku), Some(place), ledger.check(payload, at));
        ledger.take(payload, place);
        let repeated = match payload {
            InventoryEvent::ReservationRepeated { order_id, .. } => Some(*order_id),
            _ => None,
        };
        if let Some(id) = entry.and_then(|entry| entry.order_id).or(repeated) {
            let holdings = &mut self.accounts.entry(id).or_default().holdings;
            let known = holdings.iter().position(|holding| holding.sku == number);
            let index = known.unwrap_or_else(|| {
                holdings.push(Holding::new(number, place));
                holdings.len() - 1
            });
            let holding = &mut holdings[index];
            self.findings.add(Subject::Order(id), Some(place), holding.check(payload, at));
            holding.take(payload, place);
        }
    }

    pub fn payment(&mut self, event: &Envelope<PaymentEvent>, place: Place) {
        self.clock = self.clock.max(event.at);
        let Ok(id) = event.key.parse::<PaymentId>() else { return self.no_key(&event.key, "a payment id", place) };
        let (payload, at) = (&event.payload, event.at);
        let checked = match self.charges.get_mut(&id) {
            Some(charge) => {
                let checked = charge.check(payload);
                charge.take(payload, at, place);
                checked
            }
            None => match Charge::begin(payload, at, place) {
                Some(charge) => {
                    self.charges.insert(id, charge);
                    self.join(id, payload)
                }
                None => {
                    let actual = tradewind_schemas::kind(payload);
                    Err(Breach::new(Invariant::PaymentStory, "PaymentRequested first", actual))
                }
            },
        };
        self.findings.add(Subject::Payment(id), Some(place), checked);
    }

    /// A payment begins: its order has no other.
    fn join(&mut self, id: PaymentId, event: &PaymentEvent) -> Result<(), Breach> {
        let account = self.accounts.entry(charge::order_of(event)).or_default();
        match account.payment.replace(id) {
            None => Ok(()),
            Some(other) => Err(Breach::new(Invariant::OnePayment, format_args!("payment {other} alone"), id)),
        }
    }

    /// Something happened to this order that the books are not fed: effects of it may be in them all the same.
    pub fn moved_on(&mut self, key: &str) {
        if let Ok(id) = key.parse::<OrderId>() {
            self.accounts.entry(id).or_default().moved_on = true;
        }
    }

    /// A record of a topic of events that cannot be read.
    pub fn unreadable(&mut self, why: impl fmt::Display, place: Place) {
        self.findings.add(Subject::Record, Some(place), Err(Breach::new(Invariant::Readable, "an event", why)));
    }

    fn no_key(&mut self, key: &str, expected: &str, place: Place) {
        let breach = Breach::new(Invariant::Readable, format_args!("{expected} as the key"), format_args!("{key:?}"));
        self.findings.add(Subject::Record, Some(place), Err(breach));
    }

    /// The SKU's number in the books.
    fn number(&mut self, sku: &Sku) -> usize {
        if let Some(number) = self.numbers.get(sku) {
            return *number;
        }
        self.ledgers.push(Ledger::new(sku.clone()));
        self.numbers.insert(sku.clone(), self.ledgers.len() - 1);
        self.ledgers.len() - 1
    }
}

fn sku_of(event: &OrderEvent) -> Option<&Sku> {
    match event {
        OrderEvent::LineReserved { sku } | OrderEvent::LineCommitted { sku } => Some(sku),
        _ => None,
    }
}
