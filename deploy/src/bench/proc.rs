//! What Linux says about a process: the CPU time it has spent, by thread too, and its peak memory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// Ticks of the CPU times that Linux shows, per second: fixed for programs, whatever the kernel runs at.
const TICKS: f64 = 100.0;
/// So many threads are told of, those that spent the most first.
const MOST: usize = 9;
/// Threads that spent less than this, in seconds, are left out.
const LEAST: f64 = 0.05;

/// A process, without the threads of it that only measure.
#[derive(Clone)]
pub struct Process {
    root: PathBuf,
    measuring: Vec<String>,
}

impl Process {
    pub fn new(id: u32) -> Self {
        Self { root: format!("/proc/{id}").into(), measuring: Vec::new() }
    }

    /// This process, but for its main thread and those whose names begin with `bench-`.
    pub fn own() -> Self {
        Self { measuring: vec!["tradewind".to_owned(), "bench-".to_owned()], ..Self::new(std::process::id()) }
    }

    /// Seconds of user and system time.
    pub fn cpu(&self) -> Result<f64> {
        let whole = spent(&self.root.join("stat"))?;
        if self.measuring.is_empty() {
            return Ok(whole);
        }
        let threads = self.threads()?;
        let measuring = |name: &str| self.measuring.iter().any(|ours| name.starts_with(ours.as_str()));
        Ok(whole - threads.iter().filter(|(name, _)| measuring(name)).map(|(_, spent)| spent).sum::<f64>())
    }

    /// Seconds by the name of the thread.
    pub fn threads(&self) -> Result<BTreeMap<String, f64>> {
        let mut by_name = BTreeMap::new();
        let tasks = self.root.join("task");
        for task in fs::read_dir(&tasks).with_context(|| format!("{} cannot be listed", tasks.display()))? {
            let task = task?.path();
            // A thread may end in between.
            if let (Ok(name), Ok(spent)) = (fs::read_to_string(task.join("comm")), spent(&task.join("stat"))) {
                *by_name.entry(name.trim().to_owned()).or_default() += spent;
            }
        }
        Ok(by_name)
    }

    /// The most memory that was ever resident, in MiB.
    pub fn peak_mb(&self) -> Result<u64> {
        let status = self.root.join("status");
        let text = fs::read_to_string(&status).with_context(|| format!("{} cannot be read", status.display()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: u64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default();
        Ok(kib / 1024)
    }
}

/// What the threads have spent since `before`, the most first, as JSON.
pub fn since(before: &BTreeMap<String, f64>, now: &BTreeMap<String, f64>) -> Value {
    let mut spent: Vec<_> =
        now.iter().map(|(name, seconds)| (name, seconds - before.get(name).unwrap_or(&0.0))).collect();
    spent.retain(|(_, seconds)| *seconds >= LEAST);
    spent.sort_by(|one, other| other.1.total_cmp(&one.1));
    spent
        .iter()
        .take(MOST)
        .map(|(name, seconds)| ((*name).clone(), json!(rounded(*seconds))))
        .collect::<Map<_, _>>()
        .into()
}

/// To thousandths.
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn spent(stat: &Path) -> Result<f64> {
    let text = fs::read_to_string(stat).with_context(|| format!("{} cannot be read", stat.display()))?;
    // The name, in brackets, may hold anything.
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>();
    Ok(ticks.with_context(|| format!("{} has another shape", stat.display()))? / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_it_spent() {
        let own = Process::new(std::process::id());
        assert!(own.cpu().unwrap() >= 0.0);
        assert!(own.peak_mb().unwrap() > 0);
        assert!(!own.threads().unwrap().is_empty());
    }
}
