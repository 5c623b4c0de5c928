//! What was answered stays so.

use std::{collections::BTreeSet, thread};

use crate::stage::{Embedded, Http, Registry, TOPIC, records, submitted};
use serde_json::json;

fn schema(fields: usize) -> String {
    let fields: Vec<_> = (0..fields).map(|n| json!({ "name": format!("f{n}"), "type": "int", "default": n })).collect();
    json!({ "type": "record", "name": "R", "fields": fields }).to_string()
}

#[test]
fn a_restart_keeps_ids_versions_and_levels() {
    let before = Embedded::start();
    let ids: Vec<u32> = (1..=5).map(|n| before.registry.register("a", &schema(n)).expect("an id")).collect();
    before.registry.register("b", &schema(2)).expect("an id");
    let http = Http::to(before.port);
    http.ask("PUT /config", r#"{"compatibility":"FORWARD"}"#);
    http.ask("PUT /config/a", r#"{"compatibility":"FULL"}"#);
    http.ask("PUT /config/a", r#"{"compatibility":"FULL_TRANSITIVE"}"#);
    let asked = ["/subjects", "/subjects/a/versions", "/subjects/a/versions/3", "/subjects/b/versions/latest"];
    let asked: Vec<_> = asked.iter().chain(&["/config", "/config/a", "/schemas/ids/2/versions"]).collect();
    let told: Vec<_> = asked.iter().map(|path| http.ask(&format!("GET {path}"), "")).collect();
    // Only the latest of each key counts.
    before.log.compact_now().expect("compacted");

    let after = before.restarted();
    let http = Http::to(after.port);
    for (path, told) in asked.iter().zip(told) {
        assert_eq!(http.ask(&format!("GET {path}"), ""), told, "{path}");
    }
    for (n, id) in (1..=5).zip(ids) {
        assert_eq!(after.registry.register("a", &schema(n)).expect("an id"), id);
    }
    assert_eq!(after.registry.register("c", &schema(6)).expect("an id"), 6, "ids go on where they ended");
}

#[test]
fn many_at_once_get_one_id_for_one_schema_and_none_is_left_out() {
    let embedded = Embedded::start();
    let port = embedded.port;
    let ids: BTreeSet<(usize, u64)> = thread::scope(|scope| {
        let one = |worker: usize| {
            let http = Http::to(port);
            move || -> Vec<(usize, u64)> {
                (1..=20)
                    .map(|n| {
                        let subject = format!("POST /subjects/{}/versions", (worker + n) % 3);
                        let (status, answer) = http.ask(&subject, &submitted(&schema(n)));
                        assert_eq!(status, 200, "{answer}");
                        (n, answer["id"].as_u64().expect("an id"))
                    })
                    .collect()
            }
        };
        let workers: Vec<_> = (0..8).map(|worker| scope.spawn(one(worker))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no failure")).collect()
    });
    assert_eq!(ids.len(), 20, "each schema has one id: {ids:?}");
    assert_eq!(ids.iter().map(|(_, id)| *id).collect::<BTreeSet<_>>(), (1..=20).collect());
    let written = records(&embedded.log, TOPIC);
    let keys: BTreeSet<_> = written.iter().collect();
    assert_eq!(keys.len(), written.len(), "no version was written twice");
}
