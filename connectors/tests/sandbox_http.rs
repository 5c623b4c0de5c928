//! The sandbox gateway over plain HTTP: Stripe's semantics, and bad input.

mod harness;

use futures::future::join_all;
use harness::{Answer, KEY, Sandbox, charge_form};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::tempdir;

const INTENTS: &str = "/v1/payment_intents";

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_at_once_with_one_key_make_one_charge_and_get_one_answer() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let form = charge_form("tok_visa");
    let answers = join_all((0..50).map(|_| sandbox.post(INTENTS, "key-1", &form))).await;

    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK && answer.text == answers[0].text));
    assert_eq!(sandbox.totals().await["authorised"], json!({ "count": 1, "amount": 1999 }));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_key_stands_for_one_request_only() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let mut form = charge_form("tok_visa");
    let first = sandbox.post(INTENTS, "key-1", &form).await;
    form.reverse();
    let reordered = sandbox.post(INTENTS, "key-1", &form).await;
    assert_eq!((reordered.replayed, &reordered.text), (true, &first.text), "the order of parameters says nothing");

    form.retain(|(name, _)| *name != "amount");
    form.push(("amount", "2000"));
    let elsewhere = format!("{INTENTS}/{}/capture", first.id());
    for (path, form) in [(INTENTS, form.as_slice()), (&elsewhere, &[])] {
        let answer = sandbox.post(path, "key-1", form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(answer.body["error"]["type"], "idempotency_error", "{path}");
    }
    let totals = sandbox.totals().await;
    assert_eq!((&totals["authorised"]["count"], &totals["captured"]["count"]), (&1.into(), &0.into()));
    sandbox.stop().await;
}

/// A new intent that was brought into a state, by its id.
async fn intent_that_is(sandbox: &Sandbox, state: &str) -> String {
    let token = if state == "declined" { "tok_chargeDeclined" } else { "tok_visa" };
    let key = uuid::Uuid::now_v7().to_string();
    let created = sandbox.post(INTENTS, &key, &charge_form(token)).await;
    let id = match state {
        "declined" => created.body["error"]["payment_intent"]["id"].as_str().expect("the declined intent").to_owned(),
        _ => created.id().to_owned(),
    };
    let steps: &[&str] = match state {
        "captured" => &["capture"],
        "canceled" => &["cancel"],
        "refunded" => &["capture", "refund"],
        _ => &[],
    };
    for step in steps {
        assert_eq!(act(sandbox, &id, step).await.status, StatusCode::OK, "{step} on the way to {state}");
    }
    id
}

async fn act(sandbox: &Sandbox, id: &str, action: &str) -> Answer {
    let key = uuid::Uuid::now_v7().to_string();
    match action {
        "refund" => sandbox.post("/v1/refunds", &key, &[("payment_intent", id)]).await,
        action => sandbox.post(&format!("{INTENTS}/{id}/{action}"), &key, &[]).await,
    }
}

