//! Two tables joined by a foreign key, against a look-up in two maps, whatever partition comes when.

use std::{collections::BTreeMap, sync::Arc};

use apache_avro::AvroSchema;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tradewind_runtime::{
    Codecs, Freshness, Stage,
    joins::{Answer, ForeignKeyJoin, JoinKind, JoiningLeft, JoiningRight, LeftSide, Request, RightSide},
};
use tradewind_schemas::{Key, ProductId, Sku, View};
use tradewind_topics::{Cleanup, Topic, partition_of};
use uuid::Uuid;

use super::{
    in_memory::{PARTITIONS, World, codec},
    on_a_log::{On, Running, Shop, on_both_logs},
};

/// By SKU: which product it belongs to, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.variants", repr = "bare_union")]
enum Variant {
    Listed { product: Option<ProductId>, cents: i64 },
    Unlisted {},
    ProductAnswered { subscription: i64, name: Option<String> },
}

/// By product: what it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.names", repr = "bare_union")]
enum Name {
    Named { name: String },
    Unnamed {},
    Subscribed { left: String, subscription: i64 },
    Unsubscribed { left: String, subscription: i64 },
    GoneOn { after: String },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.offers", repr = "bare_union")]
enum Offer {
    Offered { product: Option<ProductId>, cents: i64, name: Option<String> },
}

/// A row of the left table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Listing {
    product: Option<ProductId>,
    cents: i64,
}

const VARIANTS: Topic<Sku, Variant> = Topic::new("offers.variants", "test", Cleanup::Keep);
const NAMES: Topic<ProductId, Name> = Topic::new("offers.names", "test", Cleanup::Keep);
const OFFERS: Topic<Sku, Offer> = Topic::new("offers", "test", Cleanup::Keep);

macro_rules! join {
    ($join:ident, $left:literal, $right:literal, $kind:expr) => {
        struct $join;

        impl ForeignKeyJoin for $join {
            type LeftKey = Sku;
            type RightKey = ProductId;
            type LeftRecord = Variant;
            type RightRecord = Name;
            type Left = Listing;
            type Right = String;
            type Output = Offer;

            const LEFT_STAGE: &'static str = $left;
            const LEFT: Topic<Sku, Variant> = VARIANTS;
            const RIGHT_STAGE: &'static str = $right;
            const RIGHT: Topic<ProductId, Name> = NAMES;
            const OUTPUT: Topic<Sku, Offer> = OFFERS;
            const RESULTS: View<(), Offer> = View::new($left, 1);
            const KIND: JoinKind = $kind;

            fn left(record: Variant) -> LeftSide<Listing, String> {
                match record {
                    Variant::Listed { product, cents } => LeftSide::Put(Listing { product, cents }),
                    Variant::Unlisted {} => LeftSide::Remove,
                    Variant::ProductAnswered { subscription, name } => {
                        LeftSide::Answer(Answer { subscription, right: name })
                    }
                }
            }

            fn right(record: Name) -> RightSide<String> {
                match record {
                    Name::Named { name } => RightSide::Put(name),
                    Name::Unnamed {} => RightSide::Remove,
                    Name::Subscribed { left, subscription } => {
                        RightSide::Request(Request::Subscribe { left, subscription })
                    }
                    Name::Unsubscribed { left, subscription } => {
                        RightSide::Request(Request::Unsubscribe { left, subscription })
                    }
                    Name::GoneOn { after } => RightSide::Request(Request::GoOn { after }),
                }
            }

            fn foreign_key(listing: &Listing) -> Option<ProductId> {
                listing.product
            }

            fn join(listing: &Listing, name: Option<&String>) -> Option<Offer> {
                offer(listing, name)
            }

            fn ask(request: Request) -> Name {
                match request {
                    Request::Subscribe { left, subscription } => Name::Subscribed { left, subscription },
                    Request::Unsubscribe { left, subscription } => Name::Unsubscribed { left, subscription },
                    Request::GoOn { after } => Name::GoneOn { after },
                }
            }

            fn answer(Answer { subscription, right }: Answer<String>) -> Variant {
                Variant::ProductAnswered { subscription, name: right }
            }
        }
    };
}

join!(Named, "offers.named", "offers.named-right", JoinKind::Inner);
join!(All, "offers.all", "offers.all-right", JoinKind::Left);

/// What costs nothing is no offer.
fn offer(listing: &Listing, name: Option<&String>) -> Option<Offer> {
    let Listing { product, cents } = listing.clone();
    (cents > 0).then(|| Offer::Offered { product, cents, name: name.cloned() })
}

fn codecs() -> Codecs {
    codec(codec(codec(Codecs::default(), VARIANTS, 1), NAMES, 2), OFFERS, 3)
}

