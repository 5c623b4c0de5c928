//! `tradewind worker`: the tasks of some stages, or of all.

use std::sync::Arc;

use anyhow::{Result, bail};
use prometheus::Registry;
use tokio::sync::watch;
use tradewind_runtime::Local;

use super::{
    ending::Ending,
    http,
    queries::{self, Announcer, Members, Owner},
    standbys::Placing,
    workers,
};
use crate::{
    cli::WorkerArgs,
    config::Origins,
    data_dir,
    platform::{STAGES, Stage, sources, stage},
    shop_keys::KeyFile,
};

pub async fn run(args: WorkerArgs) -> Result<()> {
    let origins = &args.run.log.origins;
    let stages = named(&args.capabilities, origins)?;
    let key_file = KeyFile::read(super::secrets_file(&args.secrets)?, origins)?;
    data_dir::check(&args.data_dir, origins)?;
    let listener = http::bind(args.query_listen, &origins.of("query_listen")).await?;
    let address = match &args.advertise {
        Some(address) => address.clone(),
        None => listener.local_addr()?.to_string(),
    };
    let platform = super::on_kafka(&args.run).await?;
    // Only now: where the rest is wrong, nothing is touched.
    let (platform, keys) = super::with_keys(platform, key_file, false).await?;
    let registry = Registry::new();
    let (settings, shared) = (args.deadlines.settings(), workers::Shared::new(&args.state_memory, &registry)?);
    let mut workers = workers::start(&stages, &settings, &platform, &args.data_dir, &shared, &args.instance)?;
    let runtime = tokio::runtime::Handle::current();
    let local = Local::new(shared.serving.clone(), platform.log.clone(), platform.layout.clone(), sources(), runtime);
    let members = Members::follow(&platform.log, &platform.codecs, &platform.layout)?;
    let owner = Owner { address: address.clone(), instance: args.instance.clone() };
    let (codecs, layout) = (platform.codecs.clone(), platform.layout.clone());
    let announcer = Announcer::start(&platform.log, codecs, layout.clone(), shared.serving, members.clone(), owner)?;
    let placing = (args.standbys > 0).then(|| {
        let (instance, count) = (args.instance.clone(), args.standbys.into());
        Placing::start(&stages, layout, members, shared.standbys, instance, count)
    });
    let (stop, stopped) = watch::channel(false);
    let router = queries::router(Arc::new(local), queries::password(&keys.secrets), registry);
    let server = tokio::spawn(http::serve(listener, router, stopped));
    let stage_names: Vec<_> = stages.iter().map(|stage| stage.name).collect();
    tracing::info!(stages = ?stage_names, questions = address, instance = args.instance, "the worker runs");
    let ended = tokio::select! {
        why = workers.failed() => Err(anyhow::anyhow!(why)),
        told = http::told_to_stop() => told,
    };
    tracing::info!("stopping: finishing what is under way");
    stop.send_replace(true);
    drop((announcer, placing));
    let mut ending = Ending::new(ended);
    ending.task("the workers", tokio::task::spawn_blocking(move || workers.stop())).await;
    ending.task("the server of questions", server).await;
    ending.result()
}

/// All stages, or those that belong to the capabilities named.
fn named(capabilities: &[String], origins: &Origins) -> Result<Vec<&'static Stage>> {
    if capabilities.is_empty() {
        return Ok(STAGES.iter().collect());
    }
    let mut stages = Vec::new();
    for name in capabilities {
        let Some(first) = stage(name) else {
            let known: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
            bail!("there is no capability {name:?} ({}); there are {}", origins.of("capabilities"), known.join(", "));
        };
        stages.push(first);
        let inner = format!("{name}.");
        stages.extend(STAGES.iter().filter(|stage| stage.name.starts_with(&inner)));
    }
    stages.dedup_by_key(|stage| stage.name);
    Ok(stages)
}