#[tokio::test]
async fn every_state_allows_what_it_should() {
    const UNEXPECTED: &str = "payment_intent_unexpected_state";
    const DONE: &str = "";
    #[rustfmt::skip]
    let table = [
        // state        capture     cancel      refund                      what the state is called
        ("declined",   [UNEXPECTED, DONE,       UNEXPECTED],                "requires_payment_method"),
        ("authorised", [DONE,       DONE,       UNEXPECTED],                "requires_capture"),
        ("captured",   [UNEXPECTED, UNEXPECTED, DONE],                      "succeeded"),
        ("canceled",   [UNEXPECTED, UNEXPECTED, UNEXPECTED],                "canceled"),
        ("refunded",   [UNEXPECTED, UNEXPECTED, "charge_already_refunded"], "succeeded"),
    ];
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    for (state, expected, status) in table {
        for (action, code) in ["capture", "cancel", "refund"].into_iter().zip(expected) {
            let id = intent_that_is(&sandbox, state).await;
            let before = sandbox.get(&format!("{INTENTS}/{id}")).await;
            assert_eq!(before.body["status"], status);
            let answer = act(&sandbox, &id, action).await;
            assert_eq!(answer.code(), code, "{action} of {state}: {}", answer.text);
            let after = sandbox.get(&format!("{INTENTS}/{id}")).await;
            if code == DONE {
                assert_eq!(answer.status, StatusCode::OK);
                assert_ne!(after.text, before.text, "{action} of {state} changes it");
            } else {
                assert_eq!(answer.status, StatusCode::BAD_REQUEST);
                assert_eq!(after.text, before.text, "{action} of {state} leaves it");
            }
        }
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn bad_input_is_refused_by_name_and_changes_nothing() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let long = "x".repeat(501);
    let replaced = [
        ("amount", "0", "amount_too_small"),
        ("amount", "100000000", "amount_too_large"),
        ("amount", "99999999999999999999999", "amount_too_large"),
        ("amount", "-5", "parameter_invalid_integer"),
        ("amount", "+5", "parameter_invalid_integer"),
        ("amount", "12.50", "parameter_invalid_integer"),
        ("amount", "", "parameter_invalid_integer"),
        ("currency", "euro", "parameter_invalid"),
        ("currency", "e1r", "parameter_invalid"),
        ("currency", "", "parameter_missing"),
        ("payment_method", "4242424242424242", "resource_missing"),
        ("payment_method", "TOK_VISA", "resource_missing"),
        ("confirm", "false", "parameter_invalid"),
        ("capture_method", "automatic", "parameter_invalid"),
        ("metadata[payment_id]", &long, "parameter_invalid"),
    ];
    for (name, value, code) in replaced {
        let mut form = charge_form("tok_visa");
        form.retain(|(given, _)| *given != name);
        form.push((name, value));
        let answer = sandbox.post(INTENTS, "key-1", &form).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, code), "{name}={value}");
        assert_eq!(answer.body["error"]["param"], name, "{name}={value}");
        assert!(!answer.text.contains("4242"), "what may be a card number is not repeated");
    }
    for name in ["amount", "currency", "payment_method", "confirm", "capture_method"] {
        let mut form = charge_form("tok_visa");
        form.retain(|(given, _)| *given != name);
        let answer = sandbox.post(INTENTS, "key-1", &form).await;
        assert_eq!((answer.code(), &answer.body["error"]["param"]), ("parameter_missing", &name.into()));
    }
    let added = [
        ("amount", "1999", "parameter_duplicated"),
        ("surprise", "1", "parameter_unknown"),
        ("metadata[]", "1", "parameter_invalid"),
        ("metadata[a][b]", "1", "parameter_invalid"),
        ("metadata[a", "1", "parameter_invalid"),
    ];
    for (name, value, code) in added {
        let mut form = charge_form("tok_visa");
        form.push((name, value));
        assert_eq!(sandbox.post(INTENTS, "key-1", &form).await.code(), code, "{name}={value}");
    }
    let reads = [
        ("/v1/payment_intents/pi_none", 404, "resource_missing"),
        ("/v1/payment_intents/%FF", 400, "request_not_understood"),
        ("/v1/refunds/re_none", 404, "resource_missing"),
        ("/v1/sandbox/requests/nobody", 404, "resource_missing"),
        ("/v1/payment_intents/search", 400, "parameter_missing"),
        ("/v1/payment_intents/search?query=amount:5", 400, "parameter_invalid"),
        ("/v1/payment_intents/search?query=metadata['a']:'b'&limit=101", 400, "parameter_invalid"),
        ("/v1/sandbox/charges?limit=0", 400, "parameter_invalid"),
        ("/v1/sandbox/charges?page=x", 400, "parameter_invalid"),
        ("/v1/sandbox/charges?page=%FF", 400, "parameter_invalid"),
        ("/v1/customers", 404, "request_not_understood"),
        ("/v1/refunds", 405, "request_not_understood"),
    ];
    for (path, status, code) in reads {
        let answer = sandbox.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{path}: {}", answer.text);
    }
    assert_eq!(sandbox.get("/v1/sandbox/requests/key-1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(sandbox.totals().await["authorised"]["count"], 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn requests_that_are_malformed_as_http_are_refused_in_the_same_shape() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let post = || sandbox.request(Method::POST, INTENTS);
    let form = charge_form("tok_visa");
    let long_key = "k".repeat(256);
    let cases = [
        ("no key", post().form(&form), 400, "idempotency_key_required"),
        ("empty key", post().header("idempotency-key", "").form(&form), 400, "idempotency_key_invalid"),
        ("long key", post().header("idempotency-key", &long_key).form(&form), 400, "idempotency_key_invalid"),
        (
            "two keys",
            post().header("idempotency-key", "a").header("idempotency-key", "b").form(&form),
            400,
            "idempotency_key_invalid",
        ),
        ("JSON", post().header("idempotency-key", "a").json(&json!({ "amount": 1 })), 415, "request_not_understood"),
        ("no body", post().header("idempotency-key", "a"), 400, "parameter_missing"),
        (
            "large body",
            post().header("idempotency-key", "a").form(&[("amount", "1".repeat(100_000))]),
            413,
            "request_not_understood",
        ),
    ];
    for (name, request, status, code) in cases {
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{name}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn only_who_knows_the_secret_key_is_heard() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let wrong = [
        None,
        Some(String::new()),
        Some(KEY.to_owned()),
        Some(format!("Bearer {KEY}x")),
        Some(format!("Bearer {}", &KEY[..KEY.len() - 1])),
        Some(format!("Basic {KEY}")),
        Some("Bearer ".to_owned()),
    ];
    for authorization in wrong {
        for path in [INTENTS, "/v1/sandbox/charges", "/nowhere"] {
            let mut request = http.get(format!("{}{path}", sandbox.url));
            if let Some(value) = &authorization {
                request = request.header("authorization", value);
            }
            let answer = Answer::of(request.send().await.unwrap()).await;
            assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "invalid_api_key"));
            assert!(!answer.text.contains(KEY));
        }
    }
    assert_eq!(sandbox.get("/v1/sandbox/charges").await.status, StatusCode::OK);
    sandbox.stop().await;
}

