//! A real Kafka for tests: a node of Apache Kafka 4.3.1, run from its jars, without containers. Several make a
//! [`cluster`](crate::cluster).
//!
//! The broker lives under a small shell guard that ends it as soon as its standard input closes, so that no broker
//! outlives the test process, however that one ends.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};
use tempfile::TempDir;

use crate::ports::free_port;

/// A broker may take this long to start on a busy machine.
const START_WITHIN: Duration = Duration::from_secs(120);

/// Runs the broker (its log file and command line are the arguments), says its process id, and ends it when standard
/// input says `keep` or closes; in the latter case it also removes the broker's folder.
const GUARD: &str = r#"
trap '' INT
home=$1 log=$2
shift 2
{
    sh -c 'log=$1; shift; echo $$ >"$0/pid"; echo $$; exec "$@" >>"$log" 2>&1' "$home" "$log" "$@"
    echo "the broker ended with status $?" >>"$log"
} </dev/null &
guarded=$!
read -r word
kill -9 "$(cat "$home/pid")" 2>/dev/null
wait $guarded 2>/dev/null
[ "$word" = keep ] || rm -rf "$home"
"#;

/// A broker of this test process.
pub struct Broker {
    bootstrap: String,
    own: Option<Own>,
}

/// What belongs to a broker that was started here.
struct Own {
    home: TempDir,
    libs: PathBuf,
    starts: u32,
    guard: Option<Guard>,
}

struct Guard {
    process: Child,
    stdin: ChildStdin,
    broker: u32,
}

impl Broker {
    /// Starts a broker on free ports, which may be killed, and waits until it answers. Fetches Kafka first where it is
    /// missing.
    pub fn start() -> Broker {
        Self::started(Patience::OF_ONE)
    }

    fn started(patience: Patience) -> Broker {
        Self::try_start(patience).unwrap_or_else(|error| panic!("no Kafka to test with: {error:#}"))
    }

    /// The broker that the tests of this process share: started with the first use, or the running one that
    /// `TRADEWIND_TEST_KAFKA=host:port` names.
    pub fn shared() -> &'static Broker {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("TRADEWIND_TEST_KAFKA") {
            Ok(bootstrap) => Broker { bootstrap, own: None },
            Err(_) => Self::started(Patience::BRISK),
        })
    }

    /// `host:port` for clients.
    pub fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    /// Ends the broker at once, as a power cut would; its data stays for [`restart`](Broker::restart).
    pub fn kill9(&mut self) {
        self.own().end(true).unwrap_or_else(|error| panic!("the broker could not be ended: {error:#}"));
    }

    /// Starts the broker again on the same port with the same data.
    pub fn restart(&mut self) {
        let bootstrap = self.bootstrap.clone();
        let own = self.own();
        own.end(true)
            .and_then(|()| own.run(&bootstrap))
            .and_then(|()| wait_until_led(&bootstrap))
            .unwrap_or_else(|error| panic!("the broker did not come back: {error:#}"));
    }

    /// Stops the broker in its tracks (SIGSTOP): connections stay, nothing answers.
    pub fn freeze(&mut self) {
        self.own().signal("-STOP");
    }

    /// Lets a frozen broker go on.
    pub fn thaw(&mut self) {
        self.own().signal("-CONT");
    }

    fn own(&mut self) -> &mut Own {
        self.own.as_mut().expect("only a broker that this process started can be meddled with")
    }

    fn try_start(patience: Patience) -> Result<Broker> {
        Self::start_node(&provision()?, &Node::alone(patience))
    }

    /// Starts one node of a cluster, or a cluster of one, and waits until it answers.
    pub(crate) fn start_node(libs: &Path, node: &Node) -> Result<Broker> {
        let home = tempfile::Builder::new().prefix("tradewind-kafka-").tempdir_in(home())?;
        fs::write(home.path().join("server.properties"), node.properties(home.path()))?;
        format_storage(home.path(), libs)?;
        let bootstrap = format!("127.0.0.1:{}", node.clients);
        let mut own = Own { home, libs: libs.to_owned(), starts: 0, guard: None };
        own.run(&bootstrap)?;
        Ok(Broker { bootstrap, own: Some(own) })
    }

    /// Where a broker that was started here keeps its data and logs, while it lives.
    pub fn home(&self) -> Option<&Path> {
        self.own.as_ref().map(|own| own.home.path())
    }
}

