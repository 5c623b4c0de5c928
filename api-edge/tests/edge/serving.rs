//! Behind a real socket.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use futures::stream;
use parking_lot::Mutex;
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot},
    task::JoinHandle,
};
use tradewind_edge::{Bounds, serve};

use crate::fakes::Shopfront;

/// Nothing takes this long.
const DEADLINE: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(router: Router, bounds: Bounds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async move {
            let _told = stopped.await;
        };
        Self { address, stop, serving: tokio::spawn(serve(listener, router, bounds, until)) }
    }

    fn connect(&self, first: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(first).unwrap();
        stream
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(DEADLINE, self.serving).await.expect("it stops").unwrap();
    }
}

/// Reads until the server closes.
async fn closed(mut stream: TcpStream) {
    tokio::task::spawn_blocking(move || {
        let mut sent = Vec::new();
        if let Err(cause) = stream.read_to_end(&mut sent) {
            assert_eq!(cause.kind(), ErrorKind::ConnectionReset, "{cause}");
        }
    })
    .await
    .unwrap();
}

/// Reads something.
async fn answered(mut stream: TcpStream) -> (Vec<u8>, TcpStream) {
    tokio::task::spawn_blocking(move || {
        let mut buffer = vec![0; 4096];
        let read = stream.read(&mut buffer).unwrap();
        buffer.truncate(read);
        (buffer, stream)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn it_serves_and_stops_when_told() {
    let shop = Shopfront::open().await;
    let server = Server::start(shop.router(), Bounds::default()).await;
    let (address, client) = (server.address, reqwest::Client::new());
    let answer = client.get(format!("http://{address}/livez")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "live\n"));
    let login = client.post(format!("http://{address}/v1/sessions")).header("content-type", "application/json");
    let refused = login.body(r#"{"email":"no@body.com","password":"whatever"}"#).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 401);
    drop(client);
    server.stop().await;
    assert!(reqwest::get(format!("http://{address}/livez")).await.is_err(), "no connection after the stop");
}

#[tokio::test]
async fn who_sends_too_much_hears_of_it() {
    let shop = Shopfront::open().await;
    let server = Server::start(shop.router(), Bounds::default()).await;
    let client = reqwest::Client::new();
    for size in [9 << 10, 1 << 20, 3 << 20] {
        let call =
            client.post(format!("http://{}/v1/users", server.address)).header("content-type", "application/json");
        assert_eq!(call.body(vec![b' '; size]).send().await.unwrap().status().as_u16(), 413, "{size}");
    }
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn who_begins_no_request_is_not_waited_for() {
    let bounds = Bounds { head: SHORT, ..Bounds::default() };
    let server = Server::start(Router::new(), bounds).await;
    for first in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nHost: sh", "POST"] {
        closed(server.connect(first.as_bytes())).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn both_versions_of_http_are_spoken() {
    let server = Server::start(Router::new().route("/", get(|| async { "here" })), Bounds::default()).await;
    let mut settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    settings.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    let (frame, _open) = answered(server.connect(&settings)).await;
    assert_eq!(frame[3], 4, "the server's settings");
    let (text, _open) = answered(server.connect(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")).await;
    assert!(String::from_utf8_lossy(&text).starts_with("HTTP/1.1 200 OK"));
    server.stop().await;
}

#[tokio::test]
async fn a_full_house_closes_the_oldest_idle_connection_for_a_new_one() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, goes_on) = (begun.clone(), go_on.clone());
    let slow = move || {
        let (begins, goes_on) = (begins.clone(), goes_on.clone());
        async move {
            begins.notify_one();
            goes_on.notified().await;
            "done"
        }
    };
    let router = Router::new().route("/", get(|| async { "here" })).route("/slow", get(slow));
    let bounds = Bounds { connections: 2, per_address: 2, ..Bounds::default() };
    let server = Server::start(router, bounds).await;
    let busy = server.connect(b"GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n");
    begun.notified().await;
    let (_, idle) = answered(server.connect(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")).await;
    let another = server.connect(b"GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n");
    closed(idle).await;
    begun.notified().await;
    // Everybody is busy: there is no seat.
    closed(server.connect(b"")).await;
    for served in [busy, another] {
        go_on.notify_one();
        let (text, _open) = answered(served).await;
        assert!(String::from_utf8_lossy(&text).starts_with("HTTP/1.1 200 OK"));
    }
    server.stop().await;
}

/// An answer without end, and word of when nobody writes it any more.
fn endless() -> (Router, oneshot::Receiver<()>) {
    let (over, is_over) = oneshot::channel::<()>();
    let over = Mutex::new(Some(over));
    let answer = move || {
        let over = over.lock().take();
        async move {
            let chunks = stream::repeat_with(move || {
                let _as_long_as_the_stream = &over;
                Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024])
            });
            Body::from_stream(chunks)
        }
    };
    let shared = Arc::new(answer);
    (Router::new().route("/endless", get(move || shared())), is_over)
}

#[tokio::test]
async fn who_does_not_read_an_answer_is_left() {
    let (router, is_over) = endless();
    let server = Server::start(router, Bounds { unread: SHORT, ..Bounds::default() }).await;
    let _unread = server.connect(b"GET /endless HTTP/1.1\r\nHost: shop\r\n\r\n");
    let _dropped = tokio::time::timeout(DEADLINE, is_over).await.expect("it is given up");
    server.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_who_does_not_read() {
    let (router, mut is_over) = endless();
    let server = Server::start(router, Bounds { drain: SHORT, ..Bounds::default() }).await;
    let (_, _unread) = answered(server.connect(b"GET /endless HTTP/1.1\r\nHost: shop\r\n\r\n")).await;
    assert_eq!(is_over.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    server.stop().await;
    let _dropped = tokio::time::timeout(DEADLINE, is_over).await.expect("it is broken off");
}
