//! How each kind of client is configured, and why.

use std::time::Duration;

use rdkafka::{ClientConfig, config::RDKafkaLogLevel};

use crate::{Purpose, SessionConfig};

/// How to talk to the brokers.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names this process in the brokers' logs and quotas.
    pub client_id: String,
    /// Further properties of librdkafka for every client: SASL, TLS, tuning. What correctness hangs on (isolation,
    /// idempotence, offsets, identities) cannot be changed by them.
    pub properties: Vec<(String, String)>,
    /// Replicas of each topic that is created; the brokers' default without one.
    pub replication: Option<u16>,
    /// The brokers abort a transaction that is open longer than this.
    pub transaction_timeout: Duration,
    /// [`connect`](super::KafkaLog::connect) gives up after this.
    pub connect_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client_id: "tradewind".into(),
            properties: Vec::new(),
            replication: None,
            transaction_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// Bytes of a record that fit below the brokers' default limit of a batch (1,048,588), with room for its framing.
const MAX_RECORD: usize = 1_000_000;

pub struct Settings {
    pub brokers: String,
    pub options: Options,
}

/// Which records a client counts as being there.
#[derive(Clone, Copy)]
pub enum Isolation {
    Committed,
    Uncommitted,
}

impl Settings {
    /// How long a question to the brokers may take. A stable offset has to outwait a transaction that was left open.
    pub fn answer_within(&self) -> Duration {
        self.options.transaction_timeout + Duration::from_secs(20)
    }

    /// Bytes of key, value and headers that the log takes in one record.
    pub fn max_record(&self) -> usize {
        let configured = self.options.properties.iter().rev().find(|(name, _)| name == "message.max.bytes");
        configured.and_then(|(_, value)| value.parse().ok()).unwrap_or(MAX_RECORD)
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.options.client_id)
            .set("socket.nagle.disable", "true")
            // A client's second connection (the first is to a bootstrap address, and given up) waits half as long as this.
            .set("reconnect.backoff.ms", "22")
            // A broker that comes back is found within a second, not within librdkafka's ten.
            .set("reconnect.backoff.max.ms", "1000")
            .set_log_level(RDKafkaLogLevel::Warning);
        config
    }

    /// The user's properties come after our preferences and before what correctness hangs on.
    fn with_user_properties(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in &self.options.properties {
            config.set(name, value);
        }
        config
    }

    fn consumer(&self, isolation: Isolation) -> ClientConfig {
        let mut config = self.client();
        config
            .set("fetch.min.bytes", "1")
            // A partition that starts or resumes waits for the fetch that is out already, at most this long.
            .set("fetch.wait.max.ms", "100")
            // The default of a second stalls a consumer that has drained its queue.
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.error.backoff.ms", "50")
            // Read ahead: librdkafka keeps more about a small record than the record itself, and four times as much ahead
            // made a worker with a backlog no faster, and 40 MiB larger.
            .set("queued.max.messages.kbytes", "4096")
            .set("check.crcs", "true");
        let mut config = self.with_user_properties(config);
        config
            .set(
                "isolation.level",
                match isolation {
                    Isolation::Committed => "read_committed",
                    Isolation::Uncommitted => "read_uncommitted",
                },
            )
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("allow.auto.create.topics", "false")
            // A lost offset must stop us, not restart history.
            .set("auto.offset.reset", "error");
        config
    }

    /// Asks for metadata and ends; is in no group.
    pub fn questions(&self, isolation: Isolation) -> ClientConfig {
        self.consumer(isolation)
    }

    /// Asks for and sets a group's offsets without joining it.
    pub fn group_offsets(&self, group: &str) -> ClientConfig {
        let mut config = self.consumer(Isolation::Committed);
        config.set("group.id", group);
        config
    }

    /// Reads partitions without joining a group; librdkafka wants the name of one all the same.
    pub fn reader(&self, purpose: Purpose) -> ClientConfig {
        // So long the brokers keep a question for which they have nothing. The end of a partition that ends in markers is
        // only learned from the answer to a further one.
        let wait = if purpose.to_end { "5" } else { "50" };
        let mut config = self.consumer(Isolation::Committed);
        config
            .set("group.id", format!("{}-reader", self.options.client_id))
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", wait);
        config
    }

    /// A worker's membership in its group.
    pub fn member(&self, session: &SessionConfig) -> ClientConfig {
        let silence = session.session_timeout.as_millis();
        // Rebalances are learned from heartbeats, so they are frequent; a third of the time-out is the limit.
        let heartbeat = (silence / 10).clamp(50, 1000);
        let mut config = self.consumer(Isolation::Committed);
        config
            .set("group.id", &*session.group)
            .set("group.protocol", "classic")
            .set("partition.assignment.strategy", "range")
            .set("session.timeout.ms", silence.to_string())
            // Heartbeats come from librdkafka's own thread: only this notices a worker that has stopped polling.
            .set("max.poll.interval.ms", silence.to_string())
            .set("heartbeat.interval.ms", heartbeat.to_string());
        if let Some(instance) = &session.instance_id {
            config.set("group.instance.id", &**instance);
        }
        config
    }

    fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("compression.type", "lz4")
            .set("linger.ms", "1")
            .set("queue.buffering.max.messages", "500000")
            .set("queue.buffering.max.kbytes", "65536")
            // A new transaction that meets the tail of the last one waits this long, not the default 100.
            .set("retry.backoff.ms", "5")
            .set("retry.backoff.max.ms", "100")
            .set("topic.metadata.propagation.max.ms", "5000")
            .set("message.max.bytes", MAX_RECORD.to_string());
        let mut config = self.with_user_properties(config);
        config.set("enable.idempotence", "true");
        config
    }

    /// A worker's transactions.
    pub fn transactional(&self, id: &str) -> ClientConfig {
        let timeout = self.options.transaction_timeout.as_millis();
        let mut config = self.producer();
        config
            .set("transactional.id", id)
            .set("transaction.timeout.ms", timeout.to_string())
            // Records that could not be written fail before the transaction is taken from us.
            .set("message.timeout.ms", (timeout * 8 / 10).max(1).to_string());
        config
    }

    /// Appends from outside transactions.
    pub fn writer(&self) -> ClientConfig {
        let mut config = self.producer();
        config.set("message.timeout.ms", "30000");
        config
    }
}
