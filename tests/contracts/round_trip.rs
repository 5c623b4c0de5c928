//! Every variant of every topic, from bytes to types and back.

use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

use tradewind_schemas::{Codec, Contract, kind};
use tradewind_topics::{Topic, list::*};

use crate::{registry::Published, samples::Samples};

const OURS: u32 = 7;
const THE_SAME_UNDER_ANOTHER_ID: u32 = 8;

fn framed(id: u32, datum: &[u8]) -> Vec<u8> {
    [&[0], &id.to_be_bytes()[..], datum].concat()
}

/// Reads and writes samples of each variant, on both ways that a record can be read.
fn survives<K, V: Contract + PartialEq + Debug>(topic: Topic<K, V>) -> &'static str {
    let schema = V::schema(topic.name);
    let published = Published::default().with(THE_SAME_UNDER_ANOTHER_ID, &schema);
    let codec = Codec::<V>::new(topic.name, OURS, Arc::new(published)).expect("a codec");
    for seed in 0..20 {
        for (variant, datum) in Samples::of(&schema, seed).of_each_branch() {
            let here = format!("{}: {variant}, seed {seed}", topic.name);
            let bytes = framed(OURS, &datum);
            let read = codec.decode(&bytes).unwrap_or_else(|e| panic!("{here}: {e}"));
            assert_eq!(kind(&read.payload), variant, "{here}");
            assert_eq!(codec.encode(&read).unwrap_or_else(|e| panic!("{here}: {e}")), bytes, "{here}");
            let resolved = codec.decode(&framed(THE_SAME_UNDER_ANOTHER_ID, &datum));
            assert_eq!(resolved.unwrap_or_else(|e| panic!("{here}, resolved: {e}")), read, "{here}");
        }
    }
    topic.name
}

#[test]
fn every_variant_of_every_topic_survives() {
    let survived = BTreeSet::from([
        survives(IDENTITY_COMMANDS),
        survives(IDENTITY_EVENTS),
        survives(IDENTITY_KEYS),
        survives(IDENTITY_DIRECTORY),
        survives(CATALOG_COMMANDS),
        survives(CATALOG_EVENTS),
        survives(CATALOG_PRODUCTS),
        survives(INVENTORY_COMMANDS),
        survives(INVENTORY_EVENTS),
        survives(ORDER_COMMANDS),
        survives(ORDER_EVENTS),
        survives(ORDER_BY_CUSTOMER),
        survives(PAYMENT_COMMANDS),
        survives(PAYMENT_EVENTS),
        survives(PAYMENT_INTENTS),
        survives(PAYMENT_ATTEMPTS),
        survives(RUNTIME_MEMBERS),
        survives(RUNTIME_SHOP),
        survives(EDGE_REPLIES),
    ]);
    let topics: BTreeSet<&str> = all().iter().map(|topic| topic.name).collect();
    assert_eq!(survived, topics, "a topic is missing from this test");
}
