//! `tradewind audit`.

use std::time::Instant;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tradewind::audit::{Verdict, read};

use super::at_rest;
use crate::cli::AuditArgs;

/// So many orders that are still open are listed.
const LISTED: usize = 20;

pub fn run(args: &AuditArgs) -> Result<()> {
    let instead = "ask that at its admin address (curl http://127.0.0.1:8081/audit)";
    let platform = at_rest::open(&args.log, args.data_dir.as_deref(), instead)?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{msg} {wide_bar} {percent}%")?);
    let begun = Instant::now();
    let (mut before, mut of_topic) = (0, 0);
    let books = read(platform.log.as_ref(), &platform.layout, &platform.codecs, &mut |progress| {
        // It counts anew with every topic.
        if progress.records < of_topic {
            before += of_topic;
        }
        of_topic = progress.records;
        let all = before + of_topic;
        let rate = all as f64 / begun.elapsed().as_secs_f64();
        bar.set_length(progress.of);
        bar.set_position(progress.passed);
        bar.set_message(format!("{}: {all} records, {rate:.0} records/s", progress.topic));
    })?;
    bar.finish_and_clear();
    print(&books.verdict())
}

fn print(verdict: &Verdict) -> Result<()> {
    for (number, violation) in verdict.violations.iter().enumerate() {
        println!("violation {} of {}: {violation}", number + 1, verdict.violation_count);
    }
    for open in verdict.open.iter().take(LISTED) {
        println!("open: {open}");
    }
    if verdict.open.len() > LISTED {
        println!("open: and {} more", verdict.open.len() - LISTED);
    }
    println!("{verdict}");
    if !verdict.is_clean() {
        bail!("the books are not right");
    }
    Ok(())
}
