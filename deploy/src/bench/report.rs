//! A phase's figures: one line of JSON, with the names that the peer's driver gives them.

use serde_json::{Map, Value};

#[derive(Clone, Debug)]
pub struct Report(Map<String, Value>);

impl Report {
    pub fn new(phase: &str) -> Self {
        let mut report = Self(Map::new());
        report.put("engine", concat!("tradewind-", env!("CARGO_PKG_VERSION"))).put("phase", phase);
        report
    }

    pub fn put(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// So many things in so many seconds, as a whole number.
    pub fn rate(&mut self, name: &str, things: u64, seconds: f64) -> &mut Self {
        self.put(name, if seconds > 0.0 { (things as f64 / seconds).round() as u64 } else { 0 })
    }

    pub fn is_ok(&self) -> bool {
        self.0.get("ok") == Some(&Value::Bool(true))
    }

    pub fn into_line(self) -> String {
        Value::Object(self.0).to_string()
    }
}
