//! Small runs of the benchmark's workloads: nothing is lost, repeated or wrong, on either log, and the digests are
//! those that Kafka Streams came to on the same input.

use serde_json::Value;
use tradewind_tests::{broker::Broker, process};

/// What Kafka Streams said (`tests/peers/kafka-streams/run bench workload=ledger n=20000 keys=300 phases=drain,verify`,
/// and the same with `theta=0.99`).
const UNIFORM: &str = "d3531e035a37b215";
const ZIPF: &str = "6abfeb2b7c98f2b9";
/// The same of `workload=shuffle`.
const SHUFFLE: &str = "3399031faffba68a";

/// Runs it, and gives its lines, each of which must be ok.
fn bench(arguments: &[&str]) -> Vec<Value> {
    let small = ["--n", "20000", "--keys", "300", "--settle", "0", "--rate", "500", "--secs", "1", "--warm", "0"];
    let output = process::run(&[&["bench"], arguments, &small].concat());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert!(lines.iter().all(|line| line["ok"] == true), "{said}");
    lines
}

fn phases(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter_map(|line| line["phase"].as_str()).collect()
}

#[test]
fn every_phase_of_the_ledger_on_the_embedded_log() {
    let all = "drain,warmdrain,restore,restart,latency,verify";
    let lines = bench(&["ledger", "--phases", all]);
    assert_eq!(phases(&lines).join(","), all);
    assert_eq!(lines[0]["records"], 20_000);
    let [restore, restart] = [&lines[2], &lines[3]].map(|line| line["records_restored"].as_u64().unwrap_or_default());
    assert!(restore >= 300, "{restore} records restored of 300 keys without local state");
    assert!(restart < restore, "{restart} restored with the state at hand, {restore} without");
    assert_eq!(lines[4]["samples"], 500);
    let verified = lines.last().expect("there are lines");
    assert_eq!(verified["inputs"], 40_000 + 64 + 64 + 500);
}

#[test]
fn the_ledger_comes_to_the_peers_digests() {
    let drained = ["ledger", "--phases", "drain,verify"];
    assert_eq!(bench(&drained)[1]["chain_digest"], UNIFORM);
    assert_eq!(bench(&[&drained[..], &["--theta", "0.99"]].concat())[1]["chain_digest"], ZIPF);
}

#[test]
fn every_phase_of_shuffle_on_the_embedded_log() {
    let all = "drain,warmdrain,restore,restart,latency,verify";
    let lines = bench(&["shuffle", "--phases", all]);
    assert_eq!(phases(&lines).join(","), all);
    let [restore, restart] = [&lines[2], &lines[3]].map(|line| line["records_restored"].as_u64().unwrap_or_default());
    assert!(restore >= 300, "{restore} records restored of 300 rules without local state");
    assert!(restart < restore, "{restart} restored with the state at hand, {restore} without");
    let verified = lines.last().expect("there are lines");
    assert_eq!(verified["inputs"], 40_000 + 64 + 64 + 500);
}

#[test]
fn shuffle_comes_to_the_peers_digest() {
    let lines = bench(&["shuffle", "--phases", "drain,verify"]);
    assert_eq!(lines[1]["state_digest"], SHUFFLE);
}

#[test]
fn every_phase_of_shuffle_on_kafka() {
    let brokers = Broker::shared().bootstrap();
    let all = "drain,warmdrain,restore,restart,latency,verify";
    let lines = bench(&["shuffle", "--brokers", &brokers, "--phases", all]);
    assert_eq!(phases(&lines).join(","), all);
    let lines = bench(&["shuffle", "--brokers", &brokers, "--phases", "drain,verify"]);
    assert_eq!(lines[1]["state_digest"], SHUFFLE);
}

#[test]
fn every_phase_of_the_ledger_on_kafka() {
    let brokers = Broker::shared().bootstrap();
    let all = "drain,warmdrain,restore,restart,latency,verify";
    let lines = bench(&["ledger", "--brokers", &brokers, "--phases", all]);
    assert_eq!(phases(&lines).join(","), all);
    let lines = bench(&["ledger", "--brokers", &brokers, "--phases", "drain,verify"]);
    assert_eq!(lines[1]["chain_digest"], UNIFORM);
}

#[test]
fn bare_librdkafka_copies_as_much() {
    let brokers = Broker::shared().bootstrap();
    let bare = process::binary().with_file_name("bare-kafka");
    let bare = bare.to_str().expect("the path is UTF-8");
    let lines = bench(&["ledger", "--brokers", &brokers, "--application", bare, "--phases", "drain,latency"]);
    assert_eq!(lines[0]["outputs"], 20_000);
    // It keeps no state, so each of its processes begins with the first record.
    for phases in ["drain,warmdrain", "latency"] {
        bench(&["shuffle", "--brokers", &brokers, "--application", bare, "--phases", phases]);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, because) in [
        (&["--phases", "warmdrain"][..], "the phase warmdrain goes on from drain"),
        (&["--app-cpu", "1"], "--app-cpu is for an application in a process of its own"),
        (&["--property", "linger.ms=5"], "--property is for Kafka's clients"),
        (&["--keys", "0"], "--keys"),
        (&["--theta", "6"], "it must be a number from 0 to 5"),
        (&["--phases", "sprint"], "sprint"),
        (&["--data-dir", env!("CARGO_MANIFEST_DIR")], "is not empty"),
        (&["--brokers", "127.0.0.1:1"], "is it running"),
    ] {
        let output = process::run(&[&["bench", "ledger"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(because), "{arguments:?}: {said}");
    }
}
