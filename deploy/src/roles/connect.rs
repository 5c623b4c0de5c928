//! `tradewind connect`: the connectors to the world outside.

use anyhow::Result;
use secrecy::SecretString;

use super::{connector::Connector, http};
use crate::cli::ConnectArgs;

pub async fn run(args: ConnectArgs) -> Result<()> {
    let platform = super::on_kafka(&args.log).await?;
    let key = SecretString::from(args.gateway_key.clone());
    let connector = Connector::start(&platform, &args.gateway, key, &args.instance)?;
    tracing::info!(gateway = args.gateway, instance = args.instance, "the payment connector runs");
    let ended = tokio::select! {
        why = connector.failed() => Err(anyhow::anyhow!(why)),
        told = http::told_to_stop() => told,
    };
    tracing::info!("stopping: finishing what is under way");
    tokio::task::spawn_blocking(move || connector.stop()).await?;
    ended
}
