//! A card gateway shaped like Stripe's Payment Intents API, which charges nobody.
//!
//! It is a real HTTP server over a durable ledger: a charge is synced to disk before it is answered, and is
//! found again by its idempotency key after a crash. Its tokens (see [`Options`]) decline, answer slowly, or
//! charge and then say nothing, so that the platform's dealings with a gateway can be tried end to end.
//!
//! Beside Stripe's own endpoints it answers two of its own:
//! - `GET /v1/sandbox/requests/{idempotency_key}`: what became of the request made with that key.
//! - `GET /v1/sandbox/charges`: counts and sums per `metadata[payment_id]`, for tests and audits.

mod answer;
mod auth;
mod charges;
mod clock;
mod database;
mod form;
mod idempotency;
mod ledger;
mod options;
mod payment_intents;
mod problem;
mod refunds;
mod request;
mod routes;
mod search;
mod tokens;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use database::OpenError;
pub use options::{Options, OptionsError};

/// How long a shutdown waits for connections that are in the middle of a request.
const DRAIN: Duration = Duration::from_secs(5);

/// The sandbox gateway: its ledger, and the means to serve it over HTTP.
///
/// A directory belongs to one open gateway at a time. It is given free when the gateway, its routers and their
/// connections are gone; what was queued until then is settled and synced first.
pub struct Gateway {
    desk: Arc<Desk>,
    closing: watch::Sender<bool>,
}

/// What every request needs.
struct Desk {
    ledger: ledger::Ledger,
    options: Options,
    closing: watch::Receiver<bool>,
}

impl Gateway {
    /// Opens the ledger in `dir`, which is made if it is missing. Blocks on the disk.
    ///
    /// # Errors
    /// When the directory cannot be written, is in use by another gateway, or holds something that is not this
    /// version's ledger. Nothing in it is touched then.
    pub fn open(dir: &Path, options: Options) -> Result<Self, OpenError> {
        let ledger = ledger::Ledger::start(database::open(dir)?)?;
        let (closing, watcher) = watch::channel(false);
        Ok(Self { desk: Arc::new(Desk { ledger, options, closing: watcher }), closing })
    }

    /// The gateway's HTTP interface, to be served by the caller. Answers that are being held back are let go only
    /// when the gateway itself is dropped.
    pub fn router(&self) -> Router {
        routes::router(Arc::clone(&self.desk))
    }

    /// Serves until `shutdown` resolves, then lets requests under way finish, for at most five seconds.
    /// Answers that are held back are given up at once: their callers are told 503.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let router = self.router();
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "sandbox gateway: a connection stays without TCP_NODELAY");
            }
        });
        let closing = self.closing;
        let mut closed = closing.subscribe();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            shutdown.await;
            closing.send_replace(true);
        });
        tokio::select! {
            served = server => served,
            () = async {
                // The sender lives inside the server's future, so a failed wait also means that it ended.
                if closed.wait_for(|closing| *closing).await.is_ok() {
                    tokio::time::sleep(DRAIN).await;
                }
            } => {
                tracing::warn!(after = ?DRAIN, "sandbox gateway: stopped with connections still open");
                Ok(())
            }
        }
    }
}
