//! `tradewind`: every role of the platform in one binary. Here is only the wiring.

mod administrator;
mod banner;
mod bench;
mod cli;
mod config;
mod data_dir;
mod demo;
mod descriptors;
mod logging;
mod platform;
mod roles;
mod shop_keys;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use cli::{Cli, Command, Import};

/// For librdkafka and RocksDB as well: records are allocated by one thread and freed by another, where libc's allocator
/// takes locks and this one does not.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = config::read();
    match logging::start().and_then(|()| run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody can be told (a full disk), the exit code says it.
            let _ = writeln!(io::stderr(), "tradewind: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    descriptors::raise_limit();
    let runtime = tokio::runtime::Runtime::new()?;
    match cli.command {
        Command::Up(args) => runtime.block_on(roles::up::run(args)),
        Command::Edge(args) => runtime.block_on(roles::edge::run(args)),
        Command::Worker(args) => runtime.block_on(roles::worker::run(args)),
        Command::Connect(args) => runtime.block_on(roles::connect::run(args)),
        Command::Topics(command) => roles::topics::run(&command),
        Command::Sandbox(args) => runtime.block_on(roles::sandbox::run(args)),
        Command::Import(Import::Northwind(args)) => runtime.block_on(roles::import::northwind(args)),
        Command::Audit(args) => roles::audit::run(&args),
        Command::Tap(args) => runtime.block_on(roles::tap::run(args)),
        Command::Bench(command) => bench::run(&command),
        Command::Version => {
            println!("tradewind {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}
