//! `tradewind connect`: the connectors to the world outside.

use anyhow::Result;
use secrecy::SecretString;
use tradewind_connectors::stripe::{Config, ConfigError};

use super::{connector, ending::Ending, http};
use crate::cli::ConnectArgs;

pub async fn run(args: ConnectArgs) -> Result<()> {
    let gateway = Config::new(&args.gateway, SecretString::from(args.gateway_key.clone())).map_err(|error| {
        let blamed = match &error {
            ConfigError::SecretKey(_) | ConfigError::NoSecretKey => "gateway_key",
            _ => "gateway",
        };
        anyhow::Error::new(error).context(format!("the gateway ({})", args.run.log.origins.of(blamed)))
    })?;
    let platform = super::on_kafka(&args.run).await?;
    let mut connector = connector::start(&platform, &gateway, &args.instance)?;
    tracing::info!(gateway = args.gateway, instance = args.instance, "the payment connector runs");
    let ended = tokio::select! {
        why = connector.failed() => Err(anyhow::anyhow!(why)),
        told = http::told_to_stop() => told,
    };
    tracing::info!("stopping: finishing what is under way");
    let mut ending = Ending::new(ended);
    ending.task("the payment connector", tokio::task::spawn_blocking(move || connector.stop())).await;
    ending.result()
}
