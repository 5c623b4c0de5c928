//! Carries payment intents out at the gateway, each once, and reports what the gateway said.
//!
//! ```text
//! payment.intents ─► taken ─► Attempting committed ─► called ─► Attempted, report and position committed
//!                      ▲                                                 │
//!                      └──────── the next of the same payment ◄──────────┘
//! ```
//! Nothing is called before `Attempting` is committed: whoever finds it after a crash, with no `Attempted`, asks the
//! gateway before it calls again. Payments do not wait for one another; the group's position is that of the oldest
//! unfinished intent, and what was finished after it is known from `payment.attempts`.

pub mod attempts;
mod calls;
pub mod job;
pub mod partition;
pub mod reading;
pub mod records;
pub mod restoring;
mod run;

use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tradewind_runtime::{Codecs, Layout};
use tradewind_schemas::CodecError;
use tradewind_topics::{Log, LogError, SessionConfig, list::PAYMENT_INTENTS};

use self::{calls::Calls, records::Records, run::Run};
use super::client::Client;

/// What the executor is called: as an actor, and, after the run's namespace, as a consumer group.
pub const NAME: &str = "connector.stripe";

/// How an executor works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which of several executors it is. A later one of the same name fences an earlier one.
    pub instance: String,
    /// A silent executor loses its partitions after so long.
    pub session_timeout: Duration,
    /// Calls under way at once.
    pub calls: usize,
    /// Intents taken and not finished, above which no more are taken.
    pub in_flight: usize,
    /// How long the calls under way may hold up a hand-over or a stop. Those not answered by then are asked about by
    /// whoever comes next.
    pub hand_over: Duration,
}

impl Options {
    /// 64 calls at once, 1,000 intents in flight, a session of 30 s, hand-overs within 1 s.
    pub fn new(instance: &str) -> Self {
        Self {
            instance: instance.to_owned(),
            session_timeout: Duration::from_secs(30),
            calls: 64,
            in_flight: 1_000,
            hand_over: Duration::from_secs(1),
        }
    }
}

/// Why an executor ended other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the payment connector cannot write its records: {0}")]
    Codec(#[from] CodecError),
    #[error("there is no topic {0}: run `tradewind topics apply`")]
    NoTopic(&'static str),
    #[error("the payment connector cannot start the threads of its calls")]
    Threads(#[source] io::Error),
}

/// Executes the intents of one run at one gateway. Several share the partitions of `payment.intents`.
pub struct Executor {
    log: Arc<dyn Log>,
    codecs: Codecs,
    layout: Layout,
    client: Client,
    options: Options,
}

impl Executor {
    /// `codecs` has those of `payment.intents`, `payment.attempts` and `payment.commands`.
    pub fn new(log: Arc<dyn Log>, codecs: Codecs, layout: Layout, client: Client, options: Options) -> Self {
        Self { log, codecs, layout, client, options }
    }

    /// Works until `stop`; blocks its thread, which must not be one of an async runtime.
    ///
    /// # Errors
    /// When the log cannot be used, when another executor has this one's identity, or when topics are missing. What
    /// was acknowledged by the log is never lost: the next run goes on from there.
    pub fn run(&self, stop: Arc<AtomicBool>) -> Result<(), ExecutorError> {
        let records = Records::new(self.codecs.clone(), &self.layout)?;
        let calls = Calls::new(self.client.clone(), self.options.calls)?;
        let group = self.layout.physical(NAME);
        let identity: Arc<str> = format!("{group}.{}", self.options.instance).into();
        let session = self.log.session(SessionConfig {
            group,
            topics: vec![self.layout.physical(PAYMENT_INTENTS.name)],
            transactional_id: identity.clone(),
            instance_id: Some(identity),
            session_timeout: self.options.session_timeout,
            max_batch: self.options.in_flight.clamp(1, 500),
        })?;
        Run::new(self.log.clone(), session, records, calls, self.options.clone(), stop).go()
    }
}
