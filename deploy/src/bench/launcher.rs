//! Starts the application under test, again and again, the same way.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context, Result};
use tradewind_topics::Log;

use super::{application::Setup, subject::Subject};

pub enum Launcher {
    /// As threads of this process.
    Here { setup: Setup, log: Arc<dyn Log> },
    /// As a process: this program with these arguments, on this CPU.
    Process { program: PathBuf, arguments: Vec<String>, cpu: Option<u32> },
}

impl Launcher {
    /// As a process on Kafka: this very binary, or another program that talks the same lines.
    pub fn on_kafka(
        setup: &Setup,
        brokers: &str,
        properties: &[String],
        other: Option<&str>,
        cpu: Option<u32>,
    ) -> Result<Self> {
        let mut arguments: Vec<String> = Vec::new();
        let mut words = other.unwrap_or_default().split_whitespace();
        let program = match words.next() {
            Some(program) => {
                arguments.extend(words.map(str::to_owned));
                program.into()
            }
            None => {
                arguments.extend(["bench", "application"].map(str::to_owned));
                std::env::current_exe().context("where this program is")?
            }
        };
        let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        option("--workload", setup.workload.name().to_owned());
        option("--brokers", brokers.to_owned());
        option("--namespace", setup.namespace.clone());
        option("--keys", setup.keys.to_string());
        option("--threads", setup.threads.to_string());
        option("--state-memory-mib", setup.state_memory_mib.to_string());
        if let Some(millis) = setup.commit_ms {
            option("--commit-ms", millis.to_string());
        }
        properties.iter().for_each(|property| option("--property", property.clone()));
        Ok(Self::Process { program, arguments, cpu })
    }

    pub fn launch(&self, state_dir: &Path) -> Result<Subject> {
        match self {
            Self::Here { setup, log } => Subject::start(setup, log.clone(), state_dir),
            Self::Process { program, arguments, cpu } => {
                let mut command = match cpu {
                    Some(cpu) => {
                        let mut command = Command::new("taskset");
                        command.args(["-c", &cpu.to_string()]).arg(program);
                        command
                    }
                    None => Command::new(program),
                };
                command.args(arguments).arg("--state-dir").arg(state_dir);
                Subject::launch(command)
            }
        }
    }
}