/// The left stage, then the right one.
fn stages(kind: JoinKind) -> Vec<Arc<dyn Stage>> {
    match kind {
        JoinKind::Inner => {
            vec![Arc::new(JoiningLeft::<Named>::new(codecs())), Arc::new(JoiningRight::<Named>::new(codecs()))]
        }
        JoinKind::Left => {
            vec![Arc::new(JoiningLeft::<All>::new(codecs())), Arc::new(JoiningRight::<All>::new(codecs()))]
        }
    }
}

fn results(kind: JoinKind) -> View<(), Offer> {
    match kind {
        JoinKind::Inner => Named::RESULTS,
        JoinKind::Left => All::RESULTS,
    }
}

fn sku(n: usize) -> Sku {
    format!("SKU-{n}").parse().expect("a SKU")
}

fn product(n: u128) -> ProductId {
    ProductId::new(Uuid::from_u128(n))
}

const SKUS: usize = 4;
const PRODUCTS: u128 = 3;

#[derive(Clone, Debug)]
enum Happens {
    Left(usize, Option<Listing>),
    LeftErased(usize),
    Right(u128, Option<String>),
    /// This stage takes so many records of this partition, and commits or crashes then.
    Takes {
        stage: usize,
        partition: u32,
        records: usize,
        crashes: bool,
    },
}

fn happens() -> impl Strategy<Value = Happens> {
    let listing = (prop::option::weighted(0.9, 0..PRODUCTS), 0..4i64);
    let listing = listing.prop_map(|(id, cents)| Listing { product: id.map(product), cents });
    prop_oneof![
        4 => (0..SKUS, listing).prop_map(|(key, listing)| Happens::Left(key, Some(listing))),
        1 => (0..SKUS).prop_map(|key| Happens::Left(key, None)),
        1 => (0..SKUS).prop_map(Happens::LeftErased),
        3 => (0..PRODUCTS, prop::option::weighted(0.7, "[a-c]")).prop_map(|(id, name)| Happens::Right(id, name)),
        9 => (0..2usize, 0..PARTITIONS, 1..4usize, prop::bool::weighted(0.1))
            .prop_map(|(stage, partition, records, crashes)| Happens::Takes { stage, partition, records, crashes }),
    ]
}

/// The result for each left row, of what the two tables have.
fn model(kind: JoinKind, happened: &[Happens]) -> BTreeMap<usize, Offer> {
    let (mut left, mut right) = (BTreeMap::new(), BTreeMap::new());
    for happened in happened {
        match happened {
            Happens::Left(key, Some(listing)) => _ = left.insert(*key, listing.clone()),
            Happens::Left(key, None) | Happens::LeftErased(key) => _ = left.remove(key),
            Happens::Right(id, Some(name)) => _ = right.insert(product(*id), name.clone()),
            Happens::Right(id, None) => _ = right.remove(&product(*id)),
            Happens::Takes { .. } => {}
        }
    }
    let joined = left.into_iter().filter_map(|(key, listing)| {
        let name = listing.product.and_then(|id| right.get(&id));
        let is_there = name.is_some() || kind == JoinKind::Left;
        Some((key, offer(&listing, name).filter(|_| is_there)?))
    });
    joined.collect()
}

/// The table that the output topic makes: the last of each key, where it is no tombstone.
fn table(world: &World) -> BTreeMap<String, Offer> {
    let mut table = BTreeMap::new();
    for (key, _, offer) in world.read(OFFERS) {
        match offer {
            Some(offer) => {
                let before = table.insert(key, offer.clone());
                assert_ne!(before, Some(offer), "what is the same as before is not said again");
            }
            None => assert!(table.remove(&key).is_some(), "a tombstone for what was not there"),
        }
    }
    table
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_joined_table_is_what_the_two_tables_say(happens in prop::collection::vec(happens(), 0..80), outer in any::<bool>()) {
        let kind = if outer { JoinKind::Left } else { JoinKind::Inner };
        let mut world = World::new(codecs(), stages(kind));
        // What the left stage has taken of each SKU so far: a result never says anything else of it.
        let mut listed: BTreeMap<usize, Vec<Option<Listing>>> = BTreeMap::new();
        for (at, happens) in (0..).zip(&happens) {
            match happens {
                Happens::Left(key, Some(Listing { product, cents })) => {
                    world.write(VARIANTS, &sku(*key), at, Variant::Listed { product: *product, cents: *cents });
                    listed.entry(*key).or_default().push(Some(Listing { product: *product, cents: *cents }));
                }
                Happens::Left(key, None) => {
                    world.write(VARIANTS, &sku(*key), at, Variant::Unlisted {});
                    listed.entry(*key).or_default().push(None);
                }
                Happens::LeftErased(key) => {
                    world.erase(VARIANTS, &sku(*key), at);
                    listed.entry(*key).or_default().push(None);
                }
                Happens::Right(id, Some(name)) => world.write(NAMES, &product(*id), at, Name::Named { name: name.clone() }),
                Happens::Right(id, None) => world.write(NAMES, &product(*id), at, Name::Unnamed {}),
                Happens::Takes { stage, partition, records, crashes } => {
                    for _ in 0..*records {
                        world.take(*stage, *partition);
                        if *stage == 0 {
                            prop_assert_eq!(stale(&world, kind, *partition, &listed), None);
                        }
                    }
                    match crashes {
                        true => world.crash(*stage, *partition),
                        false => world.commit(*stage, *partition),
                    }
                }
            }
        }
        world.settle();
        prop_assert_eq!(&world.dead_letters, &Vec::<String>::new());
        let expected = model(kind, &happens);
        let by_name: BTreeMap<_, _> = expected.iter().map(|(key, offer)| (sku(*key).text(), offer.clone())).collect();
        prop_assert_eq!(table(&world), by_name, "on the topic");
        for key in 0..SKUS {
            let asked = world.view(0, results(kind), &sku(key));
            prop_assert_eq!(asked, expected.get(&key).cloned().into_iter().collect::<Vec<_>>(), "in the view");
        }
        // Who refers to nothing is not told anything: the left row, its result; the right row, its subscribers.
        let rows: usize = (0..2).flat_map(|stage| (0..PARTITIONS).map(move |n| (stage, n))).map(|(stage, n)| world.rows(stage, n)).sum();
        let left: Vec<_> = listed.values().filter_map(|rows| rows.last().cloned().flatten()).collect();
        let referring = left.iter().filter(|listing| listing.product.is_some()).count();
        let mut named = BTreeMap::new();
        for happens in &happens {
            if let Happens::Right(id, name) = happens {
                named.insert(*id, name.is_some());
            }
        }
        let named = named.values().filter(|there| **there).count();
        prop_assert_eq!(rows, left.len() + expected.len() + referring + named);
    }
}

