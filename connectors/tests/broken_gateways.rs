//! Gateways that answer nonsense, half an answer, or nothing: whatever they say, the client calls it unknown.

mod harness;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use harness::{call, charge, client};
use tradewind_connectors::stripe::{Doubt, Lookup, Outcome};

/// Answers every request with the same bytes, then closes the connection.
fn gateway_that_says(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // The client may hang up on an answer like this.
            answer(stream, &bytes).ok();
        }
    });
    url
}

fn answer(mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk)? {
            0 => break,
            length => request.extend_from_slice(&chunk[..length]),
        }
    }
    stream.write_all(bytes)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    body.len() >= length
}

fn http(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn intent(amount: i64, currency: &str, status: &str) -> Vec<u8> {
    let body = serde_json::json!({
        "id": "pi_1", "object": "payment_intent", "amount": amount, "amount_received": 0,
        "currency": currency, "status": status,
    });
    http("200 OK", &body.to_string())
}

#[derive(Debug, PartialEq)]
enum Kind {
    Broken,
    Busy,
    Garbage,
    ServerError,
    Unauthorised,
}

fn kind(doubt: &Doubt) -> Kind {
    match doubt {
        Doubt::Broken(_) => Kind::Broken,
        Doubt::Busy { .. } => Kind::Busy,
        Doubt::Garbage { .. } => Kind::Garbage,
        Doubt::ServerError { .. } => Kind::ServerError,
        Doubt::Unauthorised { .. } => Kind::Unauthorised,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nonsense_is_unknown_to_calls_and_lookups_alike() {
    let html = "<html>Something went wrong</html>";
    let cut_short = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"id\": \"pi_1\"".to_vec();
    let cases = [
        ("closes without a word", Vec::new(), Kind::Broken),
        ("closes within the head", b"HTTP/1.1 200 OK\r\ncont".to_vec(), Kind::Broken),
        ("closes within the body", cut_short, Kind::Broken),
        ("speaks another language", b"220 mail.example ESMTP\r\n".to_vec(), Kind::Broken),
        ("answers a page", http("200 OK", html), Kind::Garbage),
        ("answers nothing", http("200 OK", ""), Kind::Garbage),
        ("answers another shape", http("200 OK", r#"{"ok": true}"#), Kind::Garbage),
        ("answers without end", http("200 OK", &"x".repeat(1_000_000)), Kind::Garbage),
        ("redirects", http("302 Found\r\nlocation: http://127.0.0.1:1/", ""), Kind::Garbage),
        ("knows no such page", http("404 Not Found", html), Kind::Garbage),
        ("refuses with a page", http("400 Bad Request", html), Kind::Garbage),
        ("refuses in another shape", http("400 Bad Request", r#"{"error": "no"}"#), Kind::Garbage),
        ("declines in another shape", http("402 Payment Required", "{}"), Kind::Garbage),
        ("fails with a page", http("500 Internal Server Error", html), Kind::ServerError),
        ("is being maintained", http("503 Service Unavailable", ""), Kind::ServerError),
        ("is overrun", http("429 Too Many Requests", "{}"), Kind::Busy),
        ("is at it already", http("409 Conflict", "{}"), Kind::Busy),
        ("does not know us", http("401 Unauthorized", html), Kind::Unauthorised),
    ];
    for (name, bytes, expected) in cases {
        let client = client(&gateway_that_says(bytes), Duration::from_secs(60));
        match client.authorise(call(), &charge("tok_visa")).await {
            Outcome::Unknown(doubt) => assert_eq!(kind(&doubt), expected, "{name}: {doubt:?}"),
            other => panic!("{name}: {other:?}"),
        }
        match client.lookup(call()).await {
            Lookup::Unknown(doubt) => assert_eq!(kind(&doubt), expected, "{name}: {doubt:?}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_success_that_is_not_what_was_asked_for_is_not_believed() {
    let cases = [
        ("another amount", intent(1998, "eur", "requires_capture")),
        ("another currency", intent(1999, "usd", "requires_capture")),
        ("not authorised", intent(1999, "eur", "requires_action")),
    ];
    for (name, bytes) in cases {
        let outcome =
            client(&gateway_that_says(bytes), Duration::from_secs(60)).authorise(call(), &charge("tok_visa")).await;
        assert!(matches!(outcome, Outcome::Unknown(Doubt::Garbage { .. })), "{name}: {outcome:?}");
    }
    let believed = client(&gateway_that_says(intent(1999, "eur", "requires_capture")), Duration::from_secs(60))
        .authorise(call(), &charge("tok_visa"))
        .await;
    assert!(matches!(believed, Outcome::Succeeded(_)), "{believed:?}");
}

#[tokio::test]
async fn a_gateway_that_is_down_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let client = client(&url, Duration::from_secs(60));
    let outcome = client.authorise(call(), &charge("tok_visa")).await;
    assert!(matches!(outcome, Outcome::Unknown(Doubt::Unreachable(_))), "{outcome:?}");
    assert!(matches!(client.lookup(call()).await, Lookup::Unknown(Doubt::Unreachable(_))));
}
