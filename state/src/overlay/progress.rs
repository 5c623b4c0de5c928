//! How far a task has come, for those who wait for it: threads, and futures on any executor.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use parking_lot::{Condvar, Mutex};
use tradewind_topics::Offset;

#[derive(Default)]
pub(super) struct Progress {
    now: Mutex<Now>,
    moved: Condvar,
}

#[derive(Default)]
struct Now {
    /// The committed source position.
    source: Option<Offset>,
    closed: bool,
    /// Futures that wait, by the number each got.
    waiting: BTreeMap<u64, Waiting>,
    next_number: u64,
}

struct Waiting {
    source: Offset,
    waker: Waker,
}

impl Now {
    fn answer(&self, source: Offset) -> Option<bool> {
        if self.closed {
            return Some(false);
        }
        self.source.is_some_and(|now| now >= source).then_some(true)
    }
}

impl Progress {
    /// To be called after readers can see the state at this position.
    pub fn reach(&self, source: Option<Offset>) {
        let mut now = self.now.lock();
        if now.source == source {
            return;
        }
        now.source = source;
        let reached = now.waiting.extract_if(.., |_, waiting| source.is_some_and(|now| now >= waiting.source));
        let wakers: Vec<_> = reached.map(|(_, waiting)| waiting.waker).collect();
        drop(now);
        self.moved.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    pub fn close(&self) {
        let mut now = self.now.lock();
        now.closed = true;
        let waiting = std::mem::take(&mut now.waiting);
        drop(now);
        self.moved.notify_all();
        waiting.into_values().for_each(|waiting| waiting.waker.wake());
    }

    pub fn is_closed(&self) -> bool {
        self.now.lock().closed
    }

    pub fn wait_for(&self, source: Offset, deadline: Instant) -> bool {
        let mut now = self.now.lock();
        loop {
            if let Some(answer) = now.answer(source) {
                return answer;
            }
            if self.moved.wait_until(&mut now, deadline).timed_out() {
                return now.answer(source).unwrap_or(false);
            }
        }
    }
}

/// Resolves when a task's committed source position has reached the one asked for: `true`, or `false` if the task was
/// closed before. Never resolves by itself otherwise, so give it a deadline.
#[must_use = "it waits only when it is polled"]
pub struct Reached {
    progress: Arc<Progress>,
    source: Offset,
    number: Option<u64>,
}

impl Reached {
    pub(super) fn new(progress: Arc<Progress>, source: Offset) -> Self {
        Self { progress, source, number: None }
    }
}

impl Future for Reached {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let this = self.get_mut();
        let mut now = this.progress.now.lock();
        if let Some(answer) = now.answer(this.source) {
            return Poll::Ready(answer);
        }
        let number = *this.number.get_or_insert_with(|| {
            now.next_number += 1;
            now.next_number
        });
        now.waiting.insert(number, Waiting { source: this.source, waker: context.waker().clone() });
        Poll::Pending
    }
}

impl Drop for Reached {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.progress.now.lock().waiting.remove(&number);
        }
    }
}