/// A result that stands in this partition and is not of the left row that its task has taken last.
fn stale(
    world: &World,
    kind: JoinKind,
    partition: u32,
    listed: &BTreeMap<usize, Vec<Option<Listing>>>,
) -> Option<(usize, Offer)> {
    let here = |key: &usize| partition_of(sku(*key).text().as_bytes(), PARTITIONS) == partition;
    (0..SKUS).filter(here).find_map(|key| {
        let Offer::Offered { product, cents, name } = world.view(0, results(kind), &sku(key)).into_iter().next()?;
        let taken =
            world.taken_of(0, &sku(key), |variant: &Variant| !matches!(variant, Variant::ProductAnswered { .. }));
        let row = listed.get(&key).and_then(|rows| rows.get(taken.checked_sub(1)?).cloned().flatten());
        let fits = row == Some(Listing { product, cents });
        (!fits).then_some((key, Offer::Offered { product, cents, name }))
    })
}

/// More refer to one product than are told with one record.
#[test]
fn a_name_that_many_refer_to_reaches_all_of_them() {
    let mut world = World::new(codecs(), stages(JoinKind::Left));
    for n in 0..2_500 {
        world.write(VARIANTS, &sku(n), 0, Variant::Listed { product: Some(product(1)), cents: 1 });
    }
    world.settle();
    for name in ["first", "last"] {
        world.write(NAMES, &product(1), 0, Name::Named { name: name.to_owned() });
    }
    world.settle();
    let last = Offer::Offered { product: Some(product(1)), cents: 1, name: Some("last".to_owned()) };
    assert_eq!(table(&world).values().filter(|offer| **offer == last).count(), 2_500);
}

on_both_logs!(it_runs_on_the_production_worker);

fn it_runs_on_the_production_worker(on: On) {
    let topics = [VARIANTS.name, NAMES.name, OFFERS.name];
    let shop = Shop::open(on, codecs(), &topics, stages(JoinKind::Inner));
    let list = |id: u128| shop.write(VARIANTS, &sku(1), 0, Variant::Listed { product: Some(product(id)), cents: 7 });
    let name = |id: u128, name: &str| shop.write(NAMES, &product(id), 0, Name::Named { name: name.to_owned() });
    let offered = |running: &Running<'_>, wanted: Option<(u128, &str)>| {
        let wanted = wanted.map(|(id, name)| Offer::Offered {
            product: Some(product(id)),
            cents: 7,
            name: Some(name.to_owned()),
        });
        running.until(
            async || running.client.row(Named::RESULTS, &sku(1), &(), Freshness::Any).await,
            |offer| *offer == wanted,
        );
    };
    let running = shop.start();
    list(1);
    name(1, "Cup");
    offered(&running, Some((1, "Cup")));
    running.stop();

    // Who refers to what comes back from the changelogs.
    shop.lose_state();
    let running = shop.start();
    name(1, "Mug");
    offered(&running, Some((1, "Mug")));
    list(2);
    offered(&running, None);
    name(1, "Jug");
    name(2, "Pan");
    offered(&running, Some((2, "Pan")));
    running.stop();
    let (_, _, last) = shop.read(OFFERS).pop().expect("offers");
    assert_eq!(last, Some(Offer::Offered { product: Some(product(2)), cents: 7, name: Some("Pan".to_owned()) }));
}
