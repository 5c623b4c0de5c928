//! Processes of the real binary, which die with the test.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A process that was told to stop may take this long to finish what it has in hand.
const STOP_WITHIN: Duration = Duration::from_secs(60);
/// So much of a log is shown with a failure.
const TAIL: usize = 40;

/// The binary under test: it lies beside the test executables' folder.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let target = test.parent().and_then(Path::parent).expect("a test executable lies in target/*/deps");
    let binary = target.join("tradewind");
    assert!(
        binary.is_file(),
        "there is no {}: build the platform first, with `cargo build -p tradewind` or `make build`",
        binary.display()
    );
    binary
}

/// Runs the binary to its end.
pub fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the binary can be started")
}

/// The binary with these arguments and nothing from the test's own environment that would configure it.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TRADEWIND_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The same for a process that meets a limit of its files' sizes as it would a full disk: as an error, and not as its
/// end.
fn bounded(command: &Command) -> Command {
    let mut bounded = Command::new("sh");
    bounded.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bounded.env(name, value),
            None => bounded.env_remove(name),
        };
    }
    bounded.stdin(Stdio::null());
    bounded
}

/// One process of the platform, its log in a file.
pub struct Process {
    pub name: String,
    arguments: Vec<String>,
    log: PathBuf,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// A shell that ends the child when the test process is gone and can no longer do it.
    watch: (Child, ChildStdin),
}

impl Process {
    /// Starts it; what it says goes to `<name>.log` in `logs`.
    pub fn start(name: &str, arguments: &[&str], logs: &Path) -> Self {
        Self::start_saying_to(&logs.join(format!("{name}.log")), name, arguments)
    }

    /// The same with another log.
    pub fn start_saying_to(log: &Path, name: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let log = log.to_owned();
        let mut process = Self { name: name.to_owned(), arguments, log, running: None };
        process.restart();
        process
    }

    /// Starts it again as it was started first.
    pub fn restart(&mut self) {
        self.kill9();
        let log = || -> File {
            let opened = OpenOptions::new().create(true).append(true).open(&self.log);
            opened.unwrap_or_else(|error| panic!("{} cannot be written: {error}", self.log.display()))
        };
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        let mut command = bounded(&command(&arguments));
        let child = command.stdout(log()).stderr(log()).process_group(0).spawn().expect("the binary can be started");
        let watch = watch(child.id());
        self.running = Some(Running { child, watch });
    }

    /// Ends it at once, as a power cut would.
    pub fn kill9(&mut self) {
        if let Some(Running { mut child, watch: (mut watch, stdin) }) = self.running.take() {
            // It may have ended by itself, which is as dead.
            let _ = child.kill();
            let _ = child.wait();
            let _ = watch.kill();
            drop(stdin);
            let _ = watch.wait();
        }
    }

    /// Tells it to stop (SIGTERM) and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.end(STOP_WITHIN)
    }

    /// Waits until it has come to its end.
    pub fn end(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.ended() {
                self.kill9();
                return status;
            }
            assert!(Instant::now() < deadline, "{} does not end:\n{}", self.name, self.tail());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Does something while the process stands still.
    pub fn suspended<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        self.signal("-STOP");
        let done = meanwhile();
        self.signal("-CONT");
        done
    }

    fn signal(&self, signal: &str) {
        let id = self.id().unwrap_or_else(|| panic!("{} does not run", self.name));
        let told = Command::new("kill").args([signal, &id.to_string()]).status();
        assert!(told.is_ok_and(|status| status.success()), "{} could not be sent {signal}", self.name);
    }

    /// The same for a process whose work must come to a right end.
    pub fn stop_in_good_order(&mut self) {
        let status = self.stop();
        assert!(status.success(), "{} ended with {status}:\n{}", self.name, self.tail());
    }

    /// Lets no file of it grow beyond so many bytes (or `unlimited`), much as a full disk would.
    pub fn limit_files(&self, bytes: &str) {
        self.limit(&format!("--fsize={bytes}:"));
    }

    /// Lets it open so many files and connections beside those that it has.
    pub fn limit_descriptors(&self, more: usize) {
        let open = fs::read_dir(format!("/proc/{}/fd", self.id().unwrap_or_default())).expect("it runs").count();
        self.limit(&format!("--nofile={}:", open + more));
    }

    fn limit(&self, limit: &str) {
        let id = self.id().unwrap_or_else(|| panic!("{} does not run", self.name)).to_string();
        let status = Command::new("prlimit").args(["--pid", &id, limit]).status();
        assert!(status.is_ok_and(|status| status.success()), "{} cannot be limited", self.name);
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.running.as_mut().and_then(|running| running.child.try_wait().expect("a child can be asked"))
    }

    /// All that it has said, on standard output and standard error.
    pub fn said(&self) -> String {
        // A device may have no end.
        if !self.log.is_file() {
            return String::new();
        }
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has said this.
    pub async fn says(&mut self, text: &str, within: Duration) {
        let deadline = Instant::now() + within;
        while !self.said().contains(text) {
            let goes_on = self.ended().is_none() && Instant::now() < deadline;
            assert!(goes_on, "{} does not say {text:?}:\n{}", self.name, self.tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The end of what it said.
    pub fn tail(&self) -> String {
        let said = self.said();
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        if thread::panicking() {
            eprintln!("--- the end of the log of {} ({}):\n{}", self.name, self.log.display(), self.tail());
        }
    }
}

/// A shell that ends this process as soon as its own standard input closes, so when the test process is gone.
pub fn watch(process: u32) -> (Child, ChildStdin) {
    let script = format!("trap '' INT TERM; read -r _; kill -9 {process} 2>/dev/null");
    let mut watch = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell");
    let stdin = watch.stdin.take().expect("its standard input");
    (watch, stdin)
}
