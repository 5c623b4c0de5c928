//! `tradewind bench application`: the application under test as a process of its own. It ends when its standard input
//! says anything or closes, so that it never outlives the driver.

use std::{
    io::{self, BufRead, Write},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{application::Application, monitor, options::ApplicationArgs};

pub fn run(args: &ApplicationArgs) -> Result<()> {
    let (tell, told) = mpsc::channel();
    thread::Builder::new().name("bench-stdin".to_owned()).spawn(move || {
        let mut line = String::new();
        // However it ends, it is time to stop; and nobody listens where that is happening already.
        let _ = io::stdin().lock().read_line(&mut line);
        let _ = tell.send(());
    })?;
    let transaction_timeout = args.transaction_ms.map(Duration::from_millis);
    let log = super::kafka(&args.brokers, &args.engine.properties, transaction_timeout)?;
    let mut setup = args.engine.setup(args.workload, args.namespace.clone());
    setup.instance = args.instance.clone().unwrap_or(setup.instance);
    setup.session_timeout = args.session_ms.map_or(setup.session_timeout, Duration::from_millis);
    setup.stands_by = args.stand_by;
    let application = Application::start(&setup, log, &args.state_dir).context("the application")?;
    let mut out = io::stdout().lock();
    monitor::watch(application, &told, |line| {
        // A driver that is gone has closed the standard input too.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    })
}
