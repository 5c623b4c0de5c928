//! What a wrong address or a wrong setting gets.

use std::{net::TcpListener, time::Duration};

use tradewind_tests::ports::free_port;
use tradewind_topics::{
    LogError,
    kafka::{KafkaLog, Options},
};

fn refusal(brokers: &str, options: Options) -> String {
    match KafkaLog::connect(brokers, options) {
        Err(LogError::Unavailable(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("something answered at {brokers}"),
    }
}

fn soon() -> Options {
    Options { connect_timeout: Duration::from_secs(1), ..Options::default() }
}

#[test]
fn an_address_where_nothing_listens_is_named() {
    let port = free_port();
    let why = refusal(&format!("127.0.0.1:{port}"), soon());
    assert!(why.contains(&format!("127.0.0.1:{port}")) && why.contains("refused"), "{why}");
}

#[test]
fn something_that_is_no_broker_is_given_up() {
    // Takes connections and says nothing.
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    let why = refusal(&address, soon());
    assert!(why.contains(&address), "{why}");
}

#[test]
fn a_property_that_librdkafka_does_not_know_is_named() {
    let options = Options { properties: vec![("no.such.property".into(), "1".into())], ..soon() };
    let why = refusal("127.0.0.1:1", options);
    assert!(why.contains("no.such.property"), "{why}");
}
