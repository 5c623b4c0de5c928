//! However many come at once, and whatever they send.

use axum::{
    body::{Body, Bytes},
    http::Request,
};
use futures::{StreamExt, future::join_all, stream};
use serde_json::json;
use tower::ServiceExt;
use tradewind_schemas::Role;

use crate::fakes::{Shopfront, user};

#[tokio::test]
async fn a_hundred_guesses_at_once_are_a_hundred_guesses() {
    let shop = Shopfront::open().await;
    let login = json!({"email": "ada@example.com", "password": "a guess"});
    let answers = join_all((0..100).map(|_| shop.request("POST", "/v1/sessions").json(&login).send())).await;
    let problems: Vec<_> = answers.iter().map(|answer| answer.problem()).collect();
    let count = |status: u16| problems.iter().filter(|problem| problem.0 == status).count();
    assert_eq!((count(401), count(429)), (10, 90), "{problems:?}");
}

#[tokio::test]
async fn half_sent_bodies_leave_the_others_their_room() {
    let shop = Shopfront::open().await;
    let token = shop.token(user(1), Role::Customer);
    let chunk = Bytes::from(vec![b' '; 64 * 1024]);
    // Nearly 1 MiB each, and then nothing more.
    let half_sent = || {
        let chunks = stream::iter(vec![chunk.clone(); 15]).map(Ok::<_, std::io::Error>).chain(stream::pending());
        let request = Request::post("/v1/orders").header("authorization", format!("Bearer {token}"));
        shop.router().oneshot(request.body(Body::from_stream(chunks)).unwrap())
    };
    let mut waiting = Vec::new();
    let refused = loop {
        let mut sending = Box::pin(half_sent());
        match futures::poll!(&mut sending) {
            std::task::Poll::Ready(answer) => break answer.unwrap(),
            std::task::Poll::Pending => waiting.push(sending),
        }
        assert!(waiting.len() < 500, "there is no end to it");
    };
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let small = shop.request("POST", "/v1/orders").bearer(&token).header("idempotency-key", "k").json(&json!({}));
    assert_eq!(small.send().await.problem(), (400, "invalid_body".to_owned()), "it was read");
    drop(waiting);
    let again = futures::poll!(Box::pin(half_sent()));
    assert!(again.is_pending(), "there is room again");
}

#[tokio::test]
async fn strangers_send_little_and_nobody_many_values() {
    let shop = Shopfront::open().await;
    let long = json!({"email": "a@b.cd", "password": "x".repeat(9000), "name": "Ada"});
    for path in ["/v1/users", "/v1/sessions", "/v1/sessions/refresh"] {
        assert_eq!(shop.request("POST", path).json(&long).send().await.problem(), (413, "too_large".to_owned()));
    }
    let token = shop.token(user(1), Role::Merchant);
    let many = json!({"attributes": vec![0; 30_000]});
    let long = json!({"name": "x".repeat(1 << 20)});
    for body in [many, long] {
        let answer = shop.request("POST", "/v1/products").bearer(&token).json(&body).send().await;
        assert_eq!(answer.problem(), (413, "too_large".to_owned()));
    }
}
