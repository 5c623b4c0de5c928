//! The command line. Configuration is read here and nowhere else: each option also as `TRADEWIND_…`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, builder::NonEmptyStringValueParser};

use crate::{config::Origins, platform::Settings};

/// An e-commerce platform of stateful stream processors.
#[derive(Parser)]
#[command(
    name = "tradewind",
    version,
    about,
    propagate_version = true,
    after_help = "Example:\n  tradewind up --data-dir ./data"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Runs the whole platform in this process.
    #[command(after_help = "Example:\n  tradewind up --data-dir ./data --listen 127.0.0.1:8080")]
    Up(Up),
    /// Runs an HTTP edge (with Kafka).
    #[command(after_help = "Example:\n  tradewind edge --brokers 127.0.0.1:9092 --registry http://127.0.0.1:8081")]
    Edge(EdgeArgs),
    /// Runs workers of some capabilities, or of all (with Kafka).
    #[command(
        after_help = "Example:\n  tradewind worker --brokers 127.0.0.1:9092 --registry http://127.0.0.1:8081 --capability order"
    )]
    Worker(WorkerArgs),
    /// Runs the connectors to the world outside (with Kafka).
    #[command(
        after_help = "Example:\n  tradewind connect --brokers 127.0.0.1:9092 --registry http://127.0.0.1:8081 --gateway http://127.0.0.1:9090"
    )]
    Connect(ConnectArgs),
    /// Plans or creates the topics (with Kafka).
    #[command(subcommand)]
    Topics(Topics),
    /// Prints the records of a topic.
    #[command(after_help = "Example:\n  tradewind tap order.events --from beginning --follow --format json")]
    Tap(TapArgs),
    /// Imports data through the HTTP edge.
    #[command(subcommand)]
    Import(Import),
    /// Reads the topics alone, and proves that the books are right.
    #[command(after_help = "Example:\n  tradewind audit --data-dir ./data")]
    Audit(AuditArgs),
    /// Runs the sandbox gateway alone (it is part of `up`).
    #[command(after_help = "Example:\n  tradewind sandbox --listen 127.0.0.1:9090 --data-dir data")]
    Sandbox(SandboxArgs),
    /// Measures the engine: loads a workload, runs it, watches its output and verifies it.
    #[command(subcommand)]
    Bench(crate::bench::Bench),
    /// Prints the version.
    Version,
}

/// What the local state of a process's tasks may take if nothing else is said.
pub const STATE_MEMORY_MIB: u32 = 1024;

/// Which log, and whose topics on it.
#[derive(Args, Clone)]
pub struct LogArgs {
    #[command(flatten)]
    pub origins: Origins,
    /// Kafka's bootstrap servers, as host:port,…; without them the embedded log is used.
    #[arg(long, env = "TRADEWIND_BROKERS", value_parser = NonEmptyStringValueParser::new())]
    pub brokers: Option<String>,
    /// The schema registry's URL; needed with Kafka, and not used otherwise.
    #[arg(long, env = "TRADEWIND_REGISTRY", value_parser = NonEmptyStringValueParser::new())]
    pub registry: Option<String>,
    /// What the run calls its topics: `<namespace>.order.commands`.
    #[arg(long, env = "TRADEWIND_NAMESPACE", default_value = "tradewind", value_parser = namespace)]
    pub namespace: String,
}

/// The same for those that make the topics, or rely on how they were made.
#[derive(Args, Clone)]
pub struct RunArgs {
    #[command(flatten)]
    pub log: LogArgs,
    /// How many partitions topics get when they are created. It is for life.
    #[arg(long, env = "TRADEWIND_PARTITIONS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub partitions: u32,
}

/// What Kafka takes in a topic's name, with room for what comes after it.
fn namespace(text: &str) -> Result<String, String> {
    let fine = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    match text.len() {
        1..=100 if text.chars().all(fine) => Ok(text.to_owned()),
        _ => Err("it must be 1 to 100 of the characters a-z, A-Z, 0-9, `.`, `_` and `-`".to_owned()),
    }
}

#[derive(Args, Clone)]
pub struct Secrets {
    /// The file with the shop's keys: made when the shop is begun, and the same for all of its processes. `up` keeps it
    /// below the data directory if not told otherwise.
    #[arg(long, env = "TRADEWIND_SECRETS_FILE")]
    pub secrets_file: Option<PathBuf>,
}

