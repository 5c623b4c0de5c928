//! What docs/engine.md says can be relied on, of random commands on the production worker and both logs: order,
//! time, placement, repartition topics, and what a decision sees.

use std::{collections::BTreeMap, sync::Arc};

use apache_avro::AvroSchema;
use proptest::{prelude::*, test_runner::TestRunner};
use serde::{Deserialize, Serialize};
use tradewind_runtime::{
    Capability, Codecs, Context, Deciding, Entity, Fold, Folding, Freshness, Reactions, Rows, Stage, Views,
};
use tradewind_schemas::{Key, ProductId, Rejection, Sku, Timestamp, View};
use tradewind_topics::{Cleanup, Topic, partition_of};
use uuid::Uuid;

use super::{
    in_memory::{PARTITIONS, codec},
    on_a_log::{On, Running, Shop, on_both_logs},
};

/// By SKU: counted, and told to these products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.counting", repr = "bare_union")]
enum Command {
    Count { number: i64, tell: Vec<ProductId> },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.counting", repr = "bare_union")]
enum Event {
    Counted { number: i64, nth: i64, tell: Vec<ProductId> },
}

/// By product: which count told it, and as which of those whom it told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.telling", repr = "bare_union")]
enum Told {
    By { number: i64, place: i64 },
}

const COMMANDS: Topic<Sku, Command> = Topic::new("counting.commands", "counting", Cleanup::Keep);
const EVENTS: Topic<Sku, Event> = Topic::new("counting.events", "counting", Cleanup::Keep);
const BY_PRODUCT: Topic<ProductId, Told> = Topic::new("counting.by-product", "counting", Cleanup::Keep);
const TOLD: View<(), Vec<i64>> = View::new("counting.by-product", 1);
const SEEN: Rows<i64, i64> = Rows::new(1);

struct Counting;

impl Capability for Counting {
    type Key = Sku;
    type State = i64;
    type Command = Command;
    type Event = Event;

    const NAME: &'static str = "counting";
    const COMMANDS: Topic<Sku, Command> = COMMANDS;
    const EVENTS: Topic<Sku, Event> = EVENTS;

    fn decide(&self, counted: &Entity<'_, i64>, command: &Command, _: &Context<'_>) -> Result<Vec<Event>, Rejection> {
        let Command::Count { number, tell } = command;
        assert_eq!(counted.rows(SEEN, usize::MAX).len() as i64, **counted, "head and rows are of one time");
        Ok(vec![Event::Counted { number: *number, nth: **counted + 1, tell: tell.clone() }])
    }

    fn evolve(counted: &mut Entity<'_, i64>, Event::Counted { number, nth, .. }: &Event, _: Timestamp) {
        **counted = *nth;
        counted.put(SEEN, nth, number);
    }

    fn react(_: &Entity<'_, i64>, Event::Counted { number, tell, .. }: &Event, to: &mut Reactions<Command>) {
        for (place, product) in (0..).zip(tell) {
            to.send(BY_PRODUCT, *product, Told::By { number: *number, place });
        }
    }

    fn view(_: &Entity<'_, i64>, _: &Event, _: Timestamp, _: &mut Views<'_>) {}
}

struct ByProduct;

impl Fold for ByProduct {
    type Key = ProductId;
    type Record = Told;

    const STAGE: &'static str = "counting.by-product";
    const SOURCE: Topic<ProductId, Told> = BY_PRODUCT;

