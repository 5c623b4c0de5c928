//! `tradewind bench`: two workloads on the production runtime, loaded, watched and verified from outside. They are
//! defined bit by bit by the peer that they are raced against: tests/peers/kafka-streams.

mod application;
mod child;
mod input;
mod launcher;
mod ledger;
mod lines;
mod load;
mod monitor;
mod options;
mod phases;
mod proc;
mod progress;
mod report;
mod restores;
mod shuffle;
mod subject;
mod verify;
mod watch;
mod wire;
mod workload;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tradewind_topics::{
    Log,
    embedded::{self, EmbeddedLog},
    kafka::{self, KafkaLog},
};

pub use options::Bench;

use input::Input;
use launcher::Launcher;
use options::{BenchArgs, VerifyArgs};
use phases::{Phase, Run};
use proc::Process;
use verify::Topics;
use watch::Watch;
use workload::Workload;

pub fn run(command: &Bench) -> Result<()> {
    match command {
        Bench::Ledger(args) => drive(Workload::Ledger, args),
        Bench::Shuffle(args) => {
            ensure!(args.theta == 0.0, "--theta is for the ledger: the rules of shuffle are all equally popular");
            drive(Workload::Shuffle, args)
        }
        Bench::Application(args) => child::run(args),
        Bench::Verify(args) => verify_alone(args),
    }
}

/// Runs the phases, and prints a line of JSON for each.
fn drive(workload: Workload, args: &BenchArgs) -> Result<()> {
    check(args)?;
    let temporary;
    let data_dir = match &args.data_dir {
        Some(given) => given.as_path(),
        None => {
            temporary = tempfile::Builder::new().prefix("tradewind-bench-").tempdir()?;
            temporary.path()
        }
    };
    let namespace = args.namespace.clone().unwrap_or_else(|| format!("bench-{}", std::process::id()));
    let setup = args.engine.setup(workload, namespace);
    let log = match &args.brokers {
        Some(brokers) => kafka(brokers, &args.engine.properties, None)?,
        None => embedded(data_dir)?,
    };
    let layout = workload.layout(&setup.namespace);
    workload.prepare(&*log, &setup.namespace).context("the topics of the run")?;
    let launcher = match &args.brokers {
        Some(brokers) => {
            Launcher::on_kafka(&setup, brokers, &args.engine.properties, args.application.as_deref(), args.app_cpu)?
        }
        None => Launcher::Here { setup: setup.clone(), log: log.clone() },
    };
    let watch = Watch::start(&*log, workload, &layout)?;
    let input = Input::new(workload, layout.physical(workload.input()), setup.keys, args.seed, args.theta);
    let mut run = Run {
        writer: log.writer()?,
        log,
        workload,
        layout,
        keys: setup.keys,
        records: args.records.unwrap_or(workload.records()),
        rate: args.rate,
        seconds: args.secs,
        warm_up: args.warm,
        launcher,
        state_dir: data_dir.join("state"),
        broker: args.broker_pid.map(Process::new),
        input,
        watch,
    };
    let began = Instant::now();
    run.preload()?;
    eprintln!("loaded {} records in {:.1} s", run.input.sent, began.elapsed().as_secs_f64());
    std::thread::sleep(Duration::from_millis(args.settle));
    let mut all_ok = true;
    run.phases(&args.phases, |mut report| {
        all_ok &= report.is_ok();
        report
            .put("workload", workload.name())
            .put("log", if args.brokers.is_some() { "kafka" } else { "embedded" })
            .put("theta", args.theta);
        if let Some(label) = &args.label {
            report.put("label", label.as_str());
        }
        println!("{}", report.into_line());
    })?;
    run.watch.stop()?;
    ensure!(all_ok, "an output was lost, repeated, out of order or wrong: see the line that is not ok");
    Ok(())
}

/// Verifies a run's topics, and prints a line of JSON.
fn verify_alone(args: &VerifyArgs) -> Result<()> {
    let log = kafka(&args.brokers, &[], None)?;
    let layout = args.workload.layout(&args.namespace);
    let sent = args.sent..=args.sent + args.doubtful;
    let report = Topics { log: &*log, layout: &layout, workload: args.workload, keys: args.keys, sent }.verify()?;
    let ok = report.is_ok();
    println!("{}", report.into_line());
    ensure!(ok, "an output was lost, repeated, out of order or wrong");
    Ok(())
}

fn check(args: &BenchArgs) -> Result<()> {
    if args.brokers.is_none() {
        let only = [("--app-cpu", args.app_cpu.is_some()), ("--application", args.application.is_some())];
        if let Some((name, _)) = only.iter().find(|(_, given)| *given) {
            bail!("{name} is for an application in a process of its own, so only with Kafka: give --brokers");
        }
        ensure!(args.engine.properties.is_empty(), "--property is for Kafka's clients: give --brokers");
    }
    if args.phases.contains(&Phase::Warmdrain) {
        ensure!(args.phases.contains(&Phase::Drain), "the phase warmdrain goes on from drain: name both (--phases)");
    }
    if let Some(given) = &args.data_dir {
        let occupied = given.read_dir().is_ok_and(|mut entries| entries.next().is_some());
        ensure!(!occupied, "{} (--data-dir) is not empty: name a directory for this run alone", given.display());
    }
    Ok(())
}

fn embedded(data_dir: &Path) -> Result<Arc<dyn Log>> {
    let log = EmbeddedLog::open(&data_dir.join("log"), embedded::Options::default());
    Ok(log.with_context(|| format!("the data directory {} (--data-dir)", data_dir.display()))?)
}

/// `properties` are librdkafka's, as name=value.
fn kafka(brokers: &str, properties: &[String], transaction_timeout: Option<Duration>) -> Result<Arc<dyn Log>> {
    let split = |property: &String| property.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let properties =
        properties.iter().map(|text| split(text).with_context(|| format!("--property {text}: not name=value")));
    let mut options = kafka::Options { properties: properties.collect::<Result<_>>()?, ..kafka::Options::default() };
    options.transaction_timeout = transaction_timeout.unwrap_or(options.transaction_timeout);
    let log = KafkaLog::connect(brokers, options);
    Ok(log.with_context(|| format!("Kafka at {brokers} (--brokers): is it running, and is that its address?"))?)
}