#[tokio::test]
async fn charges_are_found_by_payment_and_counted_page_by_page() {
    let dir = tempdir().unwrap();
    let sandbox = Sandbox::on(dir.path()).await;
    for payment in ["p-1", "p-2", "p-3"] {
        for (key, token) in [("declined", "tok_chargeDeclined"), ("approved", "tok_visa")] {
            let mut form = charge_form(token);
            form.pop();
            form.push(("metadata[payment_id]", payment));
            sandbox.post(INTENTS, &format!("{payment}-{key}"), &form).await;
        }
    }
    let query = "/v1/payment_intents/search?query=metadata['payment_id']:'p-2'";
    let both = sandbox.get(query).await.body;
    assert_eq!((&both["data"].as_array().map(Vec::len), &both["has_more"]), (&Some(2), &false.into()));
    let first = sandbox.get(&format!("{query}&limit=1")).await.body;
    let next = first["next_page"].as_str().expect("a next page");
    let second = sandbox.get(&format!("{query}&limit=1&page={next}")).await.body;
    assert_eq!(json!([first["data"][0], second["data"][0]]), both["data"]);
    assert_eq!(second["next_page"], json!(null));
    let id = both["data"][1]["id"].as_str().expect("an id");
    act(&sandbox, id, "capture").await;

    let first = sandbox.get("/v1/sandbox/charges?limit=2").await.body;
    let next = first["next_page"].as_str().expect("a next page");
    let second = sandbox.get(&format!("/v1/sandbox/charges?limit=2&page={next}")).await.body;
    let names = |page: &serde_json::Value| -> Vec<serde_json::Value> {
        page["data"].as_array().expect("rows").iter().map(|row| row["payment_id"].clone()).collect()
    };
    assert_eq!((names(&first), names(&second)), (vec![json!("p-1"), json!("p-2")], vec![json!("p-3")]));
    assert_eq!(first["totals"]["authorised"], json!({ "count": 3, "amount": 5997 }));
    assert_eq!(first["totals"], second["totals"]);
    let one = sandbox.get("/v1/sandbox/charges?payment_id=p-2").await.body;
    assert_eq!(one["data"][0]["captured"], json!({ "count": 1, "amount": 1999 }));
    assert_eq!(one["totals"]["declined"]["count"], 1);
    sandbox.stop().await;
}
