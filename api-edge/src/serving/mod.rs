//! Behind a socket: HTTP/1.1 and 2, with bounds on how many clients there are and on how slowly they may speak and
//! listen.

mod paced;
mod seats;

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request, response::Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::seldom::Seldom;
use paced::Paced;
use seats::{Busy, Seat, Seats};

/// What one port bears.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at a time. Beyond it the oldest idle one is closed for a new one.
    pub connections: usize,
    /// Of one address (of IPv6: of one /64).
    pub per_address: usize,
    /// How long the first bytes of a connection may take, and the head of each request.
    pub head: Duration,
    /// How long a client may leave an answer unread.
    pub unread: Duration,
    /// How long requests under way may take once the server is told to stop.
    pub drain: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        let (head, unread, drain) = (Duration::from_secs(10), Duration::from_secs(30), Duration::from_secs(10));
        Self { connections: 1024, per_address: 512, head, unread, drain }
    }
}

/// After a failed accept (no file descriptors left, say), others get time to close theirs.
const BREATH: Duration = Duration::from_millis(100);
/// Dead peers are noticed by HTTP/2 pings.
const PING: Duration = Duration::from_secs(30);
/// The most of a request's head that is held, and of what is sent or received ahead, in bytes: so much memory a
/// connection can take.
const BUFFER: usize = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
const STREAM_WINDOW: u32 = 64 * 1024;
const STREAMS: u32 = 100;

/// Serves until `stop` resolves; then takes no more connections, and finishes the requests under way. What is not done
/// in time is broken off.
pub async fn serve(listener: TcpListener, router: Router, bounds: Bounds, stop: impl Future<Output = ()>) {
    let server = server(&bounds);
    let seats = Seats::new(bounds.connections, bounds.per_address);
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut stop => break,
        };
        let Some(seat) = admitted(&seats, peer) else { continue };
        let connection = server.serve_connection(io(stream, &bounds), service(&router, peer, &seat.busy)).into_owned();
        tokio::spawn(follow(connections.watch(connection), seat, peer));
    }
    drop(listener);
    if tokio::time::timeout(bounds.drain, connections.shutdown()).await.is_err() {
        let left = seats.clear();
        tracing::warn!(connections = left, within = ?bounds.drain, "not finished in time: these are broken off");
    }
}

fn server(bounds: &Bounds) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(bounds.head).max_buf_size(BUFFER);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(STREAMS)
        .max_send_buf_size(BUFFER)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW);
    server
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    static FAILED: Seldom = Seldom::new();
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(cause) => {
                if let Some(left_out) = FAILED.due() {
                    tracing::warn!(%cause, left_out, "a connection was not accepted");
                }
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// A seat for the newcomer. Without one its connection is closed at once.
fn admitted(seats: &Arc<Seats>, peer: SocketAddr) -> Option<Seat> {
    static TURNED_AWAY: Seldom = Seldom::new();
    let seat = seats.take(peer.ip());
    if seat.is_none()
        && let Some(left_out) = TURNED_AWAY.due()
    {
        tracing::warn!(%peer, left_out, "too many busy connections: a client is turned away");
    }
    seat
}

/// Drives a connection to its end, or until its seat is another's.
async fn follow<E: std::fmt::Display>(
    connection: impl Future<Output = Result<(), E>>,
    mut seat: Seat,
    peer: SocketAddr,
) {
    tokio::select! {
        ended = connection => {
            if let Err(cause) = ended {
                tracing::debug!(%peer, %cause, "a connection broke off");
            }
        }
        () = seat.given_up() => tracing::debug!(%peer, "a connection was broken off"),
    }
}

fn io(stream: TcpStream, bounds: &Bounds) -> TokioIo<Paced> {
    // Answers are small and whole: waiting to fill a packet only delays them. A socket that refuses is served slower.
    if let Err(cause) = stream.set_nodelay(true) {
        tracing::debug!(%cause, "no TCP_NODELAY");
    }
    TokioIo::new(Paced::new(stream, bounds.head, bounds.unread))
}

/// The router, knowing where the connection comes from; the connection is busy while it answers.
fn service(
    router: &Router,
    peer: SocketAddr,
    busy: &Busy,
) -> impl hyper::service::Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send + 'static>
+ Clone
+ use<> {
    let (router, busy) = (router.clone(), busy.clone());
    hyper::service::service_fn(move |request: Request<Incoming>| {
        let (router, answering) = (router.clone(), busy.answering());
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        async move {
            let answer = router.oneshot(request).await;
            drop(answering);
            answer
        }
    })
}
