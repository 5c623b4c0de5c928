//! The clients: they receive a little stock, order it many times over, cancel, and say things twice.

use std::collections::BTreeMap;

use bytes::Bytes;
use rand::Rng;
use tradewind_schemas::{
    Currency, MessageId, Money, OrderId, PaymentId, ProductId, Sealed, Sku,
    inventory::InventoryCommand,
    order::{OrderCommand, OrderLine},
    payment::{PaymentCommand, PaymentEvent, PaymentMethod},
};
use tradewind_topics::{
    Append, Offset,
    list::{INVENTORY_COMMANDS, ORDER_COMMANDS, PAYMENT_COMMANDS, PAYMENT_EVENTS},
};
use uuid::Uuid;

use super::{PARTITIONS, codecs::decode, messages, partition_of_topic};
use crate::{log::Isolation, world::World};

const SKUS: [&str; 3] = ["CUP-1", "POT-1", "LID-1"];
const CUSTOMERS: u32 = 4;
/// A card that its bank declines.
pub const DECLINED: &str = "tok_declined";
/// Half the time for which outcomes are kept, in milliseconds: clocks differ.
const KNOWN: i64 = 12 * 3_600_000;
/// What is no record of any topic.
pub const GARBAGE: &[u8] = b"garbage";

#[derive(Default)]
pub struct Clients {
    /// How many commands were given.
    given: u32,
    /// All of them, as they were written.
    said: Vec<(MessageId, Append)>,
    /// How often each reached the log.
    pub deliveries: BTreeMap<MessageId, u32>,
    /// Each with its customer.
    pub orders: Vec<(OrderId, u32)>,
    /// How many records were garbage.
    pub garbage: u32,
    /// How far the events of payments were read, by partition.
    seen: [Offset; PARTITIONS as usize],
}

impl Clients {
    pub fn arrive(&mut self, world: &mut World) {
        if self.given < 3 {
            let sku = SKUS[self.given as usize];
            let quantity = world.rng.random_range(4..14);
            self.receive(world, sku, quantity);
        } else if world.chance(300) {
            self.order(world);
        } else if world.chance(900) {
            self.cancel(world);
        } else if world.chance(250) {
            self.repeat(world);
        } else if world.chance(700) {
            let (sku, quantity) = (SKUS[world.rng.random_range(0..SKUS.len())], world.rng.random_range(1..4));
            self.receive(world, sku, quantity);
        } else if world.chance(2_500) {
            self.count_up(world);
        } else if world.chance(2_500) {
            self.talk_nonsense(world);
        }
    }

    fn next(&mut self) -> String {
        self.given += 1;
        format!("command {}", self.given)
    }

    fn say(&mut self, world: &mut World, (id, append): (MessageId, Append)) {
        self.said.push((id, append.clone()));
        self.deliver(world, id, append.clone());
        // An impatient one says it twice at once.
        if world.chance(8) {
            self.deliver(world, id, append);
        }
    }

    /// Somebody says again what was said within the time that outcomes are kept for.
    fn repeat(&mut self, world: &mut World) {
        let known = |(_, append): &&(MessageId, Append)| append.timestamp > world.now - KNOWN;
        let recent: Vec<_> = self.said.iter().filter(known).collect();
        if recent.is_empty() {
            return;
        }
        let (id, append) = recent[world.rng.random_range(0..recent.len())].clone();
        world.counts.one("duplicates from clients");
        self.deliver(world, id, append);
    }

    fn deliver(&mut self, world: &mut World, id: MessageId, append: Append) {
        *self.deliveries.entry(id).or_default() += 1;
        world.produce(append);
    }

    fn receive(&mut self, world: &mut World, sku: &str, quantity: i64) {
        let (key, name) = (self::sku(sku), self.next());
        let payload = InventoryCommand::ReceiveStock { quantity };
        let command = messages::command(world, INVENTORY_COMMANDS, &key, &name, messages::staff(), payload);
        self.say(world, command);
    }

    /// Somebody counts, and finds one less.
    fn count_up(&mut self, world: &mut World) {
        let (key, name) = (self::sku(SKUS[world.rng.random_range(0..SKUS.len())]), self.next());
        let payload = InventoryCommand::AdjustStock { delta: -1, reason: "broken".to_owned(), force: false };
        let command = messages::command(world, INVENTORY_COMMANDS, &key, &name, messages::staff(), payload);
        self.say(world, command);
    }

