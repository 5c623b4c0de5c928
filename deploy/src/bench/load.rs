//! Loads the input: as fast as it goes, or at a rate.

use std::{
    collections::VecDeque,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use futures::{FutureExt, executor::block_on, future::BoxFuture};
use tradewind_topics::{Append, LogError, Offset, Writer};

/// Records on their way at a time.
const UNDER_WAY: usize = 20_000;

pub struct Loader {
    writer: Arc<dyn Writer>,
    under_way: VecDeque<BoxFuture<'static, Result<Offset, LogError>>>,
}

impl Loader {
    pub fn new(writer: Arc<dyn Writer>) -> Self {
        Self { writer, under_way: VecDeque::with_capacity(UNDER_WAY) }
    }

    pub fn send(&mut self, record: Append) -> Result<()> {
        self.under_way.push_back(self.writer.append(record));
        let mut full = self.under_way.len() >= UNDER_WAY;
        while let Some(oldest) = self.under_way.front_mut() {
            match oldest.now_or_never() {
                Some(acknowledged) => _ = acknowledged.context("loading the input")?,
                None if !full => break,
                None => _ = block_on(oldest).context("loading the input")?,
            }
            self.under_way.pop_front();
            full = false;
        }
        Ok(())
    }

    /// Waits until everything is written.
    pub fn finish(self) -> Result<()> {
        for last in self.under_way {
            block_on(last).context("loading the input")?;
        }
        Ok(())
    }
}

/// When the records of a constant rate are due.
#[derive(Clone, Copy)]
pub struct Schedule {
    pub start: Instant,
    /// The same moment on the wall clock, in milliseconds.
    pub start_ms: i64,
    /// Records a second.
    pub rate: u64,
}

impl Schedule {
    pub fn due(&self, number: u64) -> Instant {
        self.start + Duration::from_nanos(number * 1_000_000_000 / self.rate)
    }

    pub fn due_ms(&self, number: u64) -> i64 {
        self.start_ms + (number * 1_000 / self.rate).cast_signed()
    }

    /// Waits until this record is due, and says how late it has become.
    pub fn wait(&self, number: u64) -> Duration {
        let due = self.due(number);
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return due.elapsed();
            }
            thread::sleep(left);
        }
    }
}
