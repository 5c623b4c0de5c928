//! The client, against both implementations.

use std::{collections::BTreeSet, sync::Arc, thread, time::Duration};

use apache_avro::Schema;
use axum::Router;
use tradewind_registry::{ResolveError, client::Client, subject_of};
use tradewind_schemas::{SchemaSource, SchemaSourceError};
use tradewind_topics::{
    Cleanup,
    list::{Declared, all},
};

use crate::stage::{Embedded, Http, Independent, Registry, free_port, listen_anywhere, serve, submitted, url};

/// Longer than any test machine needs.
const PATIENT: Duration = Duration::from_secs(60);

/// Each of these against each implementation.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        mod embedded { $(#[test] fn $case() { super::$case::<super::Embedded>(); })* }
        mod independent { $(#[test] fn $case() { super::$case::<super::Independent>(); })* }
    };
}

cases!(
    every_topic_has_an_id_and_keeps_it,
    a_release_that_adds_a_field_gets_another_id,
    what_is_incompatible_is_refused_by_name,
    a_registry_that_comes_up_later_is_waited_for,
    an_unknown_id_is_not_there_and_a_stopped_registry_is_unavailable,
    it_can_be_asked_from_within_a_runtime,
    many_roles_may_start_at_once,
    a_new_subject_asks_for_all_versions,
);

fn client(port: u16) -> Arc<Client> {
    Arc::new(Client::new(&url(port)).expect("a client"))
}

/// The topic `sample.events` with this schema.
fn sample(schema: fn(&str) -> Schema) -> [Declared; 1] {
    [Declared { name: "sample.events", owner: "sample", cleanup: Cleanup::Keep, schema }]
}