    fn talk_nonsense(&mut self, world: &mut World) {
        self.garbage += 1;
        world.counts.one("garbage from clients");
        let to = partition_of_topic(ORDER_COMMANDS.name, world.rng.random_range(0..PARTITIONS));
        let (key, value) = (Some(Bytes::from_static(b"nobody")), Some(Bytes::from_static(GARBAGE)));
        world.produce(Append { to, timestamp: world.now, key, value, headers: Vec::new() });
    }

    fn order(&mut self, world: &mut World) {
        let (customer, name) = (world.rng.random_range(0..CUSTOMERS), self.next());
        let first = world.rng.random_range(0..SKUS.len());
        let lines = world.rng.random_range(1..3);
        let lines: Vec<_> = (0..lines)
            .map(|number| {
                let quantity = world.rng.random_range(1..4);
                line(number, SKUS[(first + number as usize) % SKUS.len()], quantity)
            })
            .collect();
        let token = if world.chance(7) { DECLINED } else { "tok_visa" };
        let id = OrderId::derived(Uuid::NAMESPACE_OID, &name);
        let payload = OrderCommand::PlaceOrder {
            customer_id: messages::customer(customer),
            lines,
            expected_total: None,
            ship_country: "DE".to_owned(),
            shipping_address: Sealed { key_id: "1".to_owned(), nonce: vec![0; 12], bytes: vec![1; 16] },
            payment_method: PaymentMethod { kind: "card".to_owned(), token: token.to_owned() },
            placed_at: None,
        };
        self.orders.push((id, customer));
        world.counts.one("orders");
        let command = messages::command(world, ORDER_COMMANDS, &id, &name, messages::buyer(customer), payload);
        self.say(world, command);
    }

    fn cancel(&mut self, world: &mut World) {
        if self.orders.is_empty() {
            return;
        }
        let (id, customer) = self.orders[world.rng.random_range(0..self.orders.len())];
        let name = self.next();
        world.counts.one("cancellations");
        let payload = OrderCommand::CancelOrder { reason: None };
        let command = messages::command(world, ORDER_COMMANDS, &id, &name, messages::buyer(customer), payload);
        self.say(world, command);
    }

    /// Staff look at payments that were given up, once the gateway is well again.
    pub fn retry_parked(&mut self, world: &mut World) {
        for partition in 0..PARTITIONS {
            let from = self.seen[partition as usize];
            let events = partition_of_topic(PAYMENT_EVENTS.name, partition);
            let (records, position) = world.log.read(&events, from, usize::MAX, Isolation::Committed);
            self.seen[partition as usize] = position;
            for record in records {
                let event =
                    record.value.as_ref().and_then(|value| decode::<PaymentEvent>(PAYMENT_EVENTS.name, value).ok());
                let Some(event) = event else { continue };
                if let (PaymentEvent::AttemptUnsettled { intent_id, parked: true, .. }, Ok(payment)) =
                    (event.payload, event.key.parse::<PaymentId>())
                {
                    let name = format!("staff retry {intent_id} after {} {}", record.source, record.offset);
                    let payload = PaymentCommand::RetryIntent { intent_id };
                    let retry = messages::notice(world, PAYMENT_COMMANDS, &payment, &name, messages::staff(), payload);
                    world.counts.one("payments left to staff");
                    world.produce(retry);
                }
            }
        }
    }

    pub fn is_done(&self, world: &World) -> bool {
        (0..PARTITIONS).all(|partition| {
            let events = partition_of_topic(PAYMENT_EVENTS.name, partition);
            self.seen[partition as usize] >= world.log.written_end(&events)
        })
    }
}

fn sku(name: &str) -> Sku {
    name.parse().expect("a SKU")
}

fn line(number: i32, name: &str, quantity: i64) -> OrderLine {
    let euro = |amount| Money::new(amount, Currency::EUR);
    OrderLine {
        id: number + 1,
        sku: sku(name),
        quantity,
        unit_price: euro(1_000),
        discount_bp: 0,
        total: euro(1_000 * quantity),
        product_id: ProductId::derived(Uuid::NAMESPACE_OID, name),
        product_version: 1,
    }
}