    fn fold(Told::By { number, .. }: &Told, _: &Context<'_>, views: &mut Views<'_>) {
        let mut told = views.get(TOLD, &()).unwrap_or_default();
        told.push(*number);
        views.put(TOLD, &(), &told);
    }
}

fn product(n: u128) -> ProductId {
    ProductId::new(Uuid::from_u128(n))
}

fn sku(n: usize) -> Sku {
    format!("SKU-{n}").parse().expect("a SKU")
}

const PRODUCTS: u128 = 5;

#[derive(Clone, Debug)]
struct Given {
    key: usize,
    /// Clocks differ: it goes back and forth.
    at: i64,
    tell: Vec<u128>,
}

fn given() -> impl Strategy<Value = Vec<Given>> {
    let one = (0..6usize, 1_000..2_000i64, prop::collection::vec(0..PRODUCTS, 0..4));
    prop::collection::vec(one.prop_map(|(key, at, tell)| Given { key, at, tell }), 20..150)
}

on_both_logs!(it_keeps_its_promises);

fn it_keeps_its_promises(on: On) {
    let config =
        ProptestConfig { cases: 4, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(given(), any::<prop::sample::Index>()), |(all, restart)| {
            let restart = restart.index(all.len());
            check(on, &all, restart);
            Ok(())
        })
        .unwrap_or_else(|failed| panic!("{failed}"));
}

fn check(on: On, all: &[Given], restart: usize) {
    let codecs = codec(codec(codec(Codecs::default(), COMMANDS, 1), EVENTS, 2), BY_PRODUCT, 3);
    let counting: Arc<dyn Stage> = Arc::new(Deciding::new(Counting, codecs.clone()));
    let folding: Arc<dyn Stage> = Arc::new(Folding::<ByProduct>::new(codecs.clone()));
    let shop = Shop::open(on, codecs, &[COMMANDS.name, EVENTS.name, BY_PRODUCT.name], vec![counting, folding]);
    let give = |numbers: std::ops::Range<usize>| {
        for number in numbers {
            let Given { key, at, tell } = &all[number];
            let tell = tell.iter().map(|n| product(*n)).collect();
            shop.write(COMMANDS, &sku(*key), *at, Command::Count { number: number as i64, tell });
        }
    };
    let running = shop.start();
    give(0..restart);
    running.stop();
    shop.lose_state();
    let running = shop.start();
    give(restart..all.len());

    // Events: each command's once, under its key, at its time, in the order of its key; each decision saw the earlier.
    let events = running.awaited(EVENTS, all.len());
    let mut nth = BTreeMap::<&str, i64>::new();
    let mut last = BTreeMap::<u32, i64>::new();
    let mut seen = vec![0; all.len()];
    for (key, at, event) in &events {
        let Some(Event::Counted { number, nth: said, .. }) = event else { panic!("an event has a value") };
        let cause = &all[*number as usize];
        assert_eq!((key, *at), (&sku(cause.key).text(), cause.at));
        let nth = nth.entry(key).or_default();
        *nth += 1;
        assert_eq!(said, nth, "a decision sees all that came before it under its key");
        seen[*number as usize] += 1;
        // Commands and events of a key have the same partition number, and a partition's lie in the commands' order.
        let before = last.insert(partition_of(key.as_bytes(), PARTITIONS), *number);
        assert!(before.is_none_or(|before| before < *number), "{number} lies behind {before:?}");
    }
    assert!(seen.iter().all(|times| *times == 1), "each once: {seen:?}");

    // The repartition topic: between a partition and another, in the order of causes, and of one as emitted.
    let told = running.awaited(BY_PRODUCT, all.iter().map(|given| given.tell.len()).sum());
    let mut last = BTreeMap::new();
    let mut by_product = BTreeMap::<String, Vec<i64>>::new();
    for (key, at, told) in &told {
        let Some(Told::By { number, place }) = told else { panic!("it has a value") };
        let cause = &all[*number as usize];
        assert_eq!(*key, product(cause.tell[*place as usize]).text());
        assert_eq!(*at, cause.at);
        let (from, to) =
            (partition_of(sku(cause.key).text().as_bytes(), PARTITIONS), partition_of(key.as_bytes(), PARTITIONS));
        let before = last.insert((from, to), (*number, *place));
        assert!(before.is_none_or(|before| before < (*number, *place)), "{number} {place} behind {before:?}");
        by_product.entry(key.clone()).or_default().push(*number);
    }
    for n in 0..PRODUCTS {
        assert_eq!(told_to(&running, product(n)), by_product.get(&product(n).text()).cloned().unwrap_or_default());
    }
    running.stop();
}

fn told_to(running: &Running<'_>, product: ProductId) -> Vec<i64> {
    running.ask(async || running.client.row(TOLD, &product, &(), Freshness::SourceEnd).await).unwrap_or_default()
}
