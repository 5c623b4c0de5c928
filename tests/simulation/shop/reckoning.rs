//! Whether the platform's books are right in the end: by the audit, and by what the audit does not look at.

use std::collections::{BTreeMap, BTreeSet};

use tradewind::audit::{Books, Place, Verdict};
use tradewind_runtime::dead_letters;
use tradewind_schemas::{
    Contract, Envelope, MessageId, PaymentId, Sku,
    edge::EdgeReply,
    inventory::{InventoryCommand, InventoryEvent},
    order::{OrderCommand, OrderEvent, OrderStatus},
    payment::{PaymentCommand, PaymentEvent},
};
use tradewind_state::Range;
use tradewind_topics::{
    Record, Topic,
    list::{
        self, EDGE_REPLIES, INVENTORY_COMMANDS, INVENTORY_EVENTS, ORDER_BY_CUSTOMER, ORDER_COMMANDS, ORDER_EVENTS,
        PAYMENT_COMMANDS, PAYMENT_EVENTS, PAYMENT_INTENTS,
    },
};

use super::{
    PARTITIONS,
    client::{Clients, GARBAGE},
    codecs::read_all,
    gateway::Gateway,
    ledger::{self, Said, Stock},
    partition_of_topic,
};
use crate::world::World;

/// The store of a task's views.
const VIEWS: u8 = 2;

type Read<V> = Vec<(Record, Envelope<V>)>;

pub fn reckon(world: &World, clients: &Clients, gateway: &Gateway) -> Result<Verdict, String> {
    let orders = (read_all(world, ORDER_COMMANDS)?, read_all(world, ORDER_EVENTS)?);
    let stock = (read_all(world, INVENTORY_COMMANDS)?, read_all(world, INVENTORY_EVENTS)?);
    let payments = (read_all(world, PAYMENT_COMMANDS)?, read_all(world, PAYMENT_EVENTS)?);
    let verdict = audited(&orders.1, &stock.1, &payments.1, clients)?;
    stock_is_as_modelled(&stock.0, &stock.1)?;
    timers_fired_once(&orders, &stock, &payments)?;
    money_is_where_it_should_be(&payments.1, gateway)?;
    everybody_was_answered(world, clients)?;
    customers_see_their_orders(world, &orders.1)?;
    once(&orders.0, ORDER_COMMANDS)?;
    once(&orders.1, ORDER_EVENTS)?;
    once(&stock.0, INVENTORY_COMMANDS)?;
    once(&stock.1, INVENTORY_EVENTS)?;
    once(&payments.0, PAYMENT_COMMANDS)?;
    once(&payments.1, PAYMENT_EVENTS)?;
    once(&read_all(world, ORDER_BY_CUSTOMER)?, ORDER_BY_CUSTOMER)?;
    once(&read_all(world, PAYMENT_INTENTS)?, PAYMENT_INTENTS)?;
    only_garbage_was_put_aside(world, clients)?;
    Ok(verdict)
}

/// What the topics alone say: no violation, and no order open.
fn audited(
    orders: &Read<OrderEvent>,
    stock: &Read<InventoryEvent>,
    payments: &Read<PaymentEvent>,
    clients: &Clients,
) -> Result<Verdict, String> {
    let mut books = Books::default();
    let place = |topic, record: &Record| Place { topic, partition: record.source.partition, offset: record.offset };
    orders.iter().for_each(|(record, event)| books.order(event, place(ORDER_EVENTS.name, record)));
    stock.iter().for_each(|(record, event)| books.inventory(event, place(INVENTORY_EVENTS.name, record)));
    payments.iter().for_each(|(record, event)| books.payment(event, place(PAYMENT_EVENTS.name, record)));
    let verdict = books.verdict();
    if let Some(violation) = verdict.violations.first() {
        return Err(format!("the audit finds {} violations: {violation}", verdict.violation_count));
    }
    if let Some(open) = verdict.open.first() {
        return Err(format!("the audit finds {} orders open: {open}", verdict.open.len()));
    }
    if verdict.orders() != clients.orders.len() as u64 {
        return Err(format!("{} orders were placed, {} are in the books", clients.orders.len(), verdict.orders()));
    }
    Ok(verdict)
}

