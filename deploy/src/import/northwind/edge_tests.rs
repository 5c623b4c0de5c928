//! The dealings with an edge that answers by a script.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::*;

/// Status and body, next first.
type Answers = VecDeque<(u16, Value)>;
/// Method and path, and the headers.
type Asked = Vec<(String, HeaderMap)>;

/// What is answered next, and what was asked.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<(Answers, Asked)>>);

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let mut script = script.0.lock().unwrap();
    let asked = format!("{} {}", request.method(), request.uri().path());
    script.1.push((asked, request.headers().clone()));
    let (status, body) = script.0.pop_front().expect("the script goes on");
    (StatusCode::from_u16(status).unwrap(), [("retry-after", "0")], axum::Json(body)).into_response()
}

impl Script {
    /// Serves these answers, one after the other.
    async fn of(answers: impl IntoIterator<Item = (u16, Value)>) -> (Self, String) {
        let script = Self::default();
        script.0.lock().unwrap().0.extend(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (script, base)
    }

    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().1.iter().map(|(asked, _)| asked.clone()).collect()
    }

    fn header(&self, at: usize, name: &str) -> String {
        self.0.lock().unwrap().1[at].1.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }
}

fn credentials() -> Credentials {
    Credentials { email: "admin@shop.example".to_owned(), password: SecretString::from("correct horse") }
}

fn session(token: &str) -> (u16, Value) {
    (201, json!({"access_token": token}))
}

#[tokio::test]
async fn a_request_is_repeated_with_its_key_until_it_is_decided() {
    let later = json!({"code": "unavailable"});
    let (script, base) = Script::of([
        session("one"),
        (202, json!({"id": "1", "status": "placed"})),
        (503, later.clone()),
        (429, later),
        (201, json!({"id": "1"})),
    ])
    .await;
    let edge = Edge::log_in(&format!("{base}/"), credentials()).await.unwrap();
    let order = edge.post("/v1/orders", As::Administrator, "k", &json!({})).await.unwrap().success().unwrap();
    assert_eq!(order, json!({"id": "1"}));
    assert_eq!(script.asked()[1..], ["POST /v1/orders"; 4]);
    for at in 1..5 {
        assert_eq!(
            (script.header(at, "idempotency-key"), script.header(at, "authorization")),
            ("k".into(), "Bearer one".into())
        );
    }
}

#[tokio::test]
async fn an_expired_session_is_renewed() {
    let (script, base) = Script::of([
        session("one"),
        (401, json!({"code": "invalid_token"})),
        session("two"),
        (200, json!({"items": []})),
    ])
    .await;
    let edge = Edge::log_in(&base, credentials()).await.unwrap();
    assert_eq!(edge.list("/v1/categories").await.unwrap(), Vec::<Value>::new());
    assert_eq!(script.header(3, "authorization"), "Bearer two");
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    let page = |items: Value, next: Value| (200, json!({"items": items, "next_cursor": next}));
    let (_, base) = Script::of([session("one"), page(json!([1, 2]), json!("c")), page(json!([3]), json!(null))]).await;
    let edge = Edge::log_in(&base, credentials()).await.unwrap();
    assert_eq!(edge.list("/v1/products").await.unwrap(), [json!(1), json!(2), json!(3)]);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let wrong = |base: String| async move { format!("{:#}", Edge::log_in(&base, credentials()).await.err().unwrap()) };
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = wrong(format!("http://{nobody}")).await;
    assert!(said.contains(&nobody.to_string()) && said.contains("--edge"), "{said}");
    let (_, base) = Script::of([(401, json!({"code": "invalid_credentials"}))]).await;
    let said = wrong(base).await;
    assert!(said.contains("admin@shop.example") && said.contains("--admin-password"), "{said}");
    assert!(!said.contains("correct horse"), "{said}");
    let (_, base) = Script::of([(404, json!("no such page"))]).await;
    let said = wrong(base).await;
    assert!(said.contains("is that an edge?"), "{said}");
}

#[tokio::test]
async fn a_refusal_says_what_was_asked_and_why_not() {
    let problem = json!({"code": "forbidden", "detail": "Not for you."});
    let (_, base) = Script::of([session("one"), (403, problem)]).await;
    let edge = Edge::log_in(&base, credentials()).await.unwrap();
    let answer = edge.post("/v1/products", As::Administrator, "k", &json!({})).await.unwrap();
    assert_eq!(answer.code(), "forbidden");
    let said = answer.success().unwrap_err().to_string();
    assert!(said.starts_with("POST /v1/products was answered 403") && said.contains("Not for you."), "{said}");
}

#[test]
fn passwords_follow_from_the_administrators_and_differ() {
    let [one, same, other] = ["ALFKI", "ALFKI", "ANATR"].map(|id| credentials().password_of(id));
    assert_eq!((one == same, one == other, one.len()), (true, false, 32));
    let elsewhere = Credentials { password: SecretString::from("another"), ..credentials() };
    assert_ne!(elsewhere.password_of("ALFKI"), one);
}
