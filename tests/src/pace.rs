//! Many at once, let on step by step: so that something can be done in their midst, however fast they are.

use std::sync::Arc;

use tokio::sync::watch;

/// How far many may go, who are numbered from 0.
#[derive(Clone)]
pub struct Pace {
    /// Those with lower numbers may begin.
    allowed: Arc<watch::Sender<usize>>,
    ended: Arc<watch::Sender<usize>>,
    ahead: usize,
}

impl Pace {
    /// About so many are under way while others are waited for, and after.
    pub fn new(ahead: usize) -> Self {
        Self { allowed: Arc::default(), ended: Arc::default(), ahead }
    }

    /// Does this when the turn of this number has come.
    pub async fn keep<T>(&self, number: usize, to_do: impl Future<Output = T>) -> T {
        let mut allowed = self.allowed.subscribe();
        allowed.wait_for(|allowed| number < *allowed).await.expect("the sender is ours");
        let done = to_do.await;
        self.ended.send_modify(|ended| *ended += 1);
        done
    }

    /// Lets some begin, and waits until so many have ended, in all.
    pub async fn until(&self, enough: usize) {
        self.allowed.send_replace(enough + self.ahead);
        let mut ended = self.ended.subscribe();
        ended.wait_for(|ended| *ended >= enough).await.expect("the sender is ours");
    }

    /// Lets all begin.
    pub fn free(&self) {
        self.allowed.send_replace(usize::MAX);
    }
}
