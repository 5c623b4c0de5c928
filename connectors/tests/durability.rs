//! What the sandbox gateway has answered survives its end, however it ends.

mod harness;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use harness::{Sandbox, call, charge, client, options};
use tempfile::tempdir;
use tokio::net::TcpListener;
use tradewind_connectors::sandbox::{Gateway, OpenError};
use tradewind_connectors::stripe::{Doubt, Lookup, Outcome};

const DIR: &str = "TRADEWIND_TEST_SANDBOX_DIR";
const ANNOUNCEMENT: &str = "sandbox gateway at ";

#[tokio::test]
async fn a_charge_is_found_by_its_key_after_the_gateway_is_opened_again() {
    let dir = tempdir().unwrap();
    let (call, charge) = (call(), charge("tok_visa"));
    let sandbox = Sandbox::on(dir.path()).await;
    let Outcome::Succeeded(first) = sandbox.client().authorise(call, &charge).await else { panic!("not authorised") };
    sandbox.stop().await;

    let sandbox = Sandbox::on(dir.path()).await;
    let Lookup::Recorded(Outcome::Succeeded(found)) = sandbox.client().lookup(call).await else { panic!("not found") };
    assert_eq!(found.reference, first.reference);
    let Outcome::Succeeded(again) = sandbox.client().authorise(call, &charge).await else { panic!("not repeated") };
    assert_eq!((again.reference, again.replayed), (first.reference, true));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_shutdown_gives_up_answers_that_are_held_back_but_keeps_the_charge() {
    let dir = tempdir().unwrap();
    let (call, charge) = (call(), charge("tok_timeout_charged"));
    let sandbox = Sandbox::on(dir.path()).await;
    let client = sandbox.client();
    let held = tokio::spawn({
        let client = client.clone();
        async move { client.authorise(call, &charge).await }
    });
    tokio::time::timeout(Duration::from_secs(60), async {
        while !matches!(client.lookup(call).await, Lookup::Recorded(_)) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the charge is recorded");
    sandbox.stop().await;
    let outcome = held.await.unwrap();
    assert!(matches!(outcome, Outcome::Unknown(Doubt::ServerError { .. })), "{outcome:?}");

    let sandbox = Sandbox::on(dir.path()).await;
    let found = sandbox.client().lookup(call).await;
    assert!(matches!(found, Lookup::Recorded(Outcome::Succeeded(_))), "{found:?}");
    sandbox.stop().await;
}

/// Not a test by itself: the process that the next test kills. Without its directory it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn gateway_process() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let gateway = Gateway::open(Path::new(&dir), options()).expect("the gateway opens");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{ANNOUNCEMENT}{}", listener.local_addr().expect("an address"));
    gateway.serve(listener, std::future::pending()).await.expect("served");
}

/// A gateway in a process of its own, killed at the latest when the test ends.
struct Process(Child);

impl Process {
    fn start(dir: &Path) -> (Self, String) {
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["gateway_process", "--exact", "--nocapture"])
            .env(DIR, dir)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut process = Self(child);
        let output = process.0.stdout.take().expect("its output");
        let address = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once(ANNOUNCEMENT)?.1.to_owned()))
            .expect("the gateway's address");
        (process, format!("http://{address}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_has_every_charge_that_it_answered_and_none_twice() {
    const BUYERS: usize = 16;
    const ANSWERS_BEFORE_THE_KILL: usize = 100;
    let dir = tempdir().unwrap();
    let (process, url) = Process::start(dir.path());
    let answered = AtomicUsize::new(0);
    let (kill, killing) = tokio::sync::oneshot::channel();
    let kill = parking(kill);
    let buyers = (0..BUYERS).map(|_| {
        let (client, answered, kill) = (client(&url, Duration::from_secs(60)), &answered, &kill);
        async move {
            let mut asked = Vec::new();
            loop {
                let (call, charge) = (call(), charge("tok_visa"));
                let outcome = client.authorise(call, &charge).await;
                let down = matches!(outcome, Outcome::Unknown(_));
                asked.push((call, charge, outcome));
                if answered.fetch_add(1, Ordering::Relaxed) == ANSWERS_BEFORE_THE_KILL {
                    kill.lock().expect("unpoisoned").take().map(|kill| kill.send(()));
                }
                if down {
                    return asked;
                }
            }
        }
    });
    let killer = async {
        killing.await.expect("enough answers");
        tokio::task::spawn_blocking(move || drop(process)).await.expect("killed");
    };
    let (asked, ()) = tokio::join!(join_all(buyers), killer);
    let asked: Vec<_> = asked.into_iter().flatten().collect();

    let sandbox = Sandbox::on(dir.path()).await;
    let client = sandbox.client();
    for (call, charge, outcome) in &asked {
        let found = client.lookup(*call).await;
        match (outcome, &found) {
            (Outcome::Succeeded(first), Lookup::Recorded(Outcome::Succeeded(found))) => {
                assert_eq!(first.reference, found.reference);
            }
            (Outcome::Unknown(_), Lookup::Unseen | Lookup::Recorded(Outcome::Succeeded(_))) => {}
            _ => panic!("{outcome:?} was found as {found:?}"),
        }
        let again = client.authorise(*call, charge).await;
        assert!(matches!(again, Outcome::Succeeded(_)), "{again:?}");
    }
    assert_eq!(sandbox.totals().await["authorised"]["count"], asked.len());
    sandbox.stop().await;
}

fn parking<T>(value: T) -> std::sync::Mutex<Option<T>> {
    std::sync::Mutex::new(Some(value))
}

#[test]
fn a_directory_that_is_not_free_or_not_ours_is_left_alone() {
    let dir = tempdir().unwrap();
    let open = |dir: &Path| Gateway::open(dir, options()).map(drop);
    let gateway = Gateway::open(dir.path(), options()).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::InUse { .. })));
    drop(gateway);
    open(dir.path()).expect("it is free again");

    let newer = rusqlite::Connection::open(dir.path().join("gateway.sqlite")).unwrap();
    newer.pragma_update(None, "user_version", 2).unwrap();
    drop(newer);
    assert!(matches!(open(dir.path()), Err(OpenError::Format { found: 2, .. })));

    let foreign = tempdir().unwrap();
    let file = foreign.path().join("gateway.sqlite");
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    let before = std::fs::read(&file).unwrap();
    assert!(matches!(open(foreign.path()), Err(OpenError::Foreign { .. })));
    assert_eq!(std::fs::read(&file).unwrap(), before);
    std::fs::write(&file, "these are not the pages of a database".repeat(100)).unwrap();
    assert!(matches!(open(foreign.path()), Err(OpenError::Foreign { .. })));
    std::fs::write(foreign.path().join("file"), "").unwrap();
    assert!(matches!(open(&foreign.path().join("file")), Err(OpenError::Directory { .. })));
}
