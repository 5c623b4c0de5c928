//! The walls of the house, proven: who may know whom, what is absent on purpose, and how long a file may be.

mod faults;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A file longer than this needs a reason here.
const LONGEST: usize = 400;
const LONGER: [(&str, &str); 1] = [("processors/inventory/tests/scenarios.rs", "a table of scenarios")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Tracked and untracked sources, by path below the root.
fn sources(ending: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rooms = vec![root()];
    while let Some(room) = rooms.pop() {
        for entry in fs::read_dir(&room).expect("a folder can be listed") {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "data" {
                rooms.push(path);
            } else if name.ends_with(ending) {
                let text = fs::read_to_string(&path).expect("a source is UTF-8");
                let below = path.strip_prefix(root()).expect("it is below the root").display().to_string();
                found.insert(below, text);
            }
        }
    }
    assert!(!found.is_empty(), "no files end with {ending}");
    found
}

/// What each crate of ours may depend on, tests aside.
fn allowed(name: &str) -> &'static [&'static str] {
    match name {
        "tradewind-schemas" => &[],
        "tradewind-topics" => &["tradewind-schemas"],
        "tradewind-registry" => &["tradewind-schemas", "tradewind-topics"],
        "tradewind-state" => &["tradewind-topics"],
        "tradewind-runtime" => &["tradewind-schemas", "tradewind-topics", "tradewind-state"],
        "tradewind-edge" | "tradewind-connectors" => &["tradewind-schemas", "tradewind-topics", "tradewind-runtime"],
        "tradewind-identity"
        | "tradewind-catalog"
        | "tradewind-inventory"
        | "tradewind-order"
        | "tradewind-payment" => &["tradewind-schemas", "tradewind-topics", "tradewind-runtime"],
        _ => panic!("{name} is a new crate: say here what it may know"),
    }
}

#[test]
fn dependencies_point_one_way() {
    for (path, text) in sources("Cargo.toml") {
        let Some((_, package)) = text.split_once("[package]") else { continue };
        let name = package.split('"').nth(1).unwrap_or_default();
        if matches!(name, "tradewind" | "tradewind-tests") {
            continue;
        }
        let dependencies = text.split_once("\n[dependencies]").map_or("", |(_, rest)| rest);
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let ours: BTreeSet<_> = dependencies
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .filter(|name| name.starts_with("tradewind-"))
            .collect();
        let may: BTreeSet<_> = allowed(name).iter().copied().collect();
        let too_many: Vec<_> = ours.difference(&may).collect();
        assert!(too_many.is_empty(), "{path}: {name} must not know {too_many:?}");
    }
}

#[test]
fn only_two_rooms_know_rocksdb_and_one_knows_kafka() {
    for (path, text) in sources(".rs") {
        let rocksdb = path.starts_with("topics/src/embedded/") || path.starts_with("state/");
        assert!(rocksdb || path.starts_with("tests/") || !text.contains("rocksdb::"), "{path} uses RocksDB");
        let kafka = path.starts_with("topics/src/kafka/");
        assert!(kafka || path.starts_with("tests/") || !text.contains("rdkafka::"), "{path} uses rdkafka");
    }
}

/// Decisions are pure: no clock, chance, environment, thread, file or socket below processors/ but in the runtime.
#[test]
fn capabilities_are_pure() {
    let impure = [
        "SystemTime",
        "Instant::now",
        "rand::",
        "std::env",
        "std::fs",
        "std::net",
        "std::thread",
        "tokio::",
        "static mut",
    ];
    for (path, text) in sources(".rs") {
        if path.starts_with("processors/") && !path.starts_with("processors/runtime/") && path.contains("/src/") {
            for word in impure {
                assert!(!text.contains(word), "{path} uses {word}");
            }
        }
    }
    for (path, text) in sources(".rs") {
        // What carries effects out, follows a topic, and answers who waits.
        let reads_a_clock = ["driver", "replica.rs", "restoring", "serving.rs"];
        let reads_a_clock =
            reads_a_clock.iter().any(|room| path.starts_with(&format!("processors/runtime/src/{room}")));
        if path.starts_with("processors/runtime/src/") && !reads_a_clock {
            assert!(!text.contains("SystemTime") && !text.contains("Instant"), "{path} reads a clock");
        }
    }
}

/// Unsafe code is where librdkafka's raw functions are called, and nowhere else.
#[test]
fn unsafe_code_has_one_room() {
    for (path, text) in sources(".rs") {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let uses = code.filter(|line| line.contains("unsafe {") || line.contains("unsafe impl")).count();
        let raw = path == "topics/src/kafka/raw.rs" || path.starts_with("topics/src/kafka/raw/");
        let room = raw || path.starts_with("tests/tidy/");
        assert!(room || uses == 0, "{path} has unsafe code");
    }
}

#[test]
fn every_capability_has_the_same_insides() {
    for capability in ["identity", "catalog", "inventory", "order", "payment"] {
        for file in ["lib.rs", "commands.rs", "events.rs", "reactions.rs", "views.rs"] {
            let path = root().join("processors").join(capability).join("src").join(file);
            assert!(path.exists(), "{} is missing", path.display());
        }
        let scenarios = root().join("processors").join(capability).join("tests");
        let there = scenarios.join("scenarios.rs").exists() || scenarios.join("scenarios/main.rs").exists();
        assert!(there, "{capability} has no scenarios");
    }
}

#[test]
fn files_have_one_purpose() {
    for (path, text) in sources(".rs") {
        let lines = text.lines().count();
        let reason = LONGER.iter().find(|(file, _)| *file == path);
        assert!(
            lines <= LONGEST || reason.is_some(),
            "{path} has {lines} lines: split it, or give a reason in tests/tidy"
        );
        let room = Path::new(&path);
        for part in room.components().filter_map(|part| part.as_os_str().to_str()) {
            let name = part.trim_end_matches(".rs");
            let junk = ["util", "utils", "helper", "helpers", "common", "misc", "shared", "core"];
            assert!(!junk.contains(&name), "{path}: a room called {name} has no purpose in its name");
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["todo!(", "unimplemented!(", concat!("FIX", "ME"), concat!("TO", "DO:")];
    for (path, text) in sources(".rs") {
        for word in words {
            assert!(path.starts_with("tests/tidy/") || !text.contains(word), "{path} has {word}");
        }
    }
}

/// Every topic of the list has a published contract, and no contract is left over.
#[test]
fn every_topic_has_a_contract() {
    let published: BTreeSet<_> = sources(".avsc")
        .into_keys()
        .filter_map(|path| {
            path.strip_prefix("schemas/contracts/").map(|name| name.trim_end_matches(".avsc").to_owned())
        })
        .collect();
    let topics: BTreeSet<_> = tradewind_topics::list::all().iter().map(|topic| topic.name.to_owned()).collect();
    assert_eq!(published, topics);
}
