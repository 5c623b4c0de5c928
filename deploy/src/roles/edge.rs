//! `tradewind edge`: HTTP outside, Kafka inside.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::sync::watch;
use tradewind_edge::{Edge, EdgeConfig};
use tradewind_runtime::Client;
use tradewind_schemas::{Keyring, MasterKey};
use tradewind_topics::list::EDGE_REPLIES;

use super::{ending::Ending, http, queries};
use crate::{
    administrator,
    cli::EdgeArgs,
    platform::{Platform, sources},
    shop_keys::KeyFile,
};

/// How long the administrator may take to be decided on: workers may come up later.
const FIRST_DECISION: Duration = Duration::from_secs(300);

pub async fn run(args: EdgeArgs) -> Result<()> {
    let origins = &args.run.log.origins;
    let administrator = administrator::of_edge(&args)?;
    let key_file = KeyFile::read(super::secrets_file(&args.secrets)?, origins)?;
    let listener = http::bind(args.listen, &origins.of("listen")).await?;
    let admin_listener = http::bind(args.admin_listen, &origins.of("admin_listen")).await?;
    let edge_at = listener.local_addr()?;
    let platform = super::on_kafka(&args.run).await?;
    let replies = platform.layout.partitions(EDGE_REPLIES.name).unwrap_or_default();
    if args.replies_partition >= replies {
        let (partition, origin) = (args.replies_partition, origins.of("replies_partition"));
        bail!("there is no partition {partition} ({origin}) of {}: it has {replies}, from 0", EDGE_REPLIES.name);
    }
    // Only now: where the rest is wrong, nothing is touched.
    let (platform, keys) = super::with_keys(platform, key_file, false).await?;
    if keys.is_demo {
        administrator::only_on_loopback(args.listen, origins).with_context(|| administrator::demo_in(&platform))?;
    }
    let secrets = keys.secrets;
    let queries = queries::Remote::new(
        &platform.log,
        &platform.codecs,
        platform.layout.clone(),
        sources(),
        queries::password(&secrets),
    )?;
    let config =
        EdgeConfig { awaits_administrator: true, replies_partition: args.replies_partition, ..EdgeConfig::default() };
    let keyring = Arc::new(Keyring::new(MasterKey::new(secrets.master_key)));
    let Platform { log, layout, codecs, .. } = platform;
    let edge = Edge::start(config, log, layout, codecs, Client(Arc::new(queries)), keyring, &secrets)?;
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(http::serve(listener, edge.router(), stopped.clone()));
    let admin_server = tokio::spawn(http::serve(admin_listener, edge.admin_router(), stopped));
    tracing::info!(%edge_at, "the edge listens");
    let ready = async {
        edge.ensure_admin(&administrator.email, &administrator.password, FIRST_DECISION)
            .await
            .with_context(|| format!("{}; are workers of identity running?", administrator::refused(origins)))?;
        tracing::info!("the administrator is there");
        anyhow::Ok(())
    };
    let ended = tokio::select! {
        failed = async { match ready.await { Ok(()) => std::future::pending().await, Err(error) => error } } => Err(failed),
        told = http::told_to_stop() => told,
    };
    tracing::info!("stopping: finishing what is under way");
    stop.send_replace(true);
    let mut ending = Ending::new(ended);
    ending.task("the edge's server", server).await;
    ending.task("the admin server", admin_server).await;
    edge.stop();
    ending.result()
}
