//! The calls under way, on threads of their own.

use std::{
    collections::VecDeque,
    sync::{Arc, mpsc},
    time::Duration,
};

use tokio::runtime::{Builder, Runtime};
use tradewind_schemas::payment::GatewayResult;
use tradewind_topics::Offset;

use super::{ExecutorError, job::Job};
use crate::stripe::Client;

/// Calls wait for the network, not for a processor.
const THREADS: usize = 2;

/// Which holding of a partition a call belongs to: answers to an earlier one come too late.
pub type Incarnation = u64;

/// What became of a call.
pub struct Answer {
    pub incarnation: Incarnation,
    pub partition: u32,
    pub offset: Offset,
    pub result: GatewayResult,
}

/// Makes calls, so many at once.
pub struct Calls {
    runtime: Runtime,
    client: Client,
    most: usize,
    waiting: VecDeque<(Incarnation, Arc<Job>)>,
    under_way: Vec<Incarnation>,
    answers: Vec<Answer>,
    sender: mpsc::Sender<Answer>,
    receiver: mpsc::Receiver<Answer>,
}

impl Calls {
    pub fn new(client: Client, most: usize) -> Result<Self, ExecutorError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("payment-calls")
            .enable_all()
            .build()
            .map_err(ExecutorError::Threads)?;
        let (sender, receiver) = mpsc::channel();
        let (waiting, under_way, answers) = (VecDeque::new(), Vec::new(), Vec::new());
        Ok(Self { runtime, client, most: most.max(1), waiting, under_way, answers, sender, receiver })
    }

    pub fn make(&mut self, incarnation: Incarnation, job: Arc<Job>) {
        self.waiting.push_back((incarnation, job));
        self.launch();
    }

    pub fn any_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    pub fn under_way_of(&self, incarnation: Incarnation) -> bool {
        self.under_way.contains(&incarnation)
    }

    /// Those not begun never will be.
    pub fn forget(&mut self, incarnation: Incarnation) {
        self.waiting.retain(|(of, _)| *of != incarnation);
    }

    /// Waits until something was answered, at most so long.
    pub fn wait(&mut self, patience: Duration) {
        let mut answered = self.receiver.recv_timeout(patience).ok();
        while let Some(answer) = answered {
            if let Some(at) = self.under_way.iter().position(|of| *of == answer.incarnation) {
                self.under_way.swap_remove(at);
            }
            self.answers.push(answer);
            answered = self.receiver.try_recv().ok();
        }
        self.launch();
    }

    /// What was answered since the last time.
    pub fn answers(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answers)
    }

    /// Breaks off what is under way.
    pub fn close(self) {
        self.runtime.shutdown_background();
    }

    fn launch(&mut self) {
        while self.under_way.len() < self.most
            && let Some((incarnation, job)) = self.waiting.pop_front()
        {
            self.under_way.push(incarnation);
            let (partition, offset) = (job.partition, job.offset);
            let (client, sender) = (self.client.clone(), self.sender.clone());
            let call = self.runtime.spawn(async move { job.carry_out(&client).await });
            self.runtime.spawn(async move {
                let broken = |fault| GatewayResult::Unsettled { why: format!("the call broke off: {fault}") };
                let result = call.await.unwrap_or_else(broken);
                // Nobody listens any more once the executor has ended.
                sender.send(Answer { incarnation, partition, offset, result }).ok();
            });
        }
    }
}