#[derive(Args, Clone)]
pub struct Administrator {
    /// The first administrator's e-mail address. Only a demo shop that listens on loopback does without.
    #[arg(long, env = "TRADEWIND_ADMIN_EMAIL")]
    pub admin_email: Option<String>,
    /// The first administrator's password: 8 to 128 characters. It counts when the administrator is made, and changes
    /// nobody's afterwards.
    #[arg(long, env = "TRADEWIND_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
}

/// How long the steps of an order may take, such as `30s`, `10m` or `1h 30m`.
#[derive(Args, Clone)]
pub struct Deadlines {
    /// How long inventory has to answer an order.
    #[arg(long, env = "TRADEWIND_STOCK_DEADLINE", default_value = "30s", value_parser = duration)]
    pub stock_deadline: Duration,
    /// How long a payment may take to be authorised.
    #[arg(long, env = "TRADEWIND_PAYMENT_DEADLINE", default_value = "10m", value_parser = duration)]
    pub payment_deadline: Duration,
    /// How long stock is held for an order that is not paid. Where it is shorter than the other two together, a
    /// payment may come for stock that is gone; it is given back then.
    #[arg(long, env = "TRADEWIND_RESERVATION", default_value = "15m", value_parser = duration)]
    pub reservation: Duration,
}

impl Deadlines {
    pub fn settings(&self) -> Settings {
        let (stock, payment, reservation) = (self.stock_deadline, self.payment_deadline, self.reservation);
        Settings { deadlines: tradewind_order::Deadlines { stock, payment, reservation } }
    }
}

/// From a millisecond to a year.
fn duration(text: &str) -> Result<Duration, String> {
    let duration =
        humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 30s, 10m or 1h 30m"))?;
    let sane = Duration::from_millis(1)..=Duration::from_secs(366 * 86_400);
    if sane.contains(&duration) { Ok(duration) } else { Err("it must be from 1ms to 366d".to_owned()) }
}

#[derive(Args, Clone)]
pub struct StateMemory {
    /// MiB of memory for the local state of all tasks of the process, taken as far as there is state. Three quarters are
    /// for rows at hand, shared by the tasks in equal parts, a quarter is for what the stores cache and have not written
    /// yet; what finds no room is read from disk.
    #[arg(long, env = "TRADEWIND_STATE_MEMORY_MIB", default_value_t = STATE_MEMORY_MIB, value_parser = clap::value_parser!(u32).range(64..=1 << 20))]
    pub state_memory_mib: u32,
}

impl StateMemory {
    pub fn bytes(&self) -> usize {
        (self.state_memory_mib as usize) << 20
    }
}

#[derive(Args, Clone)]
pub struct Up {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub secrets: Secrets,
    #[command(flatten)]
    pub deadlines: Deadlines,
    #[command(flatten)]
    pub state_memory: StateMemory,
    #[command(flatten)]
    pub administrator: Administrator,
    /// Where everything is kept.
    #[arg(long, env = "TRADEWIND_DATA_DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// Where clients reach the edge.
    #[arg(long, env = "TRADEWIND_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where operators reach metrics, health and the schema registry.
    #[arg(long, env = "TRADEWIND_ADMIN_LISTEN", default_value = "127.0.0.1:8081")]
    pub admin_listen: SocketAddr,
    /// Starts without the demo shop.
    #[arg(long, env = "TRADEWIND_NO_DEMO", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false")]
    pub no_demo: bool,
}

#[derive(Args, Clone)]
pub struct EdgeArgs {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub secrets: Secrets,
    #[command(flatten)]
    pub administrator: Administrator,
    /// Where clients reach the edge.
    #[arg(long, env = "TRADEWIND_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where operators reach metrics and health.
    #[arg(long, env = "TRADEWIND_ADMIN_LISTEN", default_value = "127.0.0.1:8081")]
    pub admin_listen: SocketAddr,
    /// Which partition of `edge.replies` this edge reads.
    #[arg(long, env = "TRADEWIND_REPLIES_PARTITION", default_value_t = 0)]
    pub replies_partition: u32,
}

