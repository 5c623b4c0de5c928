//! Behind a socket: HTTP/1.1 and 2, with a bound on how slowly a client may speak.

use std::{convert::Infallible, future::Future, io, net::SocketAddr, time::Duration};

use axum::{Extension, Router, body::Body, extract::ConnectInfo, http::Request, response::Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// A request's head must be whole within this.
const HEADERS: Duration = Duration::from_secs(10);
/// After a failed accept (no file descriptors left, say), others get time to close theirs.
const BREATH: Duration = Duration::from_millis(100);
/// Dead peers are noticed by HTTP/2 pings.
const PING: Duration = Duration::from_secs(30);

/// Serves until `stop` resolves; then takes no more connections and finishes the requests under way, for `drain` at
/// most.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
) -> io::Result<()> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    server.http2().timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(cause) => {
                    tracing::warn!(%cause, "a connection was not accepted");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let connection = server.serve_connection_with_upgrades(io(stream), service(&router, peer)).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(cause) = connection.await {
                tracing::debug!(%peer, cause, "a connection broke off");
            }
        });
    }
    drop(listener);
    match tokio::time::timeout(drain, connections.shutdown()).await {
        Ok(()) => Ok(()),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "requests under way were not finished in time")),
    }
}

fn io(stream: TcpStream) -> TokioIo<TcpStream> {
    // Answers are small and whole: waiting to fill a packet only delays them. A socket that refuses is served slower.
    if let Err(cause) = stream.set_nodelay(true) {
        tracing::debug!(%cause, "no TCP_NODELAY");
    }
    TokioIo::new(stream)
}

/// The router, knowing where the connection comes from.
fn service(
    router: &Router,
    peer: SocketAddr,
) -> impl hyper::service::Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send + 'static>
+ Clone
+ use<> {
    let known = router.clone().layer(Extension(ConnectInfo(peer)));
    TowerToHyperService::new(known.map_request(|request: Request<Incoming>| request.map(Body::new)))
}
