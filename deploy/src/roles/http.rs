//! Serving HTTP until told to stop.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use axum::Router;
use rustix::process::{Resource, getrlimit};
use tokio::{net::TcpListener, sync::watch};
use tradewind_edge::Bounds;

/// Binds, and says whose address that was if it cannot.
pub async fn bind(address: SocketAddr, origin: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} ({origin}): is another process using it? Name another address there")
    })
}

/// Whoever reaches the admin port may read every topic: it stays on this machine.
pub fn only_on_loopback(address: SocketAddr, origin: &str) -> Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    bail!(
        "{address} ({origin}) can be reached from other machines, and what is served there asks nobody who they are: \
         listen on loopback, such as 127.0.0.1:{}, and put a proxy that does in front of it",
        address.port()
    )
}

/// No port takes more connections, however many files may be open: each costs memory, too.
const MOST_CONNECTIONS: u64 = 8_192;

/// Of the files that may be open, half are the local stores'; each of a process's two ports has a quarter.
fn bounds() -> Bounds {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let connections = usize::try_from((files / 4).clamp(16, MOST_CONNECTIONS)).unwrap_or(usize::MAX);
    Bounds { connections, per_address: connections / 2, ..Bounds::default() }
}

/// Serves; ends, in good order, when `stop` turns true.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let stopped = async move {
        // The sender's end is a stop, too.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    tradewind_edge::serve(listener, router, bounds(), stopped).await;
    Ok(())
}

/// SIGTERM or Ctrl-C.
pub async fn told_to_stop() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