#[derive(Args, Clone)]
pub struct WorkerArgs {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub secrets: Secrets,
    #[command(flatten)]
    pub deadlines: Deadlines,
    #[command(flatten)]
    pub state_memory: StateMemory,
    /// The stages to run; all if none is named.
    #[arg(long = "capability", env = "TRADEWIND_CAPABILITIES", value_delimiter = ',')]
    pub capabilities: Vec<String>,
    /// Where local state is kept.
    #[arg(long, env = "TRADEWIND_DATA_DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// Where edges ask this worker's tasks. On loopback, or within a network that only edges reach.
    #[arg(long, env = "TRADEWIND_QUERY_LISTEN", default_value = "127.0.0.1:0")]
    pub query_listen: SocketAddr,
    /// What other processes call this worker's address, if not as it listens.
    #[arg(long, env = "TRADEWIND_ADVERTISE")]
    pub advertise: Option<String>,
    /// How many other workers keep each task's state at hand, for when it moves. Give all workers the same.
    #[arg(long, env = "TRADEWIND_STANDBYS", default_value_t = 0)]
    pub standbys: u8,
    /// This worker's identity: a later one with the same fences an earlier one.
    #[arg(long, env = "TRADEWIND_INSTANCE", default_value = "worker-0")]
    pub instance: String,
}

#[derive(Args, Clone)]
pub struct ConnectArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// The gateway's URL.
    #[arg(long, env = "TRADEWIND_GATEWAY")]
    pub gateway: String,
    /// The secret key for the gateway.
    #[arg(long, env = "TRADEWIND_GATEWAY_KEY", hide_env_values = true)]
    pub gateway_key: String,
    /// This connector's identity: a later one with the same fences an earlier one.
    #[arg(long, env = "TRADEWIND_INSTANCE", default_value = "connector-0")]
    pub instance: String,
}

#[derive(Args, Clone)]
pub struct SandboxArgs {
    #[command(flatten)]
    pub origins: Origins,
    /// Where its charges are kept.
    #[arg(long, env = "TRADEWIND_DATA_DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// Where it is called. Its secret key is `sk_sandbox_tradewind`.
    #[arg(long, env = "TRADEWIND_LISTEN", default_value = "127.0.0.1:9090")]
    pub listen: SocketAddr,
}

#[derive(Subcommand)]
pub enum Topics {
    /// Says what would be created.
    #[command(after_help = "Example:\n  tradewind topics plan --brokers 127.0.0.1:9092")]
    Plan(RunArgs),
    /// Creates what is not there.
    #[command(after_help = "Example:\n  tradewind topics apply --brokers 127.0.0.1:9092")]
    Apply(RunArgs),
}

#[derive(Args, Clone)]
pub struct TapArgs {
    /// The topic, without the namespace.
    pub topic: String,
    #[command(flatten)]
    pub log: LogArgs,
    /// An embedded log at rest; a running `tradewind up` is asked through --admin.
    #[arg(long, env = "TRADEWIND_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// The admin address of a running `tradewind up`.
    #[arg(long, env = "TRADEWIND_ADMIN", default_value = "http://127.0.0.1:8081")]
    pub admin: String,
    /// Where to begin: `beginning`, `end`, or a time in RFC 3339.
    #[arg(long, default_value = "end")]
    pub from: String,
    /// Goes on as records come.
    #[arg(long)]
    pub follow: bool,
    /// `json`: a line each.
    #[arg(long, default_value = "json", value_parser = ["json"])]
    pub format: String,
}

#[derive(Subcommand)]
pub enum Import {
    /// Imports the Northwind shop's record (SQL inserts).
    #[command(after_help = "Example:\n  tradewind import northwind northwind.sql --edge http://127.0.0.1:8080")]
    Northwind(Northwind),
}

#[derive(Args, Clone)]
pub struct Northwind {
    #[command(flatten)]
    pub origins: Origins,
    /// The file of SQL inserts.
    pub file: PathBuf,
    /// The edge to import through.
    #[arg(long, env = "TRADEWIND_EDGE", default_value = "http://127.0.0.1:8080")]
    pub edge: String,
    #[command(flatten)]
    pub administrator: Administrator,
}

#[derive(Args, Clone)]
pub struct AuditArgs {
    #[command(flatten)]
    pub log: LogArgs,
    /// An embedded log at rest.
    #[arg(long, env = "TRADEWIND_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}