/// Each command led to what a plain model says, and no number is below zero.
fn stock_is_as_modelled(commands: &Read<InventoryCommand>, events: &Read<InventoryEvent>) -> Result<(), String> {
    let mut model: BTreeMap<Sku, Stock> = BTreeMap::new();
    for (_, command) in commands {
        let sku = command.key.parse::<Sku>().map_err(|e| e.to_string())?;
        model.entry(sku).or_default().take(command);
    }
    let mut there: BTreeMap<Sku, Vec<Said>> = BTreeMap::new();
    for (record, event) in events {
        let sku = event.key.parse::<Sku>().map_err(|e| e.to_string())?;
        let said = ledger::said(&event.payload);
        if !ledger::sane(&said) {
            return Err(format!("{sku} at {}:{}: {said:?}", record.source, record.offset));
        }
        there.entry(sku).or_default().push(said);
    }
    for (sku, stock) in model {
        let there = there.remove(&sku).unwrap_or_default();
        let wrong = stock.said.iter().zip(&there).position(|(expected, there)| expected != there);
        if wrong.is_some() || there.len() != stock.said.len() {
            let at = wrong.unwrap_or(there.len().min(stock.said.len()));
            let (expected, there) = (stock.said.get(at), there.get(at));
            return Err(format!("entry {at} of {sku}: the model says {expected:?}, the platform {there:?}"));
        }
    }
    Ok(())
}

/// Every timer that an event set came back as one command, not before its time.
fn timers_fired_once(
    orders: &(Read<OrderCommand>, Read<OrderEvent>),
    stock: &(Read<InventoryCommand>, Read<InventoryEvent>),
    payments: &(Read<PaymentCommand>, Read<PaymentEvent>),
) -> Result<(), String> {
    let mut left: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut until = BTreeMap::new();
    let mut timer = |what: &str, key: &str, by| *left.entry((what.to_owned(), key.to_owned())).or_default() += by;
    for (_, event) in &orders.1 {
        match &event.payload {
            OrderEvent::OrderPlaced { .. } | OrderEvent::StockDeadlineExtended { .. } => timer("stock", &event.key, 1),
            OrderEvent::StockSecured { .. } => timer("payment", &event.key, 1),
            _ => {}
        }
    }
    for (_, command) in &orders.0 {
        match &command.payload {
            OrderCommand::StockDeadlinePassed {} => timer("stock", &command.key, -1),
            OrderCommand::PaymentDeadlinePassed {} => timer("payment", &command.key, -1),
            _ => {}
        }
    }
    for (_, event) in &stock.1 {
        if let InventoryEvent::StockReserved { order_id, until: due, .. } = &event.payload {
            let key = format!("{} for {order_id}", event.key);
            timer("expiry", &key, 1);
            until.insert(key, *due);
        }
    }
    for (_, command) in &stock.0 {
        if let InventoryCommand::ExpireReservation { order_id } = &command.payload {
            let key = format!("{} for {order_id}", command.key);
            timer("expiry", &key, -1);
            if until.get(&key).is_none_or(|due| command.at < *due) {
                return Err(format!("the reservation of {key} expired at {}, too early", command.at));
            }
        }
    }
    for (_, event) in &payments.1 {
        if let PaymentEvent::AttemptUnsettled { intent_id, retry_at: Some(_), .. } = &event.payload {
            timer("retry", &intent_id.to_string(), 1);
        }
    }
    for (_, command) in payments.0.iter().filter(|(_, command)| command.actor.is_service()) {
        if let PaymentCommand::RetryIntent { intent_id } = &command.payload {
            timer("retry", &intent_id.to_string(), -1);
        }
    }
    match left.into_iter().find(|(_, left)| *left != 0) {
        Some(((what, key), left)) => Err(format!("the timer {what} of {key}: {left} more set than fired")),
        None => Ok(()),
    }
}

/// The gateway's own books say what the payments say: one charge each at most, nothing held any more.
fn money_is_where_it_should_be(payments: &Read<PaymentEvent>, gateway: &Gateway) -> Result<(), String> {
    let mut expected: BTreeMap<PaymentId, (i64, i64)> = BTreeMap::new();
    for (_, event) in payments {
        let id = event.key.parse::<PaymentId>().map_err(|e| e.to_string())?;
        let (captured, refunded) = expected.entry(id).or_default();
        match &event.payload {
            PaymentEvent::PaymentCaptured { amount, .. } => *captured += amount.amount,
            PaymentEvent::PaymentRefunded { amount, .. } => *refunded += amount.amount,
            _ => {}
        }
    }
    for (reference, charge) in &gateway.accounts.charges {
        if charge.held {
            return Err(format!("{reference} holds money of a payment that is over: {charge:?}"));
        }
        let (captured, refunded) = expected.entry(charge.payment).or_default();
        *captured -= charge.captured;
        *refunded -= charge.refunded;
    }
    match expected.into_iter().find(|(_, difference)| *difference != (0, 0)) {
        Some((id, difference)) => {
            Err(format!("payment {id} and the gateway differ by {difference:?} (captured, refunded)"))
        }
        None => Ok(()),
    }
}

