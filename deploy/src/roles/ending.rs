//! The end of a role: every part is wound down, whatever was said of another's end, and the first fault is told.

use std::fmt;

use anyhow::{Context, Error, Result, anyhow};
use tokio::task::JoinHandle;

/// How it has gone so far.
pub struct Ending(Result<()>);

impl Ending {
    /// `why` it ends: by itself, or as it was told to.
    pub fn new(why: Result<()>) -> Self {
        Self(why)
    }

    pub fn part(&mut self, name: impl fmt::Display, ended: Result<()>) {
        let Err(error) = ended.with_context(|| format!("{name} did not end in good order")) else { return };
        match &self.0 {
            Ok(()) => self.0 = Err(error),
            Err(_) => tracing::error!(error = format!("{error:#}"), "another fault, while stopping"),
        }
    }

    /// Waits for a part that ends on its own.
    pub async fn task<E: Into<Error>>(&mut self, name: impl fmt::Display, task: JoinHandle<Result<(), E>>) {
        let ended = match task.await {
            Ok(ended) => ended.map_err(Into::into),
            Err(panicked) => Err(anyhow!(panicked)),
        };
        self.part(name, ended);
    }

    pub fn result(self) -> Result<()> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_part_ends_and_the_first_fault_is_told() {
        let mut ending = Ending::new(Ok(()));
        ending.part("the gateway", Ok(()));
        ending.task("the edge", tokio::spawn(async { panic!("on purpose") as Result<()> })).await;
        ending.part("the workers", Err(anyhow!("the log is gone")));
        let told = format!("{:#}", ending.result().unwrap_err());
        assert!(told.starts_with("the edge did not end in good order: ") && told.contains("panicked"), "{told}");
    }

    #[tokio::test]
    async fn why_it_ended_comes_first() {
        let mut ending = Ending::new(Err(anyhow!("a worker stopped")));
        ending.task("the edge", tokio::spawn(async { Err(std::io::Error::other("no")) })).await;
        assert_eq!(ending.result().unwrap_err().to_string(), "a worker stopped");
    }

    #[tokio::test]
    async fn in_good_order() {
        let mut ending = Ending::new(Ok(()));
        ending.task("the edge", tokio::spawn(async { Ok::<_, std::io::Error>(()) })).await;
        ending.part("the workers", Ok(()));
        ending.result().unwrap();
    }
}
