//! A stream joined with a table of the same key, against a walk over the records with a map in hand.

use std::{collections::BTreeMap, sync::Arc};

use apache_avro::AvroSchema;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tradewind_runtime::{
    Codecs, Context, Freshness, Sends, Stage,
    joins::{JoinKind, Joining, Side, StreamTableJoin},
};
use tradewind_schemas::{Key, Sku, View};
use tradewind_topics::{Cleanup, Topic, partition_of};

use super::{
    in_memory::{PARTITIONS, World, codec},
    on_a_log::{On, Running, Shop, on_both_logs},
};

/// Both sides: what a SKU costs, and that so many of it were sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.pricing", repr = "bare_union")]
enum Pricing {
    Priced { cents: i64 },
    Withdrawn {},
    Sold { quantity: i64 },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.takings", repr = "bare_union")]
enum Takings {
    Taken { quantity: i64, cents: Option<i64> },
}

const PRICING: Topic<Sku, Pricing> = Topic::new("pricing", "test", Cleanup::Keep);
const TAKINGS: Topic<Sku, Takings> = Topic::new("takings", "test", Cleanup::Keep);

/// What both joins do.
fn side(record: Pricing) -> Side<i64, i64> {
    match record {
        Pricing::Priced { cents } => Side::Put(cents),
        Pricing::Withdrawn {} => Side::Remove,
        Pricing::Sold { quantity } => Side::Stream(quantity),
    }
}

macro_rules! join {
    ($join:ident, $name:literal, $kind:expr) => {
        struct $join;

        impl StreamTableJoin for $join {
            type Key = Sku;
            type Record = Pricing;
            type Stream = i64;
            type Table = i64;

            const STAGE: &'static str = $name;
            const SOURCE: Topic<Sku, Pricing> = PRICING;
            const TABLE: View<(), i64> = View::new($name, 1);
            const KIND: JoinKind = $kind;

            fn side(record: Pricing) -> Side<i64, i64> {
                side(record)
            }

            fn join(quantity: i64, cents: Option<i64>, _: &Context<'_>, to: &mut Sends<Sku>) {
                to.send_on(TAKINGS, Takings::Taken { quantity, cents: cents.map(|cents| cents * quantity) });
            }
        }
    };
}

join!(Known, "pricing.known", JoinKind::Inner);
join!(All, "pricing.all", JoinKind::Left);

fn codecs() -> Codecs {
    codec(codec(Codecs::default(), PRICING, 1), TAKINGS, 2)
}

fn stage(kind: JoinKind) -> Arc<dyn Stage> {
    match kind {
        JoinKind::Inner => Arc::new(Joining::<Known>::new(codecs())),
        JoinKind::Left => Arc::new(Joining::<All>::new(codecs())),
    }
}

#[derive(Clone, Debug)]
enum Said {
    Record(Pricing),
    Tombstone,
}

fn sku(n: usize) -> Sku {
    format!("SKU-{n}").parse().expect("a SKU")
}

/// By key: what is put out, in order, and what the table has at the end.
fn model(kind: JoinKind, records: &[(usize, Said)]) -> BTreeMap<usize, (Vec<Takings>, Option<i64>)> {
    let mut expected = BTreeMap::<usize, (Vec<Takings>, Option<i64>)>::new();
    for (key, said) in records {
        let (out, price) = expected.entry(*key).or_default();
        match said {
            Said::Record(Pricing::Priced { cents }) => *price = Some(*cents),
            Said::Record(Pricing::Withdrawn {}) | Said::Tombstone => *price = None,
            Said::Record(Pricing::Sold { quantity }) if price.is_some() || kind == JoinKind::Left => {
                out.push(Takings::Taken { quantity: *quantity, cents: price.map(|cents| cents * quantity) });
            }
            Said::Record(Pricing::Sold { .. }) => {}
        }
    }
    expected
}

fn records() -> impl Strategy<Value = Vec<(usize, Said, u8)>> {
    let said = prop_oneof![
        2 => (1..9i64).prop_map(|cents| Said::Record(Pricing::Priced { cents })),
        1 => Just(Said::Record(Pricing::Withdrawn {})),
        1 => Just(Said::Tombstone),
        4 => (1..9i64).prop_map(|quantity| Said::Record(Pricing::Sold { quantity })),
    ];
    prop::collection::vec((0..4usize, said, 0..6u8), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_meets_the_table_as_it_was_when_it_came(records in records(), left in any::<bool>()) {
        let kind = if left { JoinKind::Left } else { JoinKind::Inner };
        let mut world = World::new(codecs(), vec![stage(kind)]);
        // Times run backwards: the order of the log counts.
        for (at, (key, said, then)) in (-1_000..0).rev().zip(&records) {
            match said {
                Said::Record(record) => world.write(PRICING, &sku(*key), at, record.clone()),
                Said::Tombstone => world.erase(PRICING, &sku(*key), at),
            }
            let partition = partition_of(sku(*key).text().as_bytes(), PARTITIONS);
            world.take(0, partition);
            match then {
                0 => world.crash(0, partition),
                1 | 2 => world.commit(0, partition),
                _ => {}
            }
        }
        world.settle();
        let records: Vec<_> = records.into_iter().map(|(key, said, _)| (key, said)).collect();
        let (expected, put_out) = (model(kind, &records), world.read(TAKINGS));
        let table = if left { All::TABLE } else { Known::TABLE };
        for key in 0..4 {
            let (takings, price) = expected.get(&key).cloned().unwrap_or_default();
            let got: Vec<_> = put_out.iter().filter(|(of, ..)| *of == sku(key).text()).filter_map(|(.., taken)| taken.clone()).collect();
            prop_assert_eq!(got, takings);
            prop_assert_eq!(world.view(0, table, &sku(key)), price.into_iter().collect::<Vec<_>>());
        }
    }
}

on_both_logs!(it_runs_on_the_production_worker);

fn it_runs_on_the_production_worker(on: On) {
    let shop = Shop::open(on, codecs(), &[PRICING.name, TAKINGS.name], vec![stage(JoinKind::Left)]);
    let running = shop.start();
    shop.write(PRICING, &sku(1), 5, Pricing::Priced { cents: 3 });
    let price = |running: &Running<'_>| {
        running.ask(async || running.client.row(All::TABLE, &sku(1), &(), Freshness::SourceEnd).await)
    };
    assert_eq!(price(&running), Some(3));
    running.stop();

    shop.lose_state();
    let running = shop.start();
    shop.write(PRICING, &sku(1), 4, Pricing::Sold { quantity: 2 });
    shop.write(PRICING, &sku(1), 3, Pricing::Withdrawn {});
    shop.write(PRICING, &sku(1), 2, Pricing::Sold { quantity: 2 });
    assert_eq!(price(&running), None);
    running.stop();
    let taken = |cents| Some(Takings::Taken { quantity: 2, cents });
    let key = sku(1).text();
    assert_eq!(shop.read(TAKINGS), [(key.clone(), 4, taken(Some(6))), (key, 2, taken(None))]);
}
