//! The interface over HTTP: one story, row by row, told to both implementations.

use serde_json::{Value, json};

use crate::stage::{Embedded, Http, Independent, Registry, free_port, submitted};

const V1: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"}]}"#;
const V2: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"},{"name":"note","type":"string","default":""}]}"#;
const BROKEN: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"int"}]}"#;

/// Request, body, status, and what the answer's body is or, of an object, has.
type Row = (&'static str, String, u16, Value);

fn story() -> Vec<Row> {
    let none = String::new;
    let order = "/subjects/order.events-value";
    let to = |method: &str, rest: &str| -> &'static str { format!("{method} {order}{rest}").leak() };
    let check = "POST /compatibility/subjects/order.events-value/versions/latest";
    let level = |level: &str| json!({ "compatibility": level }).to_string();
    vec![
        ("GET /", none(), 200, json!({})),
        ("GET /mode", none(), 200, json!({ "mode": "READWRITE" })),
        ("GET /mode/order.events-value", none(), 404, json!({ "error_code": 40409 })),
        // Nothing is there yet.
        (to("GET", "/versions"), none(), 404, json!({ "error_code": 40401 })),
        (to("GET", "/versions/latest"), none(), 404, json!({ "error_code": 40401 })),
        (to("POST", ""), submitted(V1), 404, json!({ "error_code": 40401 })),
        ("GET /schemas/ids/1", none(), 404, json!({ "error_code": 40403 })),
        (check, submitted(V1), 200, json!({ "is_compatible": true })),
        // The first version, and again.
        (to("POST", "/versions"), submitted(V1), 200, json!({ "id": 1 })),
        (to("POST", "/versions"), submitted(V1), 200, json!({ "id": 1 })),
        (to("POST", ""), submitted(V1), 200, json!({ "subject": "order.events-value", "version": 1, "id": 1 })),
        (to("POST", ""), submitted(V2), 404, json!({ "error_code": 40403 })),
        ("GET /schemas/ids/1", none(), 200, json!({ "schema": V1 })),
        // What may follow it, and what may not.
        (check, submitted(V2), 200, json!({ "is_compatible": true })),
        (check, submitted(BROKEN), 200, json!({ "is_compatible": false })),
        (to("POST", "/versions"), submitted(BROKEN), 409, json!({ "error_code": 409 })),
        (to("POST", "/versions"), submitted(V2), 200, json!({ "id": 2 })),
        (to("GET", "/versions"), none(), 200, json!([1, 2])),
        (to("GET", "/versions/1"), none(), 200, json!({ "version": 1, "id": 1, "schema": V1 })),
        (to("GET", "/versions/latest"), none(), 200, json!({ "version": 2, "id": 2, "schema": V2 })),
        (to("GET", "/versions/3"), none(), 404, json!({ "error_code": 40402 })),
        (to("GET", "/versions/0"), none(), 422, json!({ "error_code": 42202 })),
        (to("GET", "/versions/first"), none(), 422, json!({ "error_code": 42202 })),
        (
            "POST /compatibility/subjects/order.events-value/versions/9",
            submitted(V2),
            404,
            json!({ "error_code": 40402 }),
        ),
        // One schema has one id, under whatever subject.
        ("POST /subjects/replay-value/versions", submitted(V1), 200, json!({ "id": 1 })),
        ("GET /subjects", none(), 200, json!(["order.events-value", "replay-value"])),
        (
            "GET /schemas/ids/1/versions",
            none(),
            200,
            json!([{ "subject": "order.events-value", "version": 1 }, { "subject": "replay-value", "version": 1 }]),
        ),
        ("GET /schemas/ids/9/versions", none(), 404, json!({ "error_code": 40403 })),
        // What is no schema, and no request.
        (to("POST", "/versions"), submitted(r#"{"type":"nothing"}"#), 422, json!({ "error_code": 42201 })),
        (to("POST", "/versions"), submitted("{"), 422, json!({ "error_code": 42201 })),
        (to("POST", ""), submitted(r#"{"type":"nothing"}"#), 422, json!({ "error_code": 42201 })),
        (to("POST", "/versions"), "{".to_owned(), 400, json!({})),
        ("GET /nowhere", none(), 404, json!({ "error_code": 404 })),
        // Levels.
        ("GET /config/order.events-value", none(), 404, json!({ "error_code": 40408 })),
        ("PUT /config/order.events-value", level("SOMEHOW"), 422, json!({ "error_code": 42203 })),
        ("PUT /config/order.events-value", level("NONE"), 200, json!({ "compatibility": "NONE" })),
        ("GET /config/order.events-value", none(), 200, json!({ "compatibilityLevel": "NONE" })),
        (to("POST", "/versions"), submitted(BROKEN), 200, json!({ "id": 3 })),
        ("PUT /config", level("FULL"), 200, json!({ "compatibility": "FULL" })),
        ("GET /config", none(), 200, json!({ "compatibilityLevel": "FULL" })),
        ("GET /config/replay-value?defaultToGlobal=true", none(), 200, json!({ "compatibilityLevel": "FULL" })),
    ]
}

fn tell(http: &Http) {
    for (request, body, status, expected) in story() {
        let (answered, got) = http.ask(request, &body);
        let has = match (&expected, &got) {
            (Value::Object(expected), Value::Object(got)) => {
                expected.iter().all(|(name, value)| got.get(name) == Some(value))
            }
            (Value::Array(expected), Value::Array(got)) => {
                expected.len() == got.len() && expected.iter().all(|element| got.contains(element))
            }
            _ => false,
        };
        assert!(answered == status && has, "{request} {body}\n expected {status} {expected}\n got {answered} {got}");
    }
}

#[test]
fn the_embedded_registry_answers() {
    let port = free_port();
    let _registry = Embedded::start_at(port);
    tell(&Http::to(port));
}

#[test]
fn the_independent_registry_answers_alike() {
    let port = free_port();
    let _registry = Independent::start_at(port);
    tell(&Http::to(port));
}

#[test]
fn the_embedded_registry_compares_with_all_earlier_versions() {
    let registry = Embedded::start();
    let http = Http::to(registry.port);
    assert_eq!(http.ask("GET /config", "").1["compatibilityLevel"], "BACKWARD_TRANSITIVE");
    assert_eq!(http.ask("GET /schemas/types", "").1, json!(["AVRO"]));
    // Each follows the one before it; the last cannot read the first.
    let field = |kind: &str| format!(r#"{{"type":"record","name":"R","fields":[{kind}]}}"#);
    let versions =
        [field(r#"{"name":"a","type":"int"}"#), field(""), field(r#"{"name":"a","type":"string","default":""}"#)];
    assert_eq!(http.ask("POST /subjects/r/versions", &submitted(&versions[0])).0, 200);
    assert_eq!(http.ask("POST /subjects/r/versions", &submitted(&versions[1])).0, 200);
    let (status, refused) = http.ask("POST /subjects/r/versions", &submitted(&versions[2]));
    assert_eq!(status, 409);
    let message = refused["message"].as_str().unwrap_or_default();
    for part in ["\"r\"", "TYPE_MISMATCH", "'/a'", "string", "int", "oldSchemaVersion: 1", "BACKWARD_TRANSITIVE"] {
        assert!(message.contains(part), "no {part} in: {message}");
    }
    let (_, verdict) = http.ask("POST /compatibility/subjects/r/versions?verbose=true", &submitted(&versions[2]));
    assert_eq!(verdict["is_compatible"], false);
    assert!(verdict["messages"][0].as_str().unwrap_or_default().contains("TYPE_MISMATCH"), "{verdict}");
    let (_, verdict) = http.ask("POST /compatibility/subjects/r/versions/2", &submitted(&versions[2]));
    assert_eq!(verdict, json!({ "is_compatible": true }));
}

#[test]
fn the_embedded_registry_says_what_it_does_not_keep() {
    let registry = Embedded::start();
    let http = Http::to(registry.port);
    let other = json!({ "schema": "{}", "schemaType": "JSON" }).to_string();
    let referring = json!({ "schema": V1, "references": [{ "name": "a", "subject": "a", "version": 1 }] }).to_string();
    let huge = submitted(&format!(r#"{{"type":"fixed","name":"F","size":1,"doc":"{}"}}"#, "x".repeat(1_200_000)));
    for body in [other, referring, huge] {
        let (status, fault) = http.ask("POST /subjects/x/versions", &body);
        assert_eq!((status, &fault["error_code"]), (422, &json!(42201)), "{fault}");
    }
    assert_eq!(http.ask("DELETE /subjects/x", "").1["error_code"], 405);
    assert_eq!(http.ask("POST /subjects/x/versions", &submitted(V1)), (200, json!({ "id": 1 })), "no id was lost");
}
