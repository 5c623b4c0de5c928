//! Bad configuration ends the process at once, with a message that says what, where and what to do.

mod administrators;
mod keys;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use tempfile::TempDir;
use tradewind_tests::{
    broker::Broker,
    ports::free_port,
    process::{binary, command, run},
    registry::Registry,
    shop::{ADMIN_EMAIL, ADMIN_PASSWORD, Shop},
};

/// A process that cannot start must say so within this time, and not try for ever.
const ENDS_WITHIN: Duration = Duration::from_secs(90);

/// Runs what must fail; gives the line in which it said why.
#[track_caller]
pub fn fails(arguments: &[&str], says: &[&str]) -> String {
    refused(&mut command(arguments), says)
}

/// The same for a command that was given variables.
#[track_caller]
pub fn refused(command: &mut Command, says: &[&str]) -> String {
    let output = ends(command);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{command:?} said {said}");
    let line = said.lines().find(|line| line.starts_with("tradewind: ")).unwrap_or_default();
    for part in says {
        assert!(line.contains(part), "{command:?}: {part:?} is not in {line:?}; all of it:\n{said}");
    }
    line.to_owned()
}

/// Runs the binary and waits for its end.
#[track_caller]
fn ends(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let deadline = Instant::now() + ENDS_WITHIN;
    while child.try_wait().expect("a child can be asked").is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let output = child.wait_with_output().expect("its output");
            panic!("{command:?} does not end:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("its output")
}

fn up<'a>(data_dir: &'a str, listen: &'a str, admin_listen: &'a str) -> Vec<&'a str> {
    let up = ["up", "--no-demo", "--data-dir", data_dir, "--listen", listen, "--admin-listen", admin_listen];
    [&up[..], &ADMINISTRATOR].concat()
}

/// Without one no shop starts, but for the demo.
pub const ADMINISTRATOR: [&str; 4] = ["--admin-email", ADMIN_EMAIL, "--admin-password", ADMIN_PASSWORD];

pub fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A file of secrets as another shop could have it.
pub fn another_shops_keys() -> String {
    let key = BASE64_STANDARD.encode([7; 32]);
    let keys = json!({"format": 1, "signing_seed": key, "edge_key": key, "email_pepper": key, "master_key": key});
    keys.to_string()
}

pub const ANY: &str = "127.0.0.1:0";

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind(ANY).expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let home = TempDir::new().expect("a folder");
    let data_dir = home.path().join("data");
    fails(&up(&text(&data_dir), &taken, ANY), &[&taken, "from --listen", "another"]);
    fails(&up(&text(&data_dir), ANY, &taken), &[&taken, "from --admin-listen"]);
    assert!(!data_dir.exists(), "nothing was touched");
}

#[test]
fn an_admin_port_for_everybody() {
    let home = TempDir::new().expect("a folder");
    let data_dir = text(&home.path().join("data"));
    fails(&up(&data_dir, ANY, "0.0.0.0:0"), &["0.0.0.0:0", "from --admin-listen", "loopback"]);
    assert!(!home.path().join("data").exists(), "nothing is touched");
}

#[test]
fn a_folder_of_somebody_else() {
    let home = TempDir::new().expect("a folder");
    let log = home.path().join("log");
    fs::create_dir(&log).expect("a folder");
    fs::write(log.join("letters.txt"), "Dear Ada").expect("a file");
    fails(&up(&text(home.path()), ANY, ANY), &[&text(&log), "from --data-dir", "letters.txt"]);
    assert_eq!(names(&log), ["letters.txt"], "nothing was touched");
}

#[test]
fn a_folder_of_somebody_else_beside_which_there_is_no_log() {
    let home = TempDir::new().expect("a folder");
    fs::write(home.path().join("letters.txt"), "Dear Ada").expect("a file");
    let data_dir = text(home.path());
    let worker = ["worker", "--brokers", "127.0.0.1:1", "--secrets-file", "unused.json", "--data-dir", &data_dir];
    let sandbox = ["sandbox", "--listen", ANY, "--data-dir", &data_dir];
    for command in [&up(&data_dir, ANY, ANY)[..], &worker, &sandbox] {
        fails(command, &[&data_dir, "from --data-dir", "letters.txt", "an empty or a new directory"]);
    }
    assert_eq!(names(home.path()), ["letters.txt"], "nothing was touched");
}

/// What a folder has, by name.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_data_directory_that_cannot_be_made() {
    let home = TempDir::new().expect("a folder");
    let file = home.path().join("file");
    fs::write(&file, "no folder").expect("a file");
    let said = fails(&up(&text(&file.join("data")), ANY, ANY), &[&text(&file), "from --data-dir"]);
    assert_eq!(said.matches("Not a directory").count(), 1, "the cause is told once: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_in_use_and_other_partitions() {
    let mut shop = Shop::embedded().await;
    let data_dir = text(&shop.data_dir());
    tokio::task::block_in_place(|| {
        fails(&up(&data_dir, ANY, ANY), &[&data_dir, "from --data-dir", "another process has it open"]);
        fails(&["audit", "--data-dir", &data_dir], &[&data_dir, "cannot be read at rest", "/audit", "stop that one"]);
        shop.processes[0].stop();
        let mut other = up(&data_dir, ANY, ANY);
        other.extend(["--partitions", "7"]);
        fails(&other, &["has 4 partitions", "not 7", "from --partitions", "--partitions 4"]);
        shop.processes[0].restart();
    });
    shop.ready().await;
    shop.close();
}

