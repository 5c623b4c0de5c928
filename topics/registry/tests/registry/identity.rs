//! Which texts are one schema.

use crate::stage::{Embedded, Registry};

const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"total","type":{"type":"record","name":"Money","fields":[{"name":"cents","type":"long"}]}},{"name":"paid","type":"Money"}]}"#;

#[test]
fn writing_a_schema_otherwise_does_not_make_another() {
    let embedded = Embedded::start();
    let registry = &embedded.registry;
    let id = registry.register("a", ORDER).expect("an id");
    let same = [
        // White space and the order of attributes.
        r#"{ "namespace": "shop", "name": "Order", "type": "record", "fields": [{"type": {"name": "Money", "type": "record", "fields": [{"type": "long", "name": "cents"}]}, "name": "total"}, {"type": "Money", "name": "paid"}] }"#,
        // Names in full, and primitive types in an object.
        r#"{"type":"record","name":"shop.Order","fields":[{"name":"total","type":{"type":"record","name":"shop.Money","fields":[{"name":"cents","type":{"type":"long"}}]}},{"name":"paid","type":"shop.Money"}]}"#,
        // What is so anyway.
        r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"total","order":"ascending","type":{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"}]}},{"name":"paid","type":"Money"}]}"#,
    ];
    for text in same {
        assert_eq!(registry.register("a", text).expect("an id"), id, "{text}");
    }
    assert_eq!(registry.lookup("a", ORDER).expect("a version").version, 1);
}

#[test]
fn whatever_a_reader_could_care_about_makes_another() {
    let embedded = Embedded::start();
    let registry = &embedded.registry;
    let mut ids = vec![registry.register("a", ORDER).expect("an id")];
    let others = [
        (r#"{"name":"cents","type":"long"}"#, r#"{"name":"cents","type":"long","default":0}"#),
        (r#"{"name":"cents","type":"long"}"#, r#"{"name":"cents","type":"long","default":1}"#),
        (r#"{"name":"cents","type":"long"}"#, r#"{"name":"cents","type":"long","aliases":["amount"]}"#),
        (r#"{"name":"cents","type":"long"}"#, r#"{"name":"cents","type":"long","doc":"Without fractions."}"#),
        (
            r#"{"name":"cents","type":"long"}"#,
            r#"{"name":"cents","type":{"type":"long","logicalType":"timestamp-millis"}}"#,
        ),
    ];
    for (part, other) in others {
        ids.push(registry.register("a", &ORDER.replace(part, other)).expect("an id"));
    }
    assert_eq!(ids, (1..=6).collect::<Vec<u32>>(), "ids are dense");
}
