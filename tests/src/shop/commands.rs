//! Commands that are run beside a shop.

use std::path::Path;

use serde_json::Value;

use super::{ADMIN_EMAIL, ADMIN_PASSWORD, Shop};
use crate::process::{Process, run};

impl Shop {
    /// All events of a topic, as `tradewind tap` shows them.
    pub fn tap(&self, topic: &str) -> Vec<Value> {
        let tap = self.tap_of(topic, &["--from", "beginning"]);
        let output = run(&tap.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(output.status.success(), "tap {topic}: {}", String::from_utf8_lossy(&output.stderr));
        lines(&String::from_utf8(output.stdout).expect("lines of text"))
    }

    /// The command line of a tap.
    pub fn tap_of(&self, topic: &str, options: &[&str]) -> Vec<String> {
        let admin = || ["--admin", &self.admin].map(str::to_owned).into();
        let log = self.kafka.clone().unwrap_or_else(admin);
        let tap = ["tap", topic].into_iter().chain(options.iter().copied());
        tap.map(str::to_owned).chain(log).collect()
    }

    /// A tap that goes on until it is stopped.
    pub fn following_tap(&self, topic: &str, options: &[&str]) -> Process {
        let tap = self.tap_of(topic, &[options, &["--follow"]].concat());
        Process::start("tap", &tap.iter().map(String::as_str).collect::<Vec<_>>(), self.home.path())
    }

    /// Imports the Northwind record, beside whatever else happens; `name` is the process's.
    pub fn import(&self, name: &str, file: &Path) -> Process {
        let file = file.display().to_string();
        let import = ["import", "northwind", &file, "--edge", &self.edge];
        let administrator = ["--admin-email", ADMIN_EMAIL, "--admin-password", ADMIN_PASSWORD];
        Process::start(name, &[&import[..], &administrator].concat(), self.home.path())
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}