#[test]
fn a_broker_that_nobody_is() {
    let nobody = format!("127.0.0.1:{}", free_port());
    let registry = "http://127.0.0.1:9";
    let home = TempDir::new().expect("a folder");
    let (secrets, data_dir) = (text(&home.path().join("secrets.json")), text(&home.path().join("data")));
    fails(&["topics", "plan", "--brokers", &nobody], &[&nobody, "--brokers"]);
    let worker = ["worker", "--data-dir", &data_dir, "--secrets-file", &secrets, "--registry", registry];
    fails(&[&worker[..], &["--brokers", &nobody]].concat(), &[&nobody, "--brokers"]);
}

#[test]
fn what_kafka_needs_is_named() {
    let worker = ["worker", "--data-dir", "unused", "--secrets-file", "unused.json", "--brokers", "127.0.0.1:1"];
    fails(&worker, &["--registry", "TRADEWIND_REGISTRY"]);
    fails(&["topics", "apply"], &["--brokers", "TRADEWIND_BROKERS"]);
    fails(&["connect", "--gateway", "http://127.0.0.1:1", "--gateway-key", "k"], &["--brokers", "TRADEWIND_BROKERS"]);
    fails(&["worker", "--brokers", "127.0.0.1:1"], &["--secrets-file", "TRADEWIND_SECRETS_FILE"]);
    fails(&["worker", "--capability", "orders"], &["orders", "--capability", "order"]);
    assert!(!Path::new("unused.json").exists() && !Path::new("unused").exists(), "nothing was touched");
}

#[test]
fn topics_that_are_not_there_or_otherwise_on_kafka() {
    let (broker, registry) = (Broker::shared().bootstrap(), Registry::shared().url());
    let namespace = format!("t{}", uuid::Uuid::now_v7().simple());
    let home = TempDir::new().expect("a folder");
    let (secrets, data_dir) = (text(&home.path().join("secrets.json")), text(&home.path().join("data")));
    let log = ["--brokers", &broker, "--registry", registry, "--namespace", &namespace];
    let worker = [&["worker", "--secrets-file", &secrets, "--data-dir", &data_dir][..], &log].concat();
    fails(&worker, &["there is no topic", &namespace, "tradewind topics apply"]);

    let planned = run(&[&["topics", "plan"][..], &log].concat());
    assert!(String::from_utf8_lossy(&planned.stdout).contains("topics would be created"));
    let applied = || run(&[&["topics", "apply"][..], &log].concat());
    assert!(applied().status.success());
    let again = applied();
    assert!(String::from_utf8_lossy(&again.stdout).starts_with("0 topics created"), "{again:?}");

    fails(&[&worker[..], &["--partitions", "7"]].concat(), &["has 4 partitions", "from --partitions", "say 4"]);
    fails(&[&["topics", "apply", "--partitions", "7"][..], &log].concat(), &["4 partitions", "7"]);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let deaf = ["--brokers", &broker, "--registry", &nobody, "--namespace", &namespace];
    let deaf = [&["worker", "--data-dir", &data_dir, "--secrets-file", &secrets][..], &deaf].concat();
    fails(&deaf, &[&nobody, "--registry"]);
}

#[test]
fn an_edge_that_nobody_is() {
    let edge = format!("http://127.0.0.1:{}", free_port());
    let file = text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/northwind.sql"));
    fails(&["import", "northwind", &file, "--edge", &edge], &[&edge, "--edge"]);
    fails(&["import", "northwind", "no-such-file.sql", "--edge", &edge], &["no-such-file.sql"]);
}

/// Every file below, with its bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.flat_map(|path| match path.is_dir() {
        true => contents(&path),
        false => [(path.clone(), fs::read(&path).expect("a file"))].into(),
    });
    files.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_of_a_newer_format() {
    let closed = Shop::embedded().await.close();
    let data_dir = text(&closed.data_dir());
    let marker = closed.data_dir().join("log/TRADEWIND-LOG");
    let newer = fs::read_to_string(&marker).expect("a marker").replace("format 1", "format 2");
    fs::write(&marker, newer).expect("it is written");
    let before = contents(&closed.data_dir());
    let log = text(&closed.data_dir().join("log"));
    for command in [
        up(&data_dir, ANY, ANY),
        vec!["audit", "--data-dir", &data_dir],
        vec!["tap", "order.events", "--data-dir", &data_dir],
    ] {
        fails(&command, &[&log, "from --data-dir", "its format is 2, this version knows 1", "start the newer version"]);
    }
    assert_eq!(contents(&closed.data_dir()), before, "nothing was touched");
}

#[test]
fn the_limit_of_open_files_is_raised() {
    let home = TempDir::new().expect("a folder");
    let mut sandbox = Command::new("sh")
        .args(["-c", r#"ulimit -S -n 256; exec "$@""#, "sh", &text(&binary())])
        .args(["sandbox", "--listen", ANY, "--data-dir", &text(home.path())])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut said = String::new();
    let stdout = sandbox.stdout.take().expect("its standard output");
    BufReader::new(stdout).read_line(&mut said).expect("it can be read");
    let limits = fs::read_to_string(format!("/proc/{}/limits", sandbox.id())).unwrap_or_default();
    sandbox.kill().expect("it runs");
    sandbox.wait().expect("it ends");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("the limit of open files");
    let limits: Vec<_> = line.split_whitespace().take(2).collect();
    assert_eq!(limits[0], limits[1], "the soft one is the hard one");
}
