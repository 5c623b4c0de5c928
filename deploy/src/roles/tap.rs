//! `tradewind tap`.

use std::{
    io::{self, ErrorKind, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tradewind::tap::{Beginning, Decoder, Tap, Wanted};

use super::{at_rest, http};
use crate::cli::TapArgs;

/// How soon a tap notices that it is not wanted any more.
const WAIT: Duration = Duration::from_millis(200);

/// Ends in good order where the topic does, when told to stop, and when nobody reads any more.
pub async fn run(args: TapArgs) -> Result<()> {
    let from: Beginning =
        args.from.parse().with_context(|| format!("where to begin ({})", args.log.origins.of("from")))?;
    if args.log.brokers.is_none() && args.data_dir.is_none() {
        return tokio::select! {
            copied = over_http(&args) => copied,
            told = http::told_to_stop() => told,
        };
    }
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = stop.clone();
    let mut work = tokio::task::spawn_blocking(move || from_log(&args, from, &stopping));
    tokio::select! {
        done = &mut work => done?,
        told = http::told_to_stop() => {
            told?;
            stop.store(true, Ordering::Relaxed);
            work.await?
        }
    }
}

fn from_log(args: &TapArgs, from: Beginning, stop: &AtomicBool) -> Result<()> {
    let instead = "ask that (--admin says where it is) and name no data directory";
    let platform = at_rest::open(&args.log, args.data_dir.as_deref(), instead)?;
    let decoder = Arc::new(Decoder::new(platform.source.clone()));
    let wanted = Wanted { topic: args.topic.clone(), from, follow: args.follow };
    let mut tap = Tap::open(platform.log.as_ref(), &platform.layout.namespace, decoder, &wanted)?;
    while !stop.load(Ordering::Relaxed) {
        let Some(lines) = tap.next(WAIT)? else { break };
        if is_unread(io::stdout().lock().write_all(lines.as_bytes()))? {
            break;
        }
    }
    is_unread(io::stdout().flush()).map(drop)
}

/// From the admin address of a running platform.
async fn over_http(args: &TapArgs) -> Result<()> {
    let (admin, origin) = (args.admin.trim_end_matches('/'), args.log.origins.of("admin"));
    let mut url = reqwest::Url::parse(admin).with_context(|| format!("{admin} ({origin}) is no URL"))?;
    match url.path_segments_mut() {
        Ok(mut path) => drop(path.pop_if_empty().extend(["tap", args.topic.as_str()])),
        Err(()) => bail!("{admin} ({origin}) is no address of a server"),
    }
    url.query_pairs_mut().append_pair("from", &args.from).append_pair("follow", &args.follow.to_string());
    let mut response = reqwest::get(url).await.with_context(|| {
        format!("no `tradewind up` answers at {admin} ({origin}): name an embedded log at rest with --data-dir, or Kafka with --brokers")
    })?;
    if !response.status().is_success() {
        let (status, problem) = (response.status(), response.json::<Value>().await.unwrap_or_default());
        bail!("{}", problem["detail"].as_str().map_or(format!("{admin} answers {status}"), str::to_owned));
    }
    while let Some(lines) = response.chunk().await.context("the tap was cut off")? {
        if is_unread(io::stdout().lock().write_all(&lines).and_then(|()| io::stdout().flush()))? {
            break;
        }
    }
    Ok(())
}

/// Whether whoever read this has had enough, as `head` has.
fn is_unread(written: io::Result<()>) -> Result<bool> {
    match written {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(error).context("the lines cannot be written"),
    }
}
