//! The application under test as the driver sees it: a process of its own on Kafka, threads of the driver's process
//! on the embedded log, which is for one process only.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use parking_lot::Mutex;
use tradewind_runtime::now;
use tradewind_topics::Log;

use super::{
    application::{Application, Setup},
    lines::Line,
    monitor,
    proc::Process,
};

/// An application that was told to stop may take this long.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// What the application has said so far, in milliseconds of the wall clock; 0 for what it has not.
#[derive(Clone, Copy, Default)]
pub struct Said {
    pub first: i64,
    pub running: i64,
    pub processed: u64,
    pub processed_at: i64,
    pub restore_from: i64,
    pub restore_to: i64,
    pub restored: u64,
}

impl Said {
    fn hear(&mut self, line: Line) {
        match line {
            Line::First { at } => self.first = at,
            Line::Running { at } => self.running = at,
            Line::Processed { count, at } => (self.processed, self.processed_at) = (count, at),
            Line::Restored { from, to, records } => {
                (self.restore_from, self.restore_to, self.restored) = (from, to, records);
            }
        }
    }
}

pub struct Subject {
    pub launched: i64,
    pub process: Process,
    said: Arc<Mutex<Said>>,
    kind: Kind,
}

enum Kind {
    Process { child: Child, listener: JoinHandle<()> },
    Threads { tell: Sender<()>, monitor: JoinHandle<Result<()>> },
}

impl Subject {
    /// Starts a process that says [`Line`]s.
    pub fn launch(mut command: Command) -> Result<Self> {
        let launched = now().millis();
        let what = format!("{command:?}");
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.with_context(|| format!("the application cannot be started: {what}"))?;
        let said = Arc::new(Mutex::new(Said::default()));
        let stdout = child.stdout.take().context("the application has no standard output")?;
        let hearing = said.clone();
        let listener = thread::Builder::new().name("bench-listener".to_owned()).spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.filter_map(|text| Line::parse(&text)).for_each(|line| hearing.lock().hear(line));
        })?;
        let process = Process::new(child.id());
        Ok(Self { launched, process, said, kind: Kind::Process { child, listener } })
    }

    /// Starts it in this process.
    pub fn start(setup: &Setup, log: Arc<dyn Log>, state_dir: &Path) -> Result<Self> {
        let launched = now().millis();
        let application = Application::start(setup, log, state_dir)?;
        let said = Arc::new(Mutex::new(Said::default()));
        let (tell, told) = mpsc::channel();
        let hearing = said.clone();
        let monitor = thread::Builder::new()
            .name("bench-monitor".to_owned())
            .spawn(move || monitor::watch(application, &told, |line| hearing.lock().hear(line)))?;
        Ok(Self { launched, process: Process::own(), said, kind: Kind::Threads { tell, monitor } })
    }

    pub fn said(&self) -> Said {
        *self.said.lock()
    }

    /// # Errors
    /// Where it has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        match &mut self.kind {
            Kind::Process { child, .. } => {
                let ended = child.try_wait()?;
                ensure!(ended.is_none(), "the application ended by itself; it said why above");
            }
            Kind::Threads { monitor, .. } => {
                ensure!(!monitor.is_finished(), "the application ended by itself");
            }
        }
        Ok(())
    }

    /// Waits until `done`, and fails with `what` did not happen where it takes longer than `within`.
    pub fn wait(&mut self, what: &str, within: Duration, mut done: impl FnMut(&Said) -> bool) -> Result<()> {
        let deadline = Instant::now() + within;
        while !done(&self.said()) {
            self.check()?;
            ensure!(
                Instant::now() < deadline,
                "{what} within {within:?}: the application said {}",
                self.said().processed
            );
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Stops it in its tracks; false where it cannot be, because it is part of this process.
    pub fn freeze(&self) -> Result<bool> {
        self.signal("-STOP")
    }

    pub fn thaw(&self) -> Result<bool> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<bool> {
        let Kind::Process { child, .. } = &self.kind else { return Ok(false) };
        let sent = Command::new("kill").arg(signal).arg(child.id().to_string()).status().context("kill")?;
        ensure!(sent.success(), "kill {signal} {} failed", child.id());
        Ok(true)
    }

    /// Lets it finish what it has in hand, and waits for it.
    pub fn stop(self) -> Result<()> {
        match self.kind {
            Kind::Process { mut child, listener } => {
                if let Some(mut stdin) = child.stdin.take() {
                    stdin.write_all(b"stop\n").context("the application cannot be told to stop")?;
                }
                let deadline = Instant::now() + STOP_WITHIN;
                let status = loop {
                    if let Some(status) = child.try_wait()? {
                        break status;
                    }
                    if Instant::now() > deadline {
                        child.kill()?;
                        bail!("the application did not stop within {STOP_WITHIN:?} and was killed");
                    }
                    thread::sleep(Duration::from_millis(5));
                };
                ensure!(status.success(), "the application ended with {status}");
                listener.join().map_err(|_| anyhow::anyhow!("the application's listener panicked"))
            }
            Kind::Threads { tell, monitor } => {
                // Where nobody listens any more, the monitor has ended and says why.
                let _ = tell.send(());
                monitor.join().map_err(|_| anyhow::anyhow!("the application's monitor panicked"))?
            }
        }
    }
}
