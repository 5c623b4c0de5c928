//! `tradewind up`: everything in one process.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use prometheus::Registry;
use tokio::sync::watch;
use tradewind::{audit, tap};
use tradewind_edge::{Edge, EdgeConfig};
use tradewind_runtime::{Client, Local};
use tradewind_schemas::{Keyring, MasterKey};

use super::{connector, ending::Ending, http, sandbox::Sandbox, workers};
use crate::{
    administrator, banner,
    cli::Up,
    data_dir::{self, SECRETS},
    demo,
    platform::{Platform, STAGES, sources},
    shop_keys::{KeyFile, ShopKeys},
};

/// How long the administrator may take to be decided on.
const FIRST_DECISION: Duration = Duration::from_secs(60);

pub async fn run(args: Up) -> Result<()> {
    let origins = &args.run.log.origins;
    // Whatever is wrong is said before anything is opened or made.
    http::only_on_loopback(args.admin_listen, &origins.of("admin_listen"))?;
    let administrator = administrator::of_up(&args)?;
    data_dir::check(&args.data_dir, origins)?;
    let secrets_file = args.secrets.secrets_file.clone().unwrap_or_else(|| args.data_dir.join(SECRETS));
    let key_file = KeyFile::read(&secrets_file, origins)?;
    let listener = http::bind(args.listen, &origins.of("listen")).await?;
    let admin_listener = http::bind(args.admin_listen, &origins.of("admin_listen")).await?;
    let (edge_at, admin_at) = (listener.local_addr()?, admin_listener.local_addr()?);
    let (run, data_dir) = (args.run.clone(), args.data_dir.clone());
    let platform = tokio::task::spawn_blocking(move || match &run.log.brokers {
        Some(brokers) => Platform::kafka(&run, brokers, true),
        None => Platform::embedded(&run, &data_dir),
    });
    let (platform, keys) = super::with_keys(platform.await??, key_file, administrator.is_demo).await?;
    let ShopKeys { secrets, is_demo } = keys;
    if is_demo {
        administrator::only_on_loopback(args.listen, origins).with_context(|| administrator::demo_in(&platform))?;
    } else if administrator.is_demo {
        return Err(administrator::none_of_demo(&platform));
    }
    std::fs::create_dir_all(&args.data_dir).with_context(|| {
        format!("cannot make the data directory {} ({})", args.data_dir.display(), origins.of("data_dir"))
    })?;

    let (stop, stopped) = watch::channel(false);
    let sandbox_listener = http::bind(([127, 0, 0, 1], 0).into(), "the sandbox gateway's own").await?;
    let sandbox = Sandbox::start(&args.data_dir, sandbox_listener, stopped.clone()).await?;
    let all: Vec<_> = STAGES.iter().collect();
    let registry = Registry::new();
    let shared = workers::Shared::new(&args.state_memory, &registry)?;
    let mut workers = workers::start(&all, &args.deadlines.settings(), &platform, &args.data_dir, &shared, "up")?;
    let mut connector = connector::start(&platform, &sandbox.config()?, "up")?;

    let runtime = tokio::runtime::Handle::current();
    let queries = Local::new(shared.serving, platform.log.clone(), platform.layout.clone(), sources(), runtime);
    let keyring = Arc::new(Keyring::new(MasterKey::new(secrets.master_key)));
    let config = EdgeConfig { awaits_administrator: true, metrics: registry, ..EdgeConfig::default() };
    let edge = Edge::start(
        config,
        platform.log.clone(),
        platform.layout.clone(),
        platform.codecs.clone(),
        Client(Arc::new(queries)),
        keyring,
        &secrets,
    )?;
    let mut admin_router = edge.admin_router();
    if let Some(registry) = &platform.registry {
        admin_router = admin_router.nest("/registry", registry.clone().router());
    }
    let (log, layout) = (platform.log.clone(), platform.layout.clone());
    admin_router = admin_router
        .merge(audit::router(log.clone(), layout.clone(), platform.codecs.clone()))
        .merge(tap::router(log, layout, platform.source.clone(), stopped.clone()));
    let edge_server = tokio::spawn(http::serve(listener, edge.router(), stopped.clone()));
    let admin_server = tokio::spawn(http::serve(admin_listener, admin_router, stopped.clone()));

    let ready = async {
        edge.ensure_admin(&administrator.email, &administrator.password, FIRST_DECISION)
            .await
            .with_context(|| administrator::refused(origins))?;
        while !edge.waits_for().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let demo = if args.no_demo { None } else { Some(demo::open_shop(edge_at, &administrator).await?) };
        banner::print(edge_at, admin_at, &administrator, origins, demo.as_ref());
        anyhow::Ok(())
    };
    let ended = tokio::select! {
        failed = async { match ready.await { Ok(()) => std::future::pending().await, Err(error) => error } } => Err(failed),
        why = workers.failed() => Err(anyhow::anyhow!(why)),
        why = connector.failed() => Err(anyhow::anyhow!(why)),
        told = http::told_to_stop() => told,
    };
    tracing::info!("stopping: finishing what is under way");
    stop.send_replace(true);
    let mut ending = Ending::new(ended);
    ending.task("the edge's server", edge_server).await;
    ending.task("the admin server", admin_server).await;
    edge.stop();
    ending.task("the workers", tokio::task::spawn_blocking(move || workers.stop())).await;
    ending.task("the payment connector", tokio::task::spawn_blocking(move || connector.stop())).await;
    ending.task("the sandbox gateway", sandbox.server()).await;
    ending.result()
}
