//! A bad value is blamed on what it came from: the option, or the variable.

use std::{ffi::OsStr, fs, net::TcpListener, os::unix::ffi::OsStrExt, process::Command, thread};

use tempfile::TempDir;
use tradewind_tests::{
    broker::Broker,
    ports::free_port,
    process::{command, run},
    registry::Registry,
};

use crate::configuration::{ADMINISTRATOR, ANY, refused, text};

/// A command with all that it needs but for one value.
struct Bad<'a> {
    command: Vec<&'a str>,
    option: &'a str,
    variable: &'a str,
    value: &'a str,
    says: &'a str,
}

fn bad<'a>(command: &[&'a str], option: &'a str, variable: &'a str, value: &'a str, says: &'a str) -> Bad<'a> {
    Bad { command: command.to_vec(), option, variable, value, says }
}

impl Bad<'_> {
    fn by_option(&self) -> Command {
        command(&[&self.command[..], &[self.option, self.value]].concat())
    }

    fn by_variable(&self) -> Command {
        let mut command = command(&self.command);
        command.env(self.variable, self.value);
        command
    }

    /// It is refused by a role: where it came from is named, and the other is not blamed.
    fn option_is_blamed(&self) {
        let said = refused(&mut self.by_option(), &[&format!("from {}", self.option), self.says]);
        assert!(!said.contains(&format!("from {}", self.variable)), "{said}");
    }

    fn variable_is_blamed(&self) {
        let said = refused(&mut self.by_variable(), &[&format!("from {}", self.variable), self.says]);
        assert!(!said.contains(&format!("from {}", self.option)), "{said}");
    }

    /// It is refused as the command line is read.
    fn is_not_understood(&self) {
        let named = |command: &mut Command| {
            let output = command.output().expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{command:?} said {said}");
            assert!(said.contains(self.option) && said.contains(self.says), "{command:?} said {said}");
            said.contains(self.variable)
        };
        assert!(named(&mut self.by_variable()), "{} is not named", self.variable);
        assert!(!named(&mut self.by_option()), "{} is not set, and is blamed", self.variable);
        assert!(!named(self.by_option().env(self.variable, "1")), "the option counts, and {} is blamed", self.variable);
    }
}