fn parse(fields: &str) -> Schema {
    let text = format!(r#"{{"type":"record","name":"Sample","fields":[{fields}]}}"#);
    Schema::parse_str(&text).expect("a schema")
}

fn first(_: &str) -> Schema {
    parse(r#"{"name":"quantity","type":"int"}"#)
}

fn with_note(_: &str) -> Schema {
    parse(r#"{"name":"quantity","type":"int"},{"name":"note","type":"string","default":""}"#)
}

fn with_duty(_: &str) -> Schema {
    parse(r#"{"name":"quantity","type":"int"},{"name":"duty","type":"int"}"#)
}

fn every_topic_has_an_id_and_keeps_it<R: Registry>() {
    let port = free_port();
    let _registry = R::start_at(port);
    let resolved = client(port).resolve(&all(), PATIENT).expect("ids");
    let again = client(port).resolve(&all(), PATIENT).expect("ids");
    let mut ids = BTreeSet::new();
    for topic in all() {
        let id = resolved.id(topic.name).expect("an id");
        assert_eq!(again.id(topic.name), Some(id), "{}", topic.name);
        assert!(ids.insert(id), "{} shares its id", topic.name);
        let found = Schema::parse_str(&resolved.source.schema(id).expect("its schema")).expect("a schema");
        assert_eq!(found, (topic.schema)(topic.name), "{}", topic.name);
    }
    assert_eq!(resolved.id("no.such.topic"), None);
}

fn a_release_that_adds_a_field_gets_another_id<R: Registry>() {
    let port = free_port();
    let _registry = R::start_at(port);
    let old = client(port).resolve(&sample(first), PATIENT).expect("ids");
    let new = client(port).resolve(&sample(with_note), PATIENT).expect("ids");
    let still = client(port).resolve(&sample(first), PATIENT).expect("the older release starts as well");
    assert_ne!(old.id("sample.events"), new.id("sample.events"));
    assert_eq!(old.id("sample.events"), still.id("sample.events"));
}

fn what_is_incompatible_is_refused_by_name<R: Registry>() {
    let port = free_port();
    let _registry = R::start_at(port);
    client(port).resolve(&sample(first), PATIENT).expect("ids");
    let Err(refused) = client(port).resolve(&sample(with_duty), PATIENT) else { panic!("it was taken") };
    assert!(matches!(&refused, ResolveError::Incompatible { subject, .. } if subject == "sample.events-value"));
    let said = refused.to_string();
    for part in ["sample.events-value", "duty", "default", &url(port)] {
        assert!(said.contains(part), "no {part} in: {said}");
    }
}

fn a_registry_that_comes_up_later_is_waited_for<R: Registry>() {
    let listener = listen_anywhere();
    let port = listener.local_addr().expect("an address").port();
    let role = thread::spawn(move || client(port).resolve(&sample(first), PATIENT));
    // The first attempt meets something that hangs up; only then does the registry start.
    drop(listener.accept().expect("the first attempt"));
    drop(listener);
    let _registry = R::start_at(port);
    let resolved = role.join().expect("no panic").expect("ids");
    assert!(resolved.id("sample.events").is_some());
}

fn an_unknown_id_is_not_there_and_a_stopped_registry_is_unavailable<R: Registry>() {
    let port = free_port();
    let mut registry = R::start_at(port);
    let client = client(port);
    let id = client.resolve(&sample(first), PATIENT).expect("ids").id("sample.events").expect("an id");
    let known = client.schema(id).expect("its schema");
    assert_eq!(client.schema(id + 1), Err(SchemaSourceError::NotFound(id + 1)));

    registry.stop();
    assert_eq!(client.schema(id), Ok(known), "what was seen is remembered");
    let unavailable = client.schema(id + 1);
    assert!(
        matches!(&unavailable, Err(SchemaSourceError::Unavailable(why)) if why.contains(&url(port))),
        "{unavailable:?}"
    );
    // No registry has ever given out these, so there is nothing to wait for.
    assert_eq!(client.schema(0), Err(SchemaSourceError::NotFound(0)));
    assert_eq!(client.schema(u32::MAX), Err(SchemaSourceError::NotFound(u32::MAX)));
}

fn it_can_be_asked_from_within_a_runtime<R: Registry>() {
    let port = free_port();
    let _registry = R::start_at(port);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let client = client(port);
        let resolved = client.resolve(&sample(first), PATIENT).expect("ids");
        assert!(client.schema(resolved.id("sample.events").expect("an id")).is_ok());
        // Dropped in here, too.
    });
}

fn many_roles_may_start_at_once<R: Registry>() {
    let port = free_port();
    let _registry = R::start_at(port);
    let roles: Vec<_> =
        (0..6).map(|_| thread::spawn(move || client(port).resolve(&all(), PATIENT).expect("ids"))).collect();
    let resolved: Vec<_> = roles.into_iter().map(|role| role.join().expect("no panic")).collect();
    for topic in all() {
        let ids: BTreeSet<_> = resolved.iter().map(|resolved| resolved.id(topic.name)).collect();
        assert_eq!(ids.len(), 1, "{}", topic.name);
    }
}

fn a_new_subject_asks_for_all_versions<R: Registry>() {
    let port = free_port();
    let _registry = R::start_at(port);
    let http = Http::to(port);
    // Somebody else chose for this one.
    let theirs = subject_of("theirs");
    http.ask(&format!("POST /subjects/{theirs}/versions"), &submitted(r#""string""#));
    http.ask(&format!("PUT /config/{theirs}"), r#"{"compatibility":"NONE"}"#);
    let mut declared = Vec::from(sample(first));
    declared.push(Declared { name: "theirs", owner: "theirs", cleanup: Cleanup::Keep, schema: first });
    client(port).resolve(&declared, PATIENT).expect("ids");
    let level = |subject: &str| {
        http.ask(&format!("GET /config/{subject}?defaultToGlobal=true"), "").1["compatibilityLevel"].clone()
    };
    assert_eq!(level(&subject_of("sample.events")), "BACKWARD_TRANSITIVE");
    assert_eq!(level(&theirs), "NONE");
}

#[test]
fn a_registry_that_never_comes_is_named() {
    let port = free_port();
    let Err(error) = client(port).resolve(&sample(first), Duration::from_millis(300)) else { panic!("resolved") };
    assert!(matches!(error, ResolveError::Unreachable { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains(&url(port)) && said.contains("refused"), "{said}");
}

#[test]
fn what_is_no_registry_is_not_waited_for() {
    let port = free_port();
    let _website = serve(Router::new(), port);
    let Err(error) = client(port).resolve(&sample(first), PATIENT) else { panic!("resolved") };
    assert!(matches!(error, ResolveError::Foreign { .. }), "{error}");
    // Nor is its 404 the registry's word on a schema.
    assert!(matches!(client(port).schema(1), Err(SchemaSourceError::Unavailable(_))));
}

#[test]
fn addresses_are_checked_and_passwords_kept_to_oneself() {
    for nonsense in ["", "localhost:8081", "ftp://127.0.0.1", "http://", "http://127.0.0.1/?a=b", "http://127.0.0.1,"] {
        assert!(matches!(Client::new(nonsense), Err(ResolveError::Address { .. })), "{nonsense}");
    }
    let port = free_port();
    let client = Arc::new(Client::new(&format!("http://role:secret@127.0.0.1:{port}/")).expect("a client"));
    let Err(error) = client.resolve(&sample(first), Duration::ZERO) else { panic!("resolved") };
    assert!(!error.to_string().contains("secret"), "{error}");
    assert!(error.to_string().contains(&url(port)), "{error}");
}

#[test]
fn the_second_address_serves_where_the_first_does_not() {
    let port = free_port();
    let _registry = Embedded::start_at(port);
    let client = Arc::new(Client::new(&format!("{}, {}", url(free_port()), url(port))).expect("a client"));
    assert!(client.resolve(&sample(first), PATIENT).expect("ids").id("sample.events").is_some());
}
