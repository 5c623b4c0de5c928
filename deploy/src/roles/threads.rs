//! Threads that work until they are told to stop.

use std::{
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
};

use anyhow::{Context, Result, anyhow};
use tokio::sync::mpsc;

/// Running threads, and the one way to end them; when this goes, they are wound down.
pub struct Threads {
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<()>>,
    failed: mpsc::UnboundedSender<String>,
    /// A thread that ended other than by being told to says why.
    failures: mpsc::UnboundedReceiver<String>,
}

impl Threads {
    pub fn new() -> Self {
        let (failed, failures) = mpsc::unbounded_channel();
        Self { stop: Arc::default(), running: Vec::new(), failed, failures }
    }

    /// `called` is what people hear of when the work fails.
    pub fn spawn<E: Display>(
        &mut self,
        name: &str,
        called: String,
        work: impl FnOnce(&Arc<AtomicBool>) -> Result<(), E> + Send + 'static,
    ) -> Result<()> {
        let (stop, failed) = (self.stop.clone(), self.failed.clone());
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            // Nothing of the work is used again after it has panicked.
            let why = match catch_unwind(AssertUnwindSafe(|| work(&stop))) {
                Ok(Ok(())) => return,
                Ok(Err(error)) => format!("{called} stopped: {error}"),
                Err(_) => format!("{called} panicked"),
            };
            // Nobody listens when the process is on its way out already.
            let _ = failed.send(why);
        });
        self.running.push(thread.with_context(|| format!("no thread for {name}"))?);
        Ok(())
    }

    /// Waits until one ends by itself, and says why.
    pub async fn failed(&mut self) -> String {
        match self.failures.recv().await {
            Some(why) => why,
            None => std::future::pending().await,
        }
    }

    /// Lets every thread finish what it has in hand, and waits for them; tells the first fault that was not told yet.
    pub fn stop(mut self) -> Result<()> {
        self.wind_down();
        self.failures.try_recv().map_or(Ok(()), |why| Err(anyhow!(why)))
    }

    fn wind_down(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.running.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread panicked while it ended");
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.wind_down();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(stop: &Arc<AtomicBool>) -> Result<(), String> {
        while !stop.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        Ok(())
    }

    #[tokio::test]
    async fn the_first_fault_is_told_and_the_others_end() {
        let mut threads = Threads::new();
        threads.spawn("waits", "the one that waits".to_owned(), waits).unwrap();
        threads.spawn("fails", "the worker".to_owned(), |_| Err("no log")).unwrap();
        assert_eq!(threads.failed().await, "the worker stopped: no log");
        threads.stop().unwrap();
    }

    #[test]
    fn a_fault_on_the_way_out_is_told_too() {
        let mut threads = Threads::new();
        let work = |stop: &Arc<AtomicBool>| waits(stop).and(Err::<(), _>("it could not leave".to_owned()));
        threads.spawn("fails", "the worker".to_owned(), work).unwrap();
        assert_eq!(threads.stop().unwrap_err().to_string(), "the worker stopped: it could not leave");
    }

    #[tokio::test]
    async fn a_panic_is_a_fault() {
        let mut threads = Threads::new();
        threads.spawn("panics", "the worker".to_owned(), |_| -> Result<(), String> { panic!("on purpose") }).unwrap();
        assert_eq!(threads.failed().await, "the worker panicked");
    }

    #[test]
    fn they_end_when_nobody_has_them() {
        let ended = Arc::new(AtomicBool::new(false));
        let end = ended.clone();
        let mut threads = Threads::new();
        threads
            .spawn("waits", "the one that waits".to_owned(), move |stop| {
                waits(stop).map(|()| end.store(true, Ordering::Relaxed))
            })
            .unwrap();
        drop(threads);
        assert!(ended.load(Ordering::Relaxed));
    }
}
