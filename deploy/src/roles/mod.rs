//! The roles a process can have.

mod at_rest;
pub mod audit;
pub mod connect;
mod connector;
pub mod edge;
mod ending;
mod http;
pub mod import;
mod queries;
pub mod sandbox;
mod standbys;
pub mod tap;
mod threads;
pub mod topics;
pub mod up;
pub mod worker;
pub mod workers;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{
    cli,
    platform::Platform,
    shop_keys::{KeyFile, ShopKeys},
};

/// The platform on Kafka, for the roles that run apart.
async fn on_kafka(args: &cli::RunArgs) -> Result<Platform> {
    let Some(brokers) = args.log.brokers.clone() else {
        bail!(
            "this role runs on Kafka: give its bootstrap servers with --brokers or TRADEWIND_BROKERS (`tradewind up` needs none)"
        );
    };
    let args = args.clone();
    tokio::task::spawn_blocking(move || Platform::kafka(&args, &brokers, false)).await?
}

/// The file of the shop's keys, which a role that runs apart must be given.
fn secrets_file(args: &cli::Secrets) -> Result<&Path> {
    let file = args.secrets_file.as_deref();
    file.context(
        "the shop's keys are needed: name their file with --secrets-file or TRADEWIND_SECRETS_FILE; it is made when the shop is begun, and all processes of a shop need the same",
    )
}

/// The shop's keys, which it begins with (as a demo or not) where it is new.
async fn with_keys(platform: Platform, file: KeyFile, demo: bool) -> Result<(Platform, ShopKeys)> {
    let work = tokio::task::spawn_blocking(move || {
        let keys = file.of_shop(&platform, demo)?;
        Ok((platform, keys))
    });
    work.await?
}
