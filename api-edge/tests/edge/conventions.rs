//! What every answer carries, whatever was asked.

use serde_json::json;
use tradewind_schemas::Role;

use crate::fakes::{Shopfront, user};

#[tokio::test]
async fn a_trace_is_gone_on_with_and_a_request_has_an_id() {
    let shop = Shopfront::open().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let sent = format!("00-{trace}-00f067aa0ba902b7-01");
    let answer =
        shop.request("GET", "/v1/dragons").header("traceparent", &sent).header("x-request-id", "mine").send().await;
    assert_eq!(answer.json()["trace_id"], trace);
    assert!(answer.header("traceparent").starts_with(&format!("00-{trace}-")));
    assert_ne!(answer.header("traceparent"), sent, "the span is ours");
    assert_eq!(answer.header("x-request-id"), "mine");
    let fresh = shop.request("GET", "/livez").header("traceparent", "rubbish").send().await;
    assert_eq!(fresh.header("traceparent").len(), 55);
    assert!(!fresh.header("x-request-id").is_empty());
}

#[tokio::test]
async fn every_answer_carries_a_consistency_token_and_takes_only_ours_back() {
    let shop = Shopfront::open().await;
    let token = shop.token(user(1), Role::Customer);
    let first = shop.request("GET", "/v1/orders").bearer(&token).send().await;
    let ours = first.header("consistency-token").to_owned();
    assert!(!ours.is_empty());
    let ask = async |value: &str| {
        shop.request("GET", "/v1/orders").bearer(&token).header("consistency-token", value).send().await
    };
    assert_eq!(ask(&ours).await.status, 200);
    assert_eq!(ask(&format!("{ours}, {ours}")).await.status, 200);
    let other = Shopfront::open().await;
    let strangers = other.request("GET", "/livez").send().await.header("consistency-token").to_owned();
    for foreign in [strangers.as_str(), "nonsense", &format!("{ours}x")] {
        assert_eq!(ask(foreign).await.problem(), (400, "invalid_consistency_token".to_owned()));
    }
    let forbidden = shop.request("GET", "/v1/orders?customer_id=1").bearer(&token);
    let forbidden = forbidden.header("consistency-token", "nonsense").send().await;
    assert_eq!(forbidden.problem().0, 403, "and what they may, next");
    let order = shop.request("POST", "/v1/orders").bearer(&token).header("consistency-token", "nonsense");
    assert_eq!(order.json(&json!({"placed_at": "now"})).send().await.problem().0, 403);
    let guest = shop.request("GET", "/v1/orders").header("consistency-token", "nonsense").send().await;
    assert_eq!(guest.problem().0, 401, "who asks comes first");
    let missing = shop.request("GET", "/v1/dragons").send().await;
    assert!(!missing.header("consistency-token").is_empty());
}

#[tokio::test]
async fn a_known_resource_is_not_sent_again() {
    let shop = Shopfront::open().await;
    let first = shop.request("GET", "/v1/categories").send().await;
    assert_eq!(first.json(), json!({"items": [], "next_cursor": null}));
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'));
    for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let again = shop.request("GET", "/v1/categories").header("if-none-match", &known).send().await;
        assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), tag);
    }
    let changed = shop.request("GET", "/v1/categories").header("if-none-match", "\"other\"").send().await;
    assert_eq!(changed.status, 200);
}

#[tokio::test]
async fn methods_are_answered_as_http_wants() {
    let shop = Shopfront::open().await;
    let head = shop.request("HEAD", "/v1/categories").send().await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    let wrong = shop.request("PUT", "/v1/categories").send().await;
    assert_eq!(wrong.problem(), (405, "method_not_allowed".to_owned()));
    let allowed = wrong.header("allow");
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    let preflight = shop
        .request("OPTIONS", "/v1/orders")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization, idempotency-key")
        .send()
        .await;
    assert_eq!(preflight.status, 200);
    assert!(!preflight.header("access-control-allow-origin").is_empty());
    assert!(preflight.header("access-control-allow-headers").contains("idempotency-key"));
}

#[tokio::test]
async fn both_ports_say_whether_they_are_ready_and_one_what_it_measures_and_no_more() {
    let shop = Shopfront::open().await;
    assert_eq!(shop.request("GET", "/readyz").send().await.json(), json!({"ready": true, "waiting_for": []}));
    assert_eq!(shop.request("GET", "/metrics").send().await.status, 404, "not for the public");
    use tower::ServiceExt;
    for (path, expected) in [("/livez", "live"), ("/readyz", "ready"), ("/metrics", "tradewind_http_requests_total")] {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let response = shop.edge.admin_router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let text = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(String::from_utf8_lossy(&text).contains(expected), "{path}");
    }
    // Scraped from other machines, it must tell nobody anything: no route for clients is on it.
    for path in ["/", "/v1/orders", "/v1/products", "/openapi.json", "/tap", "/audit", "/registry/subjects"] {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        assert_eq!(shop.edge.admin_router().oneshot(request).await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn guessing_at_a_password_is_slowed_down() {
    let shop = Shopfront::open().await;
    let login = json!({"email": "ada@example.com", "password": "a guess"});
    let mut answers = Vec::new();
    for _ in 0..11 {
        answers.push(shop.request("POST", "/v1/sessions").json(&login).send().await);
    }
    let refused = answers.pop().unwrap();
    assert!(answers.iter().all(|answer| answer.problem().0 == 401));
    assert_eq!(refused.problem(), (429, "too_many_attempts".to_owned()));
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    let other = json!({"email": "bert@example.com", "password": "a guess"});
    assert_eq!(shop.request("POST", "/v1/sessions").json(&other).send().await.problem().0, 401);
}
