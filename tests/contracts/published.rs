//! `schemas/contracts/<topic>.avsc` against the Rust types.
//!
//! `UPDATE_CONTRACTS=1 cargo test -p tradewind-tests --test contracts` writes the files anew; review what changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use apache_avro::Schema;
use tradewind_topics::list;

fn contracts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas/contracts")
}

#[test]
fn the_published_contracts_are_those_of_the_types() {
    let update = std::env::var_os("UPDATE_CONTRACTS").is_some_and(|value| value == "1");
    let mut drifted = Vec::new();
    for topic in list::all() {
        let schema = (topic.schema)(topic.name);
        let pretty = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
        let file = contracts().join(format!("{}.avsc", topic.name));
        if update {
            fs::write(&file, &pretty).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        }
        let published = fs::read_to_string(&file).unwrap_or_default();
        let same_form = Schema::parse_str(&published).is_ok_and(|it| it.canonical_form() == schema.canonical_form());
        if !same_form {
            drifted.push(format!("{}: another schema", topic.name));
        } else if published != pretty {
            drifted.push(format!("{}: other words (docs, defaults or layout)", topic.name));
        }
    }
    let published: BTreeSet<String> = fs::read_dir(contracts())
        .expect("schemas/contracts is a directory")
        .map(|file| file.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    let topics: BTreeSet<String> = list::all().iter().map(|topic| format!("{}.avsc", topic.name)).collect();
    assert_eq!(published, topics, "one file for each topic");
    assert!(drifted.is_empty(), "types and contracts differ; review, then UPDATE_CONTRACTS=1:\n{}", drifted.join("\n"));
}

/// Names that other languages' generators can turn into packages and classes.
#[test]
fn every_name_lives_in_the_platform_s_namespace() {
    for topic in list::all() {
        let schema = (topic.schema)(topic.name);
        let Schema::Record(envelope) = &schema else { panic!("{}: not a record", topic.name) };
        let namespace = format!("tradewind.{}", topic.name.replace('-', "_"));
        assert_eq!(envelope.name.namespace(), Some(namespace.as_str()));
        assert_eq!(envelope.name.name(), "Envelope");
        let names = apache_avro::schema::ResolvedSchema::new(&schema).expect("whole");
        for name in names.get_names().keys() {
            let within = name.namespace().unwrap_or_default();
            let capability = topic.name.split('.').next().expect("split yields one");
            let expected = ["tradewind".to_owned(), format!("tradewind.{capability}"), namespace.clone()];
            let shared = ["tradewind.payment", "tradewind.edge"].contains(&within);
            assert!(expected.iter().any(|e| e == within) || shared, "{}: {name} lies in {within:?}", topic.name);
        }
    }
}

/// So that a program that reads several topics can have one class for each name.
#[test]
fn a_name_means_the_same_in_every_topic() {
    let mut known: BTreeMap<String, (&str, String)> = BTreeMap::new();
    for topic in list::all() {
        let schema = (topic.schema)(topic.name);
        let names = apache_avro::schema::ResolvedSchema::new(&schema).expect("whole");
        for (name, definition) in names.get_names() {
            let (first, meaning) = known.entry(name.to_string()).or_insert_with(|| (topic.name, meaning(definition)));
            assert_eq!(*meaning, self::meaning(definition), "{name} in {first} and in {}", topic.name);
        }
    }
}

/// A definition, with other names standing for theirs.
fn meaning(definition: &Schema) -> String {
    match definition {
        Schema::Record(record) => {
            let fields = record.fields.iter().map(|field| format!("{}: {}", field.name, reference(&field.schema)));
            fields.collect::<Vec<_>>().join(", ")
        }
        Schema::Enum(it) => it.symbols.join(", "),
        other => reference(other),
    }
}

fn reference(schema: &Schema) -> String {
    match (schema, schema.name()) {
        (Schema::Array(array), _) => format!("[{}]", reference(&array.items)),
        (Schema::Union(union), _) => union.variants().iter().map(reference).collect::<Vec<_>>().join(" | "),
        (_, Some(name)) => name.to_string(),
        (other, None) => other.canonical_form(),
    }
}

/// A field that comes later must have a default; an optional one has it from the start.
#[test]
fn optional_fields_default_to_null() {
    for topic in list::all() {
        let schema = (topic.schema)(topic.name);
        let names = apache_avro::schema::ResolvedSchema::new(&schema).expect("whole");
        for (name, definition) in names.get_names() {
            let Schema::Record(record) = definition else { continue };
            for field in record.fields.iter().filter(|field| field.is_nullable()) {
                assert_eq!(field.default, Some(serde_json::Value::Null), "{}: {name}.{}", topic.name, field.name);
            }
        }
    }
}
