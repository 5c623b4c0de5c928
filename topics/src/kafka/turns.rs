//! A session's two transactional producers, which take turns.
//!
//! The coordinator answers a commit before it has written all its markers. A transaction that the same producer begins
//! earlier is sent away, and librdkafka tries again only 20 ms later. So the next transaction is the other producer's:
//! its records come after those of the one before, which is decided by then. Both are taken over together, so whoever
//! had them can commit with neither.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    error::RDKafkaErrorCode as Code,
    producer::{Producer, ThreadedProducer},
};

use super::{
    calls::Calls,
    deliveries::{Deliveries, Writing},
    ending::Ending,
    faults::{Fault, failed},
    raw,
    settings::Settings,
};
use crate::LogError;

/// Brokers are waited for so long before a transactional id is taken over, …
const BROKERS_WITHIN: Duration = Duration::from_secs(1);
/// … and asked for so often, …
const MOMENT: Duration = Duration::from_millis(10);
/// … or after such a rest, where the bootstrap address answers in their place.
const GLANCE: Duration = Duration::from_millis(1);

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
    /// The brokers know of the topic.
    pub fn take_over(settings: &Settings, id: &str, topic: &str) -> Result<Self, LogError> {
        let calls = Calls::start()?;
        // Both find their coordinators while the first is taken over.
        let turns = [turn(settings, &format!("{id}-0"))?, turn(settings, &format!("{id}-1"))?];
        for Turn { producer, .. } in &turns {
            let (producer, within, topic) = (Arc::clone(producer), settings.answer_within(), topic.to_owned());
            let take = move || {
                await_brokers(&producer, &topic);
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

/// Waits, though not for long, until a broker that the cluster has named can be asked.
///
/// A client gives the bootstrap address up for the brokers that it is told of there. What it is to do in between finds no
/// broker, and to take over a transactional id is tried again only 500 ms later.
fn await_brokers(producer: &ThreadedProducer<Deliveries>, topic: &str) {
    let deadline = Instant::now() + BROKERS_WITHIN;
    while Instant::now() < deadline {
        // Once it knows the cluster, nothing goes to the bootstrap address any more.
        let knows_cluster = raw::knows_cluster(producer.client());
        // It begins to connect when it is asked, but not always: it has to be asked again.
        let answer = producer.client().fetch_metadata(Some(topic), MOMENT);
        let lacks_brokers = |fault: &Fault| fault.code == Some(Code::BrokerTransportFailure);
        if answer.map_err(Fault::from).err().is_none_or(|fault| !lacks_brokers(&fault)) {
            if knows_cluster {
                return;
            }
            thread::sleep(GLANCE);
        }
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
