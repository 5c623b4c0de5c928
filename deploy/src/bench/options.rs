//! The options of `tradewind bench`. None is read from the environment: what is measured is said in the command.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{application::Setup, phases::Phase, workload::Workload};
use crate::{cli::STATE_MEMORY_MIB, roles::workers::SESSION_TIMEOUT};

#[derive(Subcommand)]
pub enum Bench {
    /// Commands to SKUs, an event each, and a hash chain under each SKU.
    #[command(after_help = "Example:\n  tradewind bench ledger --n 100000 --phases drain,verify")]
    Ledger(BenchArgs),
    /// Records without a key, matched with a rule each, and aggregated by rule behind a repartition topic.
    #[command(after_help = "Example:\n  tradewind bench shuffle --n 100000 --phases drain,verify")]
    Shuffle(BenchArgs),
    /// The application alone: what the other subcommands start as a process of its own.
    #[command(hide = true)]
    Application(ApplicationArgs),
    /// The verification alone, of a run that somebody else drove.
    #[command(hide = true)]
    Verify(VerifyArgs),
}

#[derive(Args, Clone)]
pub struct BenchArgs {
    /// Kafka's bootstrap servers, as host:port,…; without them the embedded log is used.
    #[arg(long)]
    pub brokers: Option<String>,
    /// Where state is kept, and the embedded log: a directory that is not there yet, or empty. A temporary one,
    /// removed at the end, if not given.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// What the run calls its topics; a name of its own if not given. They stay.
    #[arg(long)]
    pub namespace: Option<String>,
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Records of a drain; a million if not given (half as many for shuffle).
    #[arg(long = "n", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub records: Option<u64>,
    /// The exponent of Zipf's law by which SKUs are chosen; 0 is uniform.
    #[arg(long, default_value_t = 0.0, value_parser = exponent)]
    pub theta: f64,
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Any of them; they run in this order. Where latency is named twice it is measured twice.
    #[arg(long, value_delimiter = ',', default_value = "drain,warmdrain,restore,latency,verify")]
    pub phases: Vec<Phase>,
    /// Records a second of the latency phase.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub rate: u64,
    /// Seconds that the latency phase measures.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub secs: u64,
    /// Seconds of the latency phase before that.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub warm: u64,
    /// Milliseconds of rest after the first load.
    #[arg(long, default_value_t = 2_000)]
    pub settle: u64,
    /// The CPU that the application is pinned to (with taskset; on Kafka only).
    #[arg(long)]
    pub app_cpu: Option<u32>,
    /// The broker's process, to tell what it spends.
    #[arg(long)]
    pub broker_pid: Option<u32>,
    /// Another program to be measured, with its first arguments. It gets those of `bench application` as well.
    #[arg(long)]
    pub application: Option<String>,
    /// Goes into every line.
    #[arg(long)]
    pub label: Option<String>,
}

/// What the application is told.
#[derive(Args, Clone)]
pub struct EngineArgs {
    /// Different keys: SKUs, or rules.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub keys: u64,
    /// Worker threads for each stage.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4))]
    pub threads: u32,
    /// Commits at the latest after so many milliseconds of work; the runtime's own choice if not given.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..=60_000))]
    pub commit_ms: Option<i64>,
    /// MiB for the state of all tasks.
    #[arg(long, default_value_t = STATE_MEMORY_MIB, value_parser = clap::value_parser!(u32).range(64..=1 << 20))]
    pub state_memory_mib: u32,
    /// A property of librdkafka for all clients, as name=value.
    #[arg(long = "property", value_name = "NAME=VALUE")]
    pub properties: Vec<String>,
}

impl EngineArgs {
    pub fn setup(&self, workload: Workload, namespace: String) -> Setup {
        Setup {
            workload,
            namespace,
            keys: self.keys,
            threads: self.threads,
            commit_ms: self.commit_ms,
            state_memory_mib: self.state_memory_mib,
            instance: "worker".to_owned(),
            session_timeout: SESSION_TIMEOUT,
            stands_by: false,
        }
    }
}

#[derive(Args, Clone)]
pub struct ApplicationArgs {
    #[arg(long)]
    pub workload: Workload,
    #[arg(long)]
    pub brokers: String,
    #[arg(long)]
    pub namespace: String,
    #[arg(long)]
    pub state_dir: PathBuf,
    /// Its identity among several that share the work; `worker` if not given.
    #[arg(long)]
    pub instance: Option<String>,
    /// It loses its tasks after so many milliseconds of silence; the platform's own choice if not given.
    #[arg(long)]
    pub session_ms: Option<u64>,
    /// The brokers abort a transaction that is open for so many milliseconds; the platform's own choice if not given.
    #[arg(long)]
    pub transaction_ms: Option<u64>,
    /// Keeps a standby of every task that others have.
    #[arg(long, conflicts_with = "threads")]
    pub stand_by: bool,
    #[command(flatten)]
    pub engine: EngineArgs,
}

#[derive(Args, Clone)]
pub struct VerifyArgs {
    #[arg(long)]
    pub workload: Workload,
    #[arg(long)]
    pub brokers: String,
    #[arg(long)]
    pub namespace: String,
    #[arg(long)]
    pub keys: u64,
    /// Input records that were acknowledged.
    #[arg(long)]
    pub sent: u64,
    /// Input records of which nobody knows whether they were written.
    #[arg(long, default_value_t = 0)]
    pub doubtful: u64,
}

fn exponent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(theta) if (0.0..=5.0).contains(&theta) => Ok(theta),
        _ => Err("it must be a number from 0 to 5".to_owned()),
    }
}
