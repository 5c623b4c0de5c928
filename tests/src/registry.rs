//! A schema registry that is not ours: the AxonOps one, with its storage in memory.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::ports::free_port;

/// Ends the registry when standard input closes: it does not outlive the test process, however that one ends.
const GUARD: &str =
    r#""$@" </dev/null >/dev/null 2>&1 & guarded=$!; read -r _; kill -9 $guarded; wait $guarded 2>/dev/null"#;
/// It may take this long to start on a busy machine.
const START_WITHIN: Duration = Duration::from_secs(60);

/// A registry of this test process.
pub struct Registry {
    url: String,
    running: Option<(Child, ChildStdin)>,
    _configuration: TempDir,
}

impl Registry {
    /// The one that the tests of this process share, built and started with the first use.
    pub fn shared() -> &'static Registry {
        static SHARED: OnceLock<Registry> = OnceLock::new();
        SHARED.get_or_init(|| Registry::start_at(free_port()))
    }

    /// One of its own, without any schemas.
    pub fn start_at(port: u16) -> Self {
        let configuration = TempDir::new().expect("a folder");
        let file = configuration.path().join("registry.yaml");
        let yaml = format!("server: {{host: 127.0.0.1, port: {port}}}\nstorage: {{type: memory}}\n");
        fs::write(&file, yaml).expect("its configuration");
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard", program(), "-config"])
            .arg(&file)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let stdin = guard.stdin.take().expect("its standard input");
        let deadline = Instant::now() + START_WITHIN;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the independent registry did not start on port {port}");
            thread::sleep(Duration::from_millis(20));
        }
        Self { url: format!("http://127.0.0.1:{port}"), running: Some((guard, stdin)), _configuration: configuration }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it: nobody listens there afterwards.
    pub fn stop(&mut self) {
        if let Some((mut guard, stdin)) = self.running.take() {
            drop(stdin);
            guard.wait().expect("the guard ends");
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The program, built where it is missing.
fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry/provision.sh");
        let output = Command::new(script).stderr(Stdio::inherit()).output().expect("the script runs");
        assert!(output.status.success(), "no independent registry to test with; see the message above");
        String::from_utf8(output.stdout).expect("a path").trim().to_owned()
    })
}
