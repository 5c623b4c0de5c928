//! What is kept of a run that failed.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::Command,
};

use anyhow::{Result, ensure};
use rdkafka::Message;
use tradewind_runtime::changelog;

use crate::{
    reading::read,
    scene::Scene,
    topics::{COMMANDS, EVENTS, STAGE},
};

const BACKTRACES: &str = "thread apply all bt";

/// Writes down every topic, and what processes do that still run, and copies the brokers' data and logs, to where the members' logs and states are already.
pub fn keep(scene: &Scene) {
    // Else the topics would have no end.
    scene.stops_loading();
    for topic in [COMMANDS, EVENTS, &changelog(STAGE)] {
        for isolation in ["read_committed", "read_uncommitted"] {
            let file = scene.folder.join(format!("{topic}.{isolation}.txt"));
            if let Err(error) = dump(scene, topic, isolation, &file) {
                eprintln!("{} is not whole: {error:#}", file.display());
            }
        }
    }
    for process in scene.processes() {
        let file = scene.folder.join(format!("threads-{process}.txt"));
        // Where there is no debugger, nothing can be said of what a process hangs in.
        if let Ok(output) = Command::new("gdb").args(["-p", &process.to_string(), "-batch", "-ex", BACKTRACES]).output()
            && let Err(error) = fs::write(&file, output.stdout)
        {
            eprintln!("{} cannot be written: {error}", file.display());
        }
    }
    for (number, broker) in (1..).zip(&scene.cluster.brokers) {
        let to = scene.folder.join(format!("broker-{number}"));
        let copied = broker.home().map(|home| copy(home, &to));
        if let Some(Err(error)) = copied {
            eprintln!("{} is not whole: {error:#}", to.display());
        }
    }
}

fn dump(scene: &Scene, topic: &str, isolation: &str, file: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    let topic = format!("{}.{topic}", scene.orders.namespace);
    read(&scene.cluster.bootstrap(), &topic, isolation, |record| {
        let (key, value) = (hex(record.key()), hex(record.payload()));
        writeln!(out, "{} {} {key} {value}", record.partition(), record.offset())?;
        Ok(())
    })?;
    Ok(out.flush()?)
}

fn hex(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(
        || "-".to_owned(),
        |bytes| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                // Writing to a string does not fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
        },
    )
}

fn copy(home: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let copied = Command::new("cp").arg("-r").arg(home.join(".")).arg(to).status()?;
    ensure!(copied.success(), "cp of {} failed", home.display());
    Ok(())
}
