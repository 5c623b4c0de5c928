//! A session's two transactional producers, which take turns.
//!
//! The coordinator answers a commit before it has written all its markers. A transaction that the same producer begins
//! earlier is sent away, and librdkafka tries again only 20 ms later. So the next transaction is the other producer's:
//! its records come after those of the one before, which is decided by then. Both are taken over together, so whoever
//! had them can commit with neither.

use std::{sync::Arc, time::Duration};

use rdkafka::producer::{Producer, ThreadedProducer};

use super::{
    calls::Calls,
    deliveries::{Deliveries, Writing},
    ending::Ending,
    faults::{Fault, failed},
    raw,
    settings::Settings,
};
use crate::LogError;

/// Brokers are waited for so long before a transactional id is taken over.
const BROKERS_WITHIN: Duration = Duration::from_secs(1);

pub struct Turns {
    turns: [Turn; 2],
    turn: usize,
    calls: Calls,
}

struct Turn {
    writing: Writing,
    /// Dropped after `writing`, which has a share in it.
    producer: Ending<Arc<ThreadedProducer<Deliveries>>>,
}

impl Turns {
    /// Takes over the transactional ids `<id>-0` and `<id>-1`: what was open is settled, and older holders are fenced.
    pub fn take_over(settings: &Settings, id: &str) -> Result<Self, LogError> {
        let calls = Calls::start()?;
        // Both find their coordinators while the first is taken over.
        let turns = [turn(settings, &format!("{id}-0"))?, turn(settings, &format!("{id}-1"))?];
        for Turn { producer, .. } in &turns {
            let (producer, within) = (Arc::clone(producer), settings.answer_within());
            let take = move || {
                // Where there are none, this says so.
                raw::await_brokers(producer.client(), BROKERS_WITHIN);
                Ok(producer.init_transactions(within)?)
            };
            let taken = calls.call(within + BROKERS_WITHIN, take);
            taken.map_err(failed(&format!("taking over the transactional id {id}")))?;
        }
        Ok(Self { turns, turn: 0, calls })
    }

    /// The producer of the transaction that is open, or comes next.
    pub fn current(&self) -> &ThreadedProducer<Deliveries> {
        &self.turns[self.turn].producer
    }

    /// Has the current producer make a transactional call that waits for the brokers, up to `timeout`.
    pub fn call(
        &self,
        timeout: Duration,
        call: impl FnOnce(&ThreadedProducer<Deliveries>) -> Result<(), Fault> + Send + 'static,
    ) -> Result<(), Fault> {
        let producer = Arc::clone(&self.turns[self.turn].producer);
        self.calls.call(timeout, move || call(&producer))
    }

    /// What it writes, and has written.
    pub fn writing(&mut self) -> &mut Writing {
        &mut self.turns[self.turn].writing
    }

    /// A transaction has ended.
    pub fn change(&mut self) {
        self.turn = 1 - self.turn;
    }
}

fn turn(settings: &Settings, id: &str) -> Result<Turn, LogError> {
    let config = settings.transactional(id);
    let producer: ThreadedProducer<Deliveries> = config
        .create_with_context(Deliveries::default())
        .map_err(failed(&format!("making a producer with the transactional id {id}")))?;
    let producer = Ending::new("a transactional producer", Arc::new(producer));
    Ok(Turn { writing: Writing::new(Arc::clone(&producer)), producer })
}
