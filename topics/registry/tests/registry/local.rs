//! The registry for those in its own process.

use std::sync::Arc;

use tradewind_registry::{
    client::Client,
    server::{OpenError, Registry as Opened},
};
use tradewind_schemas::SchemaSourceError;
use tradewind_topics::{Append, Log, TopicPartition, TopicSpec, list::all};

use crate::stage::{Embedded, Registry, TOPIC, url};

#[test]
fn it_gives_the_same_ids_as_over_http() {
    let registry = Embedded::start();
    let local = registry.registry.resolve(&all()).expect("ids");
    let remote = Arc::new(Client::new(&url(registry.port)).expect("a client"));
    let remote = remote.resolve(&all(), std::time::Duration::from_secs(60)).expect("ids");
    for topic in all() {
        let id = local.id(topic.name).expect("an id");
        assert_eq!(remote.id(topic.name), Some(id), "{}", topic.name);
        assert_eq!(local.source.schema(id), remote.source.schema(id));
    }
    assert_eq!(local.source.schema(999), Err(SchemaSourceError::NotFound(999)));
}

#[test]
fn a_topic_with_anything_else_in_it_is_not_opened() {
    let registry = Embedded::start();
    let log: Arc<dyn Log> = registry.log.clone();
    let to = TopicPartition::new(TOPIC, 0);
    let newer = br#"{"keytype":"CONTEXT","tenant":"x","magic":0}"#;
    let record =
        Append { to, timestamp: 0, key: Some(newer.to_vec().into()), value: Some("{}".into()), headers: vec![] };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let offset = runtime.block_on(log.writer().expect("a writer").append(record)).expect("written");
    let Err(OpenError::Foreign { offset: at, what, .. }) = Opened::open(&log, TOPIC) else { panic!("it was opened") };
    assert_eq!(at, offset);
    assert!(what.contains("CONTEXT"), "{what}");
}

#[test]
fn a_topic_of_several_partitions_is_refused() {
    let registry = Embedded::start();
    let log: Arc<dyn Log> = registry.log.clone();
    let cleanup = tradewind_topics::Cleanup::Keep;
    log.admin().create(&[TopicSpec { name: "wide".into(), partitions: 3, cleanup }]).expect("created");
    let Err(error) = Opened::open(&log, "wide") else { panic!("it was opened") };
    assert!(matches!(error, OpenError::Log { .. }) && error.to_string().contains("wide"), "{error}");
}
