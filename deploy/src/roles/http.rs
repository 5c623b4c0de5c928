//! Serving HTTP until told to stop.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail};
use axum::Router;
use tokio::{net::TcpListener, sync::watch};

/// Binds, and says which option to change if it cannot.
pub async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address} ({option}): is another process using it? Name another address with {option}"
        )
    })
}

/// Whoever reaches the admin port may read every topic: it stays on this machine.
pub fn only_on_loopback(address: SocketAddr, option: &str) -> Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    bail!(
        "{address} ({option}) can be reached from other machines, and what is served there asks nobody who they are: \
         listen on loopback, such as 127.0.0.1:{}, and put a proxy that does in front of it",
        address.port()
    )
}

/// How long requests under way may take once the process is told to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves; ends, in good order, when `stop` turns true.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let stopped = async move {
        // The sender's end is a stop, too.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    tradewind_edge::serve(listener, router, stopped, DRAIN).await
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
