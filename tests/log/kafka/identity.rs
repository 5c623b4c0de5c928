//! A topic is more than its name.

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};
use tradewind_tests::broker::Broker;

use super::subject;
use crate::suite::{Subject, wait, wait_for};

fn delete(topic: &str) {
    let client: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", Broker::shared().bootstrap()).create().expect("a client");
    let deleted = wait(client.delete_topics(&[topic], &AdminOptions::new())).expect("the broker answers");
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
}

#[test]
fn a_topic_that_was_made_anew_has_another_id() {
    let subject: Subject = subject();
    let id = || {
        let topics = subject.admin().topics().expect("topics are listed");
        topics.into_iter().find(|topic| topic.name == subject.name("orders")).map(|topic| topic.id)
    };
    let topic = subject.topic("orders", 1);
    let before = id().expect("it is there");
    assert_eq!(id().as_ref(), Some(&before));
    delete(&topic);
    wait_for("it is gone", || id().is_none());
    subject.topic("orders", 1);
    assert_ne!(id().expect("it is there again"), before);
}
