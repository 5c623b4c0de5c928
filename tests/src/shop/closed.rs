//! The end of a shop, and what is found in its books then.

use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;

use super::Shop;
use crate::process::run;

/// A shop that has closed, its books proven right.
pub struct Closed {
    /// What the audit said.
    pub audit: String,
    home: TempDir,
}

impl Shop {
    /// Stops the shop in good order and has the topics audited: the books are right, and nothing is open.
    pub fn close(mut self) -> Closed {
        self.processes.iter_mut().rev().for_each(|process| process.stop_in_good_order());
        let data_dir = self.data_dir().display().to_string();
        let at_rest = ["--data-dir".to_owned(), data_dir];
        let log: Vec<_> = self.kafka.as_deref().unwrap_or(&at_rest).iter().map(String::as_str).collect();
        let output = run(&[&["audit"], &log[..]].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the audit finds the books wrong:\n{said}\n{errors}");
        assert!(!said.contains("open: "), "orders are open still:\n{said}");
        Closed { audit: said, home: self.home }
    }
}

impl Closed {
    /// How many payments have this status (`succeeded`, `requires_capture`, `canceled`, …) in the gateway's own books.
    pub fn charges(&self, status: &str) -> usize {
        let file = self.data_dir().join("sandbox-gateway/gateway.sqlite");
        let books = Connection::open(&file).expect("the gateway's books");
        let count = "SELECT count(*) FROM payment_intents WHERE status = ?1";
        let count: i64 = books.query_row(count, [status], |row| row.get(0)).expect("they can be read");
        usize::try_from(count).expect("a count")
    }

    /// Where the shop kept everything.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }
}
