//! The sandbox gateway beside `tradewind up`: a real HTTP server, called like a real gateway.

use std::path::Path;

use anyhow::Result;
use secrecy::SecretString;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tradewind_connectors::{
    sandbox::{Gateway, Options},
    stripe::Config,
};

use super::http;
use crate::{
    cli::SandboxArgs,
    data_dir::{self, GATEWAY},
};

/// Everyone may know it: there is no money behind it.
const KEY: &str = "sk_sandbox_tradewind";

/// `tradewind sandbox`: the gateway alone.
pub async fn run(args: SandboxArgs) -> Result<()> {
    data_dir::check(&args.data_dir, &args.origins)?;
    let listener = http::bind(args.listen, &args.origins.of("listen")).await?;
    let (stop, stopped) = watch::channel(false);
    let sandbox = Sandbox::start(&args.data_dir, listener, stopped).await?;
    println!("The sandbox gateway is up at {}, with the secret key {KEY}.", sandbox.url());
    http::told_to_stop().await?;
    stop.send_replace(true);
    Ok(sandbox.server().await??)
}

pub struct Sandbox {
    url: String,
    server: JoinHandle<std::io::Result<()>>,
}

impl Sandbox {
    pub async fn start(data_dir: &Path, listener: TcpListener, mut stop: watch::Receiver<bool>) -> Result<Self> {
        let options = Options::new(SecretString::from(KEY))?;
        let directory = data_dir.join(GATEWAY);
        let gateway = tokio::task::spawn_blocking(move || Gateway::open(&directory, options)).await??;
        let url = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(async move {
            let stopped = async move {
                // The sender's end is a stop, too.
                let _ = stop.wait_for(|stop| *stop).await;
            };
            gateway.serve(listener, stopped).await
        });
        Ok(Self { url, server })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// How a connector reaches it.
    pub fn config(&self) -> Result<Config> {
        Ok(Config::new(&self.url, SecretString::from(KEY))?)
    }

    /// Its server, which ends when it was told to.
    pub fn server(self) -> JoinHandle<std::io::Result<()>> {
        self.server
    }
}
