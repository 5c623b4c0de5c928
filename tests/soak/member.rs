//! One process of the application: it shares the partitions with the others, under an identity that it keeps.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tradewind_tests::process;

use crate::{relay::Traps, topics::STAGE};

/// A member that was told to stop may take this long.
const STOP_WITHIN: Duration = Duration::from_secs(90);
/// So much of a log is shown with a failure.
const TAIL: usize = 12;

/// What all members are told alike.
#[derive(Clone)]
pub struct Orders {
    pub brokers: String,
    pub namespace: String,
    pub session: Duration,
    pub transaction: Duration,
    pub keys: u64,
}

pub struct Member {
    /// Its clients' name.
    pub name: String,
    instance: String,
    stands_by: bool,
    orders: Orders,
    pub state: PathBuf,
    log: PathBuf,
    traps: Arc<Traps>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    stdin: ChildStdin,
    /// Ends the child, frozen or not, when the test process is gone.
    _watch: Watched,
}

struct Watched(Child, Option<ChildStdin>);

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.0.kill();
        drop(self.1.take());
        let _ = self.0.wait();
    }
}

impl Member {
    /// A member that does not run yet.
    pub fn new(name: &str, instance: &str, orders: &Orders, folder: &Path, traps: &Arc<Traps>) -> Self {
        Self {
            name: name.to_owned(),
            instance: instance.to_owned(),
            stands_by: false,
            orders: orders.clone(),
            state: folder.join(format!("state-{name}")),
            log: folder.join(format!("{name}.log")),
            traps: traps.clone(),
            running: None,
        }
    }

    /// From its next start on it keeps a standby of every task that others have.
    pub fn standing_by(mut self) -> Self {
        self.stands_by = true;
        self
    }

    pub fn start(&mut self) -> Result<()> {
        ensure!(self.running.is_none(), "{} runs already", self.name);
        let Orders { brokers, namespace, session, transaction, keys } = &self.orders;
        let state = self.state.display().to_string();
        let mut command = process::command(&["bench", "application", "--workload", "ledger", "--brokers", brokers]);
        command.args(["--namespace", namespace, "--state-dir", &state, "--instance", &self.instance]);
        command.args(["--session-ms", &session.as_millis().to_string()]);
        command.args(["--transaction-ms", &transaction.as_millis().to_string()]);
        command.args(["--keys", &keys.to_string(), "--property", &format!("client.id={}", self.name)]);
        if self.stands_by {
            command.arg("--stand-by");
        }
        let log = || -> Result<File> {
            let opened = OpenOptions::new().create(true).append(true).open(&self.log);
            opened.with_context(|| format!("{} cannot be written", self.log.display()))
        };
        writeln!(log()?, "--- started")?;
        let mut child = command.stdin(Stdio::piped()).stdout(log()?).stderr(log()?).spawn().context("the binary")?;
        let stdin = child.stdin.take().context("it has no standard input")?;
        let (watch, watched) = process::watch(child.id());
        self.traps.is(&self.name, child.id());
        self.running = Some(Running { child, stdin, _watch: Watched(watch, Some(watched)) });
        Ok(())
    }

    /// Whether it has had tasks since it began, or lost its state.
    pub fn has_state(&self) -> bool {
        self.state.join(STAGE).exists()
    }

    pub fn process(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Ends it at once, as a power cut would.
    pub fn kill9(&mut self) -> Result<()> {
        if let Some(mut running) = self.running.take() {
            // It may have ended by itself, which is as dead.
            let _ = running.child.kill();
            running.child.wait()?;
        }
        Ok(())
    }

    pub fn freeze(&self) -> Result<()> {
        self.signal("-STOP")
    }

    pub fn thaw(&self) -> Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let running = self.running.as_ref().with_context(|| format!("{} does not run", self.name))?;
        let sent = Command::new("kill").args([signal, &running.child.id().to_string()]).status()?;
        ensure!(sent.success(), "kill {signal} of {} failed", self.name);
        Ok(())
    }

    /// Tells it to finish what it has in hand and go.
    pub fn tell_to_stop(&mut self) -> Result<()> {
        let running = self.running.as_mut().with_context(|| format!("{} does not run", self.name))?;
        running.stdin.write_all(b"stop\n").context("it cannot be told to stop")
    }

    /// The same, and waits until it has gone in good order.
    pub fn stop(&mut self) -> Result<()> {
        self.tell_to_stop()?;
        let deadline = Instant::now() + STOP_WITHIN;
        loop {
            if let Some(status) = self.ended()? {
                ensure!(status.success(), "{} ended with {status}:\n{}", self.name, self.tail());
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{} does not stop within {STOP_WITHIN:?}:\n{}", self.name, self.tail());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// How it ended, if it did; it does not run afterwards.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let Some(running) = &mut self.running else { return Ok(None) };
        let status = running.child.try_wait()?;
        if status.is_some() {
            self.running = None;
        }
        Ok(status)
    }

    /// How often it said this.
    pub fn said(&self, words: &str) -> usize {
        fs::read_to_string(&self.log).unwrap_or_default().matches(words).count()
    }

    /// A line that librdkafka printed by itself, past the process's own log, if there is one.
    pub fn printed_by_librdkafka(&self) -> Option<String> {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        said.lines().find(|line| line.starts_with('%')).map(str::to_owned)
    }

    /// The end of what it said.
    pub fn tail(&self) -> String {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("P ")).collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Nothing more can be done where even this fails.
        let _ = self.kill9();
    }
}