impl Own {
    fn run(&mut self, bootstrap: &str) -> Result<()> {
        self.starts += 1;
        let home = self.home.path();
        let log = home.join(format!("broker-{}.log", self.starts));
        let mut process = Command::new("sh")
            .arg("-c")
            .arg(GUARD)
            .arg("guard")
            .arg(home)
            .arg(&log)
            .args(java(&self.libs))
            .arg("kafka.Kafka")
            .arg(home.join("server.properties"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Out of reach of signals to the group of the test process: the guard cleans up after it.
            .process_group(0)
            .spawn()
            .context("sh could not be started")?;
        let stdin = process.stdin.take().context("the guard has no standard input")?;
        let stdout = process.stdout.take().context("the guard has no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let broker = line.trim().parse().with_context(|| format!("the guard said {line:?}, not a process id"))?;
        self.guard = Some(Guard { process, stdin, broker });
        wait_until_started(&log, bootstrap).inspect_err(|_| {
            let _ = self.end(true);
        })
    }

    /// Ends the broker if it runs, and returns when it is gone.
    fn end(&mut self, keep_data: bool) -> Result<()> {
        let Some(Guard { mut process, mut stdin, .. }) = self.guard.take() else { return Ok(()) };
        if keep_data {
            stdin.write_all(b"keep\n")?;
        }
        drop(stdin);
        process.wait()?;
        Ok(())
    }

    fn signal(&self, signal: &str) {
        let guard = self.guard.as_ref().expect("the broker runs");
        let sent = Command::new("kill").arg(signal).arg(guard.broker.to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal} {} failed", guard.broker);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.end(false);
    }
}

/// Brokers die in tests, but machines do not: their logs need not wait for a disk, and a disk that stalls for seconds
/// makes a broker fence itself.
fn home() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// The folder with Kafka's jars, fetched if need be.
pub(crate) fn provision() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("kafka/provision.sh");
    let output = Command::new(&script)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} could not be run", script.display()))?;
    ensure!(output.status.success(), "{} failed; it said why", script.display());
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// The start of a Java command line: a small heap, and compiled quickly rather than well.
fn java(libs: &Path) -> Vec<String> {
    let classpath = format!("{}/*", libs.display());
    ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", &classpath]
        .map(String::from)
        .into()
}

fn format_storage(home: &Path, libs: &Path) -> Result<()> {
    let mut command = java(libs).into_iter();
    let output = Command::new(command.next().unwrap_or_default())
        .args(command)
        .args(["kafka.tools.StorageTool", "format", "--cluster-id", "dHJhZGV3aW5kLXRlc3RzLQ", "-c"])
        .arg(home.join("server.properties"))
        .output()
        .context("java could not be started")?;
    ensure!(output.status.success(), "the storage tool failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn wait_until_started(log: &Path, bootstrap: &str) -> Result<()> {
    let deadline = Instant::now() + START_WITHIN;
    loop {
        let said = fs::read_to_string(log).unwrap_or_default();
        if said.contains("Kafka Server started") && TcpStream::connect(bootstrap).is_ok() {
            return Ok(());
        }
        if said.contains("the broker ended with status") || Instant::now() > deadline {
            let tail: Vec<&str> = said.lines().rev().take(15).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            bail!("the broker on {bootstrap} did not start; the end of its log:\n{}", tail.join("\n"));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A broker that has come back is without its partitions for a moment. Whoever has it end a transaction just then would
/// leave that pending for good: see [`Patience::OF_ONE`].
fn wait_until_led(bootstrap: &str) -> Result<()> {
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let deadline = Instant::now() + START_WITHIN;
    loop {
        let metadata = client.fetch_metadata(None, START_WITHIN)?;
        let without = metadata.topics().iter().find(|topic| topic.partitions().iter().any(|at| at.leader() < 0));
        match without {
            None => return Ok(()),
            Some(topic) if Instant::now() > deadline => bail!("{} has partitions without a leader", topic.name()),
            Some(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// One node that is broker and controller.
pub(crate) struct Node {
    /// From 1.
    pub number: usize,
    /// The port that clients come to.
    pub clients: u16,
    /// The controllers' ports, of all nodes in their order.
    pub controllers: Vec<u16>,
    /// A second listener, and the port at which it says that it is: that of a relay.
    pub relayed: Option<(u16, u16)>,
    pub patience: Patience,
}

/// How long brokers wait for one another and for transactions, in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// A broker silent for so long has no partitions any more.
    pub session: u32,
    /// Transactions that are open for too long are looked for so often.
    pub aborts_every: u32,
}

impl Patience {
    /// Kafka's own for brokers, and hardly any for transactions.
    const BRISK: Self = Self { session: 9_000, aborts_every: 500 };
    /// Others take over soon.
    pub(crate) const OF_SEVERAL: Self = Self { session: 4_000, aborts_every: 500 };
    /// Where nobody else can lead, a broker that was killed is without any partition for a moment after it has come
    /// back, when its former self is given up; Kafka 4.3 leaves out the markers of a transaction that ends just then,
    /// which stays pending for good. So it must not look for transactions to end before that, and nobody may kill it
    /// while the markers of an acknowledged commit are under way.
    pub(crate) const OF_ONE: Self = Self { session: 9_000, aborts_every: 20_000 };
}

impl Node {
    fn alone(patience: Patience) -> Self {
        Self { number: 1, clients: free_port(), controllers: vec![free_port()], relayed: None, patience }
    }

    /// Few internal partitions so that it starts quickly, and short limits so that tests can have short session and
    /// transaction time-outs.
    fn properties(&self, home: &Path) -> String {
        let Self { number, clients, controllers, relayed, patience: Patience { session, aborts_every } } = self;
        let heartbeat = session / 8;
        let voters = (1..).zip(controllers).map(|(number, port)| format!("{number}@127.0.0.1:{port}"));
        let voters = voters.collect::<Vec<_>>().join(",");
        let controller = controllers[number - 1];
        let (mut listeners, mut advertised, mut protocols) = (
            format!("PLAINTEXT://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}"),
            format!("PLAINTEXT://127.0.0.1:{clients}"),
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        );
        if let Some((listens, says)) = relayed {
            listeners.push_str(&format!(",RELAYED://127.0.0.1:{listens}"));
            advertised.push_str(&format!(",RELAYED://127.0.0.1:{says}"));
            protocols.push_str(",RELAYED:PLAINTEXT");
        }
        let replicas = controllers.len();
        let in_sync = replicas.div_ceil(2);
        format!(
            "\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners={listeners}
advertised.listeners={advertised}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map={protocols}
log.dirs={}
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms={aborts_every}
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
broker.heartbeat.interval.ms={heartbeat}
broker.session.timeout.ms={session}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
log.cleaner.dedupe.buffer.size=16777216
",
            home.join("data").display()
        )
    }
}
