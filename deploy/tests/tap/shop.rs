//! A log with some records in it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;
use tradewind::tap::{Beginning, Decoder, Tap, Wanted};
use tradewind_registry::{Resolved, server::Registry};
use tradewind_runtime::{Codecs, Layout};
use tradewind_schemas::{
    Actor, Contract, Envelope, MessageId, Role, Sealed, Timestamp, UserId,
    identity::{EmailClaim, IdentityEvent},
    order::OrderEvent,
};
use tradewind_topics::{
    Append, Cleanup, Headers, Log, TopicPartition, TopicSpec,
    embedded::{EmbeddedLog, Options},
    list, partition_of,
};
use uuid::Uuid;

pub const PARTITIONS: u32 = 2;
pub const ORDER: &str = "00000000-0000-0000-0000-000000000001";
const TOPICS: [&str; 4] = ["order.events", "identity.events", "order.commands.dlq", "order.changelog"];

pub struct Shop {
    pub log: Arc<dyn Log>,
    pub layout: Layout,
    pub schemas: Resolved,
    codecs: Codecs,
    _directory: TempDir,
}

impl Shop {
    pub fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log: Arc<dyn Log> = EmbeddedLog::open(directory.path(), Options::default()).unwrap();
        let spec = |name: &&str| TopicSpec {
            name: format!("shop.{name}").into(),
            partitions: PARTITIONS,
            cleanup: Cleanup::Keep,
        };
        log.admin().create(&TOPICS.iter().map(spec).collect::<Vec<_>>()).unwrap();
        let registry = Registry::open(&log, "shop.registry.schemas").unwrap();
        let schemas = registry.resolve(&list::all()).unwrap();
        let codecs = Codecs::all(|topic| schemas.id(topic), &schemas.source).unwrap();
        let partitions: HashMap<_, _> = TOPICS.iter().map(|name| ((*name).to_owned(), PARTITIONS)).collect();
        Self { log, layout: Layout::new("shop", partitions), schemas, codecs, _directory: directory }
    }

    pub fn put(&self, topic: &str, key: &str, value: Option<Vec<u8>>, at: i64, headers: Headers) {
        let record = Append {
            to: TopicPartition::new(self.layout.physical(topic), partition_of(key.as_bytes(), PARTITIONS)),
            timestamp: at,
            key: Some(Bytes::copy_from_slice(key.as_bytes())),
            value: value.map(Bytes::from),
            headers,
        };
        let writer = self.log.writer().unwrap();
        wait_for(writer.append(record));
    }

    /// A payload in its envelope, as it goes onto a topic.
    pub fn encoded<V: Contract>(&self, topic: &str, key: &str, at: i64, payload: V) -> Vec<u8> {
        let id = MessageId::new(Uuid::from_u128(3));
        let around = Envelope {
            id,
            key: key.to_owned(),
            subject_id: None,
            causation_id: None,
            correlation_id: id,
            actor: Actor::service("test"),
            at: Timestamp::from_millis(at),
            request: None,
            cause: None,
            payload,
        };
        self.codecs.of::<V>(topic).unwrap().encode(&around).unwrap()
    }

    pub fn event<V: Contract>(&self, topic: &str, key: &str, at: i64, payload: V) {
        let value = self.encoded(topic, key, at, payload);
        self.put(topic, key, Some(value), at, vec![("traceparent".into(), Bytes::from_static(b"00-ab"))]);
    }

    pub fn cancelled(&self, at: i64) {
        self.event(
            "order.events",
            ORDER,
            at,
            OrderEvent::OrderCancelled { reason: Some("changed my mind".to_owned()) },
        );
    }

    pub fn registered(&self) {
        let sealed = || Sealed { key_id: "k1".to_owned(), nonce: vec![1; 12], bytes: b"ada lovelace".to_vec() };
        let event = IdentityEvent::RegistrationRequested {
            user_id: UserId::new(Uuid::from_u128(9)),
            claim: EmailClaim("9f86d081".to_owned()),
            email: sealed(),
            name: sealed(),
            password_hash: "$argon2id$v=19$secret".to_owned(),
            roles: vec![Role::Customer],
        };
        self.event("identity.events", ORDER, 1_000, event);
    }

    pub fn tap(&self, topic: &str, from: Beginning, follow: bool) -> Tap {
        let decoder = Arc::new(Decoder::new(self.schemas.source.clone()));
        let wanted = Wanted { topic: topic.to_owned(), from, follow };
        Tap::open(self.log.as_ref(), "shop", decoder, &wanted).unwrap()
    }

    /// All lines of a tap that ends by itself.
    pub fn lines(&self, topic: &str, from: Beginning) -> Vec<Value> {
        let mut tap = self.tap(topic, from, false);
        let mut lines = Vec::new();
        while let Some(batch) = tap.next(Duration::from_millis(50)).unwrap() {
            lines.extend(parsed(&batch));
        }
        lines
    }
}

pub fn parsed(batch: &str) -> Vec<Value> {
    batch.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits for the disk, from a thread of its own so that it can be called from within a runtime, too.
fn wait_for<T: Send>(future: impl Future<Output = Result<T, tradewind_topics::LogError>> + Send) {
    std::thread::scope(|scope| {
        let waited = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(future).map(drop)
        });
        waited.join().unwrap().unwrap();
    });
}
