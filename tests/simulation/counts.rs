//! How often what happened, over all seeds of a test.

use std::{collections::BTreeMap, fmt, time::Duration};

#[derive(Default)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    pub fn one(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    pub fn add(&mut self, what: &'static str, so_many: u64) {
        *self.0.entry(what).or_default() += so_many;
    }

    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    pub fn take_in(&mut self, other: Self) {
        for (what, count) in other.0 {
            self.add(what, count);
        }
    }

    /// The figures of so many seeds.
    pub fn figures(&self, seeds: u64, took: Duration) -> String {
        format!(
            "{seeds} seeds in {:.1} s, {:.0} seeds/s: {self}",
            took.as_secs_f64(),
            seeds as f64 / took.as_secs_f64()
        )
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> = self.0.iter().map(|(what, count)| format!("{count} {what}")).collect();
        f.write_str(&counts.join(", "))
    }
}
