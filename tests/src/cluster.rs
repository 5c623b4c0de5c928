//! Several nodes of a real Kafka, each of which can die, hang and come back: every partition on all of them, a majority
//! in sync. One node makes a cluster too.

use std::{thread, time::Duration};

use anyhow::{Context, Result};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};

use crate::{
    broker::{Broker, Node, Patience, provision},
    ports::free_port,
};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// As the brokers are configured: partitions of the topics in which groups and transactions are kept.
const COORDINATORS: i32 = 4;

/// The brokers of a cluster, in the order of their numbers.
pub struct Cluster {
    pub brokers: Vec<Broker>,
    /// The ports of the listener that a relay stands before; empty without one.
    pub behind_relay: Vec<u16>,
}

impl Cluster {
    /// Starts so many brokers. `relays` are ports at which each says that its second listener is, for clients that
    /// shall come through a relay; without any there is none.
    pub fn start(brokers: usize, relays: &[u16]) -> Self {
        Self::try_start(brokers, relays).unwrap_or_else(|error| panic!("no Kafka to test with: {error:#}"))
    }

    fn try_start(brokers: usize, relays: &[u16]) -> Result<Self> {
        let libs = provision()?;
        let ports: Vec<[u16; 3]> = (0..brokers).map(|_| [free_port(), free_port(), free_port()]).collect();
        let controllers: Vec<u16> = ports.iter().map(|[_, controller, _]| *controller).collect();
        let nodes = ports.iter().enumerate().map(|(at, [clients, _, listens])| Node {
            number: at + 1,
            clients: *clients,
            controllers: controllers.clone(),
            patience: if brokers == 1 { Patience::OF_ONE } else { Patience::OF_SEVERAL },
            relayed: relays.get(at).map(|relay| (*listens, *relay)),
        });
        // None of them answers before a majority does.
        let starting: Vec<_> = nodes
            .map(|node| {
                let libs = libs.clone();
                thread::spawn(move || Broker::start_node(&libs, &node))
            })
            .collect();
        let started = starting.into_iter().map(|start| start.join().ok().context("a start panicked")?);
        let behind_relay = ports.iter().take(relays.len()).map(|[_, _, listens]| *listens).collect();
        Ok(Self { brokers: started.collect::<Result<_>>()?, behind_relay })
    }

    /// `host:port,…` for clients that come without a relay.
    pub fn bootstrap(&self) -> String {
        self.brokers.iter().map(Broker::bootstrap).collect::<Vec<_>>().join(",")
    }

    /// The place of the broker that leads this partition.
    pub fn leader(&self, topic: &str, partition: i32) -> Result<usize> {
        let asking: BaseConsumer = ClientConfig::new().set("bootstrap.servers", self.bootstrap()).create()?;
        let metadata = asking.fetch_metadata(Some(topic), ANSWER_WITHIN)?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        let leader = partitions.filter(|at| at.id() == partition).map(|at| at.leader()).find(|leader| *leader > 0);
        let number = leader.with_context(|| format!("{topic}-{partition} has no leader"))?;
        usize::try_from(number - 1).context("a broker's number")
    }

    /// The place of the broker that coordinates this group.
    pub fn coordinator_of_group(&self, group: &str) -> Result<usize> {
        self.leader("__consumer_offsets", coordinated_by(group))
    }

    /// The place of the broker that coordinates the transactions of this id.
    pub fn coordinator_of_transactions(&self, id: &str) -> Result<usize> {
        self.leader("__transaction_state", coordinated_by(id))
    }
}

/// The partition that a name is kept in: by Java's hash of strings.
fn coordinated_by(name: &str) -> i32 {
    let hash = name.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    (hash & i32::MAX) % COORDINATORS
}