/// Whoever said something was answered, the same each time, and not more often than it was said.
fn everybody_was_answered(world: &World, clients: &Clients) -> Result<(), String> {
    let mut answers: BTreeMap<MessageId, Vec<_>> = BTreeMap::new();
    for (_, reply) in read_all(world, EDGE_REPLIES)? {
        let EdgeReply::Outcome { command_id, outcome, .. } = reply.payload;
        answers.entry(command_id).or_default().push(outcome);
    }
    for (id, said) in &clients.deliveries {
        let answers = answers.remove(id).unwrap_or_default();
        if answers.is_empty() || answers.len() as u32 > *said {
            return Err(format!("{id} was said {said} times and answered {} times", answers.len()));
        }
        if answers.iter().any(|answer| *answer != answers[0]) {
            return Err(format!("{id} was answered differently: {answers:?}"));
        }
    }
    match answers.keys().next() {
        Some(id) => Err(format!("{id} was answered, and never said")),
        None => Ok(()),
    }
}

/// The list of each customer's orders says how each ended.
fn customers_see_their_orders(world: &World, events: &Read<OrderEvent>) -> Result<(), String> {
    let mut expected = BTreeMap::new();
    for (_, event) in events {
        let status = match &event.payload {
            OrderEvent::OrderPlaced { .. } => OrderStatus::Placed,
            OrderEvent::OrderConfirmed { .. } => OrderStatus::Confirmed,
            OrderEvent::OrderRejected { .. } => OrderStatus::Rejected,
            OrderEvent::OrderCancelled { .. } => OrderStatus::Cancelled,
            _ => continue,
        };
        let id = event.key.parse::<tradewind_schemas::OrderId>().map_err(|e| e.to_string())?;
        expected.insert(id.uuid(), status as u8);
    }
    let Some(group) = world.groups.iter().find(|group| group.names.stage == "order.by-customer") else {
        return Err("nobody lists orders".to_owned());
    };
    for (partition, owner) in &group.owners {
        let state = world.members[*owner].worker.as_ref().and_then(|worker| worker.state(*partition));
        let rows = state.ok_or("a partition has no task")?.scan(VIEWS, Range::prefix(&[]), usize::MAX);
        for (row, value) in rows.map_err(|e| e.to_string())? {
            // A row ends with the order's id; a value is its format and then the status.
            let id = row.last_chunk::<16>().map(|id| uuid::Uuid::from_bytes(*id)).ok_or("a row without an order")?;
            let shown = value.get(1).copied();
            if expected.remove(&id) != shown {
                return Err(format!("the customer's list shows {id} as {shown:?}"));
            }
        }
    }
    match expected.keys().next() {
        Some(id) => Err(format!("order {id} is in no customer's list")),
        None => Ok(()),
    }
}

/// Every message of the platform's own is on its topic once.
fn once<K, V: Contract>(read: &Read<V>, topic: Topic<K, V>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for (record, envelope) in read.iter().filter(|(_, envelope)| envelope.request.is_none()) {
        if !seen.insert(envelope.id) {
            let what = tradewind_schemas::kind(&envelope.payload);
            return Err(format!("{what} of {} is on {} twice, again at {}", envelope.key, topic.name, record.offset));
        }
    }
    Ok(())
}

fn only_garbage_was_put_aside(world: &World, clients: &Clients) -> Result<(), String> {
    let mut letters = 0;
    for topic in list::all() {
        for partition in 0..PARTITIONS {
            for letter in world.log.all(&partition_of_topic(&dead_letters(topic.name), partition)) {
                if letter.value.as_deref() != Some(GARBAGE) {
                    return Err(format!("{:?} lies in the dead letters of {}", letter.key, topic.name));
                }
                letters += 1;
            }
        }
    }
    if letters == clients.garbage {
        return Ok(());
    }
    Err(format!("{} records were garbage, {letters} lie in the dead letters", clients.garbage))
}
