//! A replicated table against a map, under random records, wherever the reader begins to follow.

use std::{collections::BTreeMap, sync::Arc};

use apache_avro::AvroSchema;
use proptest::{prelude::*, test_runner::TestRunner};
use serde::{Deserialize, Serialize};
use tradewind_runtime::{Codecs, Replicated};
use tradewind_schemas::{Key, Sku};
use tradewind_topics::{Cleanup, Log, Topic, partition_of};

use super::{
    in_memory::{PARTITIONS, codec},
    on_a_log::{On, PATIENCE, Shop, on_both_logs},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.rates", repr = "bare_union")]
enum Rate {
    Set { number: i64 },
}

const RATES: Topic<Sku, Rate> = Topic::new("rates", "test", Cleanup::Keep);
const KEYS: usize = 6;

fn sku(n: usize) -> Sku {
    format!("SKU-{n}").parse().expect("a SKU")
}

#[derive(Clone, Debug)]
enum Said {
    Set,
    Erased,
    /// What nobody can read is passed over.
    Garbage,
}

fn said() -> impl Strategy<Value = Vec<(usize, Said)>> {
    let said = prop_oneof![6 => Just(Said::Set), 2 => Just(Said::Erased), 1 => Just(Said::Garbage)];
    prop::collection::vec((0..KEYS, said), 1..60)
}

on_both_logs!(it_is_the_last_of_each_key);

fn it_is_the_last_of_each_key(on: On) {
    let config =
        ProptestConfig { cases: 5, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(said(), any::<prop::sample::Index>()), |(mut all, begun)| {
            // What is passed over is behind the table, too, where nothing follows it.
            all.push((0, Said::Garbage));
            check(on, &all, begun.index(all.len()));
            Ok(())
        })
        .unwrap_or_else(|failed| panic!("{failed}"));
}

fn check(on: On, all: &[(usize, Said)], begun: usize) {
    let codecs = codec(Codecs::default(), RATES, 1);
    let shop = Shop::open(on, codecs.clone(), &[RATES.name], Vec::new());
    let log: Arc<dyn Log> = shop.log.clone();
    let mut expected = BTreeMap::<String, i64>::new();
    let (mut early, mut after) = (None, BTreeMap::new());
    for (number, (key, said)) in all.iter().enumerate() {
        if number == begun {
            early = Some(Replicated::follow(&log, &shop.layout, RATES, codecs.clone()).expect("a follower"));
        }
        let key = sku(*key);
        let end = match said {
            Said::Set => {
                expected.insert(key.text(), number as i64);
                shop.write(RATES, &key, 0, Rate::Set { number: number as i64 })
            }
            Said::Erased => {
                expected.remove(&key.text());
                shop.append(RATES, &key, 0, None)
            }
            Said::Garbage => shop.append(RATES, &key, 0, Some(b"garbage".to_vec())),
        };
        after.insert(partition_of(key.text().as_bytes(), PARTITIONS), end + 1);
    }
    let late = Replicated::follow(&log, &shop.layout, RATES, codecs).expect("a follower");
    for table in [early.expect("one that began early"), late] {
        shop.runtime.block_on(table.catch_up()).expect("it catches up");
        let rows = table
            .look(|rows, _| rows.iter().map(|(key, rate)| (key.clone(), number(rate))).collect::<BTreeMap<_, _>>());
        assert_eq!(rows, expected);
        for key in (0..KEYS).map(sku) {
            let (found, position) = table.get(&key);
            assert_eq!(found.map(|rate| number(&rate)), expected.get(&key.text()).copied());
            let partition = partition_of(key.text().as_bytes(), PARTITIONS);
            assert_eq!(position, after.get(&partition).copied().unwrap_or_default(), "it knows how far it has read");
            shop.runtime.block_on(table.reach(partition, position)).expect("it is there");
        }
        assert!(table.lag().is_none_or(|lag| lag < PATIENCE));
        table.stop();
    }
}

fn number(Rate::Set { number }: &Rate) -> i64 {
    *number
}