/// Some wait for an answer that does not come: all at once.
fn are_blamed(table: &[Bad<'_>]) {
    thread::scope(|scope| {
        for bad in table {
            scope.spawn(|| bad.option_is_blamed());
            scope.spawn(|| bad.variable_is_blamed());
        }
    });
}

#[test]
fn of_roles() {
    let taken = TcpListener::bind(ANY).expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let nobody = format!("127.0.0.1:{}", free_port());
    let nobodys_url = format!("http://{nobody}");
    let home = TempDir::new().expect("a folder");
    let foreign = home.path().join("foreign");
    fs::create_dir_all(foreign.join("log")).expect("a folder");
    fs::write(foreign.join("log/diary.txt"), "Dear Ada").expect("a file");
    let (foreign, data_dir) = (text(&foreign), text(&home.path().join("data")));
    let secrets = text(&home.path().join("secrets.json"));
    let record = text(&home.path().join("record.sql"));

    let diary = text(&home.path().join("foreign/log/diary.txt"));

    let here = [&["up", "--no-demo", "--data-dir", &data_dir], &ADMINISTRATOR[..]].concat();
    let anywhere = [&["up", "--no-demo", "--listen", ANY, "--admin-listen", ANY], &ADMINISTRATOR[..]].concat();
    let demo = ["up", "--admin-listen", ANY, "--data-dir", &data_dir];
    let worker = ["worker", "--data-dir", &data_dir, "--secrets-file", &secrets, "--brokers", &nobody];
    let connect = ["connect", "--brokers", &nobody];
    #[rustfmt::skip]
    let table = [
        bad(&[&here[..], &["--admin-listen", ANY]].concat(), "--listen", "TRADEWIND_LISTEN", &taken, "cannot listen on"),
        bad(&[&here[..], &["--listen", ANY]].concat(), "--admin-listen", "TRADEWIND_ADMIN_LISTEN", &taken, "cannot listen on"),
        bad(&[&here[..], &["--listen", ANY]].concat(), "--admin-listen", "TRADEWIND_ADMIN_LISTEN", "0.0.0.0:0", "loopback"),
        bad(&["sandbox", "--data-dir", &data_dir], "--listen", "TRADEWIND_LISTEN", &taken, "cannot listen on"),
        bad(&worker, "--query-listen", "TRADEWIND_QUERY_LISTEN", &taken, "cannot listen on"),
        bad(&worker, "--capability", "TRADEWIND_CAPABILITIES", "orders", "there is no capability"),
        bad(&worker, "--registry", "TRADEWIND_REGISTRY", "nonsense", "the schema registry ("),
        bad(&demo, "--listen", "TRADEWIND_LISTEN", "0.0.0.0:0", "--admin-email"),
        bad(&demo, "--no-demo", "TRADEWIND_NO_DEMO", "true", "TRADEWIND_ADMIN_PASSWORD"),
        bad(&[&demo[..], &ADMINISTRATOR[2..]].concat(), "--admin-email", "TRADEWIND_ADMIN_EMAIL", "nobody", "must be an e-mail address"),
        bad(&[&demo[..], &ADMINISTRATOR[..2]].concat(), "--admin-password", "TRADEWIND_ADMIN_PASSWORD", "short", "8 to 128 characters"),
        bad(&[&here[..], &["--listen", ANY, "--admin-listen", ANY]].concat(), "--secrets-file", "TRADEWIND_SECRETS_FILE", &diary, "holds no secrets"),
        bad(&anywhere, "--data-dir", "TRADEWIND_DATA_DIR", &foreign, "diary.txt"),
        bad(&["audit"], "--data-dir", "TRADEWIND_DATA_DIR", &data_dir, "there is no embedded log"),
        bad(&["topics", "plan"], "--brokers", "TRADEWIND_BROKERS", &nobody, "no Kafka broker answers"),
        bad(&[&connect[..], &["--gateway-key", "key"]].concat(), "--gateway", "TRADEWIND_GATEWAY", "nonsense", "is not a URL"),
        bad(&[&connect[..], &["--gateway", "http://127.0.0.1:1"]].concat(), "--gateway-key", "TRADEWIND_GATEWAY_KEY", "", "key is empty"),
        bad(&["import", "northwind", &record], "--edge", "TRADEWIND_EDGE", &nobodys_url, "importing"),
        bad(&["tap", "order.events"], "--admin", "TRADEWIND_ADMIN", "nonsense", "is no URL"),
        bad(&["tap", "order.events"], "--admin", "TRADEWIND_ADMIN", &nobodys_url, "answers at"),
    ];
    are_blamed(&table);
    assert!(!home.path().join("data").exists() && !home.path().join("secrets.json").exists(), "nothing was touched");
}

#[test]
fn of_roles_on_kafka() {
    let (broker, registry) = (Broker::shared().bootstrap(), Registry::shared().url());
    let namespace = format!("t{}", uuid::Uuid::now_v7().simple());
    let home = TempDir::new().expect("a folder");
    let (secrets, data_dir) = (text(&home.path().join("secrets.json")), text(&home.path().join("data")));
    let log = ["--brokers", &broker, "--registry", registry, "--namespace", &namespace];
    let applied = run(&[&["topics", "apply", "--partitions", "2"], &log[..]].concat());
    assert!(applied.status.success(), "{applied:?}");

    let foreign = text(&home.path().join("diary.txt"));
    fs::write(&foreign, "Dear Ada").expect("a file");
    let keyless = [&["worker", "--data-dir", &data_dir, "--partitions", "2"], &log[..]].concat();
    let worker = [&["worker", "--secrets-file", &secrets, "--data-dir", &data_dir], &log[..]].concat();
    let edge = ["edge", "--secrets-file", &secrets, "--listen", ANY, "--admin-listen", ANY, "--partitions", "2"];
    let administrator = ["--admin-email", "admin@shop.example", "--admin-password", "a long enough password"];
    let edge = [&edge[..], &administrator, &log].concat();
    let apply = [&["topics", "apply"], &log[..]].concat();
    are_blamed(&[
        bad(&worker, "--partitions", "TRADEWIND_PARTITIONS", "3", "has 2 partitions, not 3"),
        bad(&apply, "--partitions", "TRADEWIND_PARTITIONS", "3", "has 2 partitions, not 3"),
        bad(&keyless, "--secrets-file", "TRADEWIND_SECRETS_FILE", &foreign, "holds no secrets"),
        bad(&edge, "--replies-partition", "TRADEWIND_REPLIES_PARTITION", "2", "there is no partition 2"),
    ]);
    refused(&mut command(&worker), &["not 4", "the default of --partitions and TRADEWIND_PARTITIONS"]);
    assert!(!home.path().join("secrets.json").exists(), "nothing was touched");
}

#[test]
fn of_the_command_line() {
    for bad in [
        bad(&["up"], "--partitions", "TRADEWIND_PARTITIONS", "0", "0 is not in 1..=1024"),
        bad(&["up"], "--partitions", "TRADEWIND_PARTITIONS", "many", "invalid value 'many'"),
        bad(&["topics", "plan"], "--partitions", "TRADEWIND_PARTITIONS", "1025", "is not in"),
        bad(&["up"], "--listen", "TRADEWIND_LISTEN", "8080", "invalid socket address"),
        bad(&["worker"], "--query-listen", "TRADEWIND_QUERY_LISTEN", "localhost", "invalid socket address"),
        bad(&["up"], "--no-demo", "TRADEWIND_NO_DEMO", "perhaps", "invalid value 'perhaps'"),
        bad(&["up"], "--namespace", "TRADEWIND_NAMESPACE", "my shop", "a-z"),
        bad(&["up"], "--namespace", "TRADEWIND_NAMESPACE", "a/b", "a-z"),
        bad(&["audit"], "--namespace", "TRADEWIND_NAMESPACE", "", "1 to 100"),
        bad(&["tap", "order.events"], "--namespace", "TRADEWIND_NAMESPACE", "a/b", "a-z"),
        bad(&["topics", "plan"], "--namespace", "TRADEWIND_NAMESPACE", "a/b", "a-z"),
        bad(&["up"], "--brokers", "TRADEWIND_BROKERS", "", "a value is required"),
        bad(&["up"], "--stock-deadline", "TRADEWIND_STOCK_DEADLINE", "soon", "30s"),
        bad(&["up"], "--stock-deadline", "TRADEWIND_STOCK_DEADLINE", "0s", "from 1ms to 366d"),
        bad(&["worker"], "--payment-deadline", "TRADEWIND_PAYMENT_DEADLINE", "0s", "from 1ms to 366d"),
        bad(&["worker"], "--reservation", "TRADEWIND_RESERVATION", "2years", "from 1ms to 366d"),
    ] {
        bad.is_not_understood();
    }
    let odd = command(&["up"]).env("TRADEWIND_BROKERS", OsStr::from_bytes(&[0xff])).output().expect("it runs");
    let said = String::from_utf8_lossy(&odd.stderr);
    assert!(odd.status.code() == Some(2) && said.contains("the value of TRADEWIND_BROKERS is not UTF-8"), "{said}");
    refused(command(&["version"]).env("TRADEWIND_LOG", "info,tradewind=loud"), &["TRADEWIND_LOG", "loud"]);
}
