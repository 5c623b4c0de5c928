//! Kafka: the contract, over a real broker that the cases share, and what happens when brokers fail.

mod brokers_gone;
mod connecting;
mod identity;
mod members;

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tradewind_tests::broker::Broker;
use tradewind_topics::kafka::{KafkaLog, Options};

use crate::suite::Subject;

fn subject() -> Subject {
    subject_on(Broker::shared(), Options::default())
}

fn subject_on(broker: &Broker, options: Options) -> Subject {
    static CASES: AtomicU32 = AtomicU32::new(0);
    let case = CASES.fetch_add(1, Ordering::Relaxed);
    let log = KafkaLog::connect(&broker.bootstrap(), options).expect("the broker answers");
    Subject::new(log, format!("contract-{}-{case}-", process::id()), Duration::from_secs(1), ())
}

mod contract {
    use super::subject;
    use crate::suite::log_contract;

    log_contract!(subject());
}
