//! The address book, as an edge keeps it: sealed on the way in, opened on the way out, changed where it is as was seen.

use serde_json::{Value, json};
use tradewind_edge::ADDRESS;
use tradewind_runtime::Outcome;
use tradewind_schemas::{
    Actor, Address, AddressId, Codec, Envelope, Rejection, Role, Timestamp,
    edge::Settled,
    identity::{ADDRESSES, AddressView, IdentityCommand},
};
use tradewind_topics::list;
use uuid::Uuid;

use crate::fakes::{Answered, NoOthers, Shopfront, user};

const PATH: &str = "/v1/users/me/addresses";

fn home() -> Value {
    json!({"name": "Ada Lovelace", "line1": "12 Quay Street", "line2": "Flat 3", "city": "Bristow",
        "postal_code": "BS1 4DA", "country": "GB"})
}

fn id(n: u128) -> AddressId {
    AddressId::new(Uuid::from_u128(n))
}

/// A shop that has a data key for its first user.
async fn shop() -> Shopfront {
    let shop = Shopfront::open().await;
    shop.keyring.create(user(1)).unwrap();
    shop
}

/// Puts an address into the first user's book, as if it was added at that time.
fn keep(shop: &Shopfront, n: u128, at: i64, address: &Value, version: i64) {
    let json = serde_json::to_vec(&serde_json::from_value::<Address>(address.clone()).unwrap()).unwrap();
    let address = shop.keyring.seal(user(1), ADDRESS.topic, ADDRESS.name, &json).unwrap();
    let view = AddressView { id: id(n), address, created_at: Timestamp::from_millis(at), version };
    shop.views.put(ADDRESSES, &user(1).to_string(), &id(n), &view);
}

struct Ask<'s> {
    method: &'s str,
    path: String,
    key: Option<&'s str>,
    if_match: Option<&'s str>,
    body: Option<&'s Value>,
}

fn ask<'s>(method: &'s str, path: impl Into<String>) -> Ask<'s> {
    Ask { method, path: path.into(), key: None, if_match: None, body: None }
}

impl Ask<'_> {
    /// By a user of this number, who does not wait for the decision.
    async fn by(self, shop: &Shopfront, number: u128) -> Answered {
        let call = shop.request(self.method, &self.path).bearer(&shop.token(user(number), Role::Customer));
        let call = call.header("prefer", "respond-async");
        let call = self.key.into_iter().fold(call, |call, key| call.header("idempotency-key", key));
        let call = self.if_match.into_iter().fold(call, |call, tag| call.header("if-match", tag));
        self.body.into_iter().fold(call, |call, body| call.json(body)).send().await
    }
}

fn sent(shop: &Shopfront) -> Envelope<IdentityCommand> {
    let codec = Codec::<IdentityCommand>::new(list::IDENTITY_COMMANDS.name, 1, std::sync::Arc::new(NoOthers)).unwrap();
    codec.decode(shop.log.appended.lock().last().unwrap().value.as_ref().unwrap()).unwrap()
}

#[tokio::test]
async fn an_address_goes_sealed_to_its_user_and_the_same_request_names_the_same() {
    let (shop, body) = (shop().await, home());
    let add = || Ask { key: Some("k"), body: Some(&body), ..ask("POST", PATH) };
    let first = add().by(&shop, 1).await;
    assert_eq!(first.status, 202, "{}", first.json());
    let (location, command) = (first.header("location").to_owned(), sent(&shop));
    assert_eq!(add().by(&shop, 1).await.header("location"), location);
    let IdentityCommand::AddAddress { address_id, address } = command.payload else { panic!("not an address") };
    assert_eq!(location, format!("{PATH}/{address_id}"));
    assert_eq!((command.id.uuid(), command.key), (address_id.uuid(), user(1).to_string()));
    assert_eq!((command.subject_id, command.actor), (Some(user(1)), Actor::user(user(1), vec![Role::Customer])));
    let opened = shop.keyring.open(user(1), ADDRESS.topic, ADDRESS.name, &address).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&opened).unwrap(), body);
    for append in shop.log.appended.lock().iter() {
        let bytes = append.value.as_deref().unwrap();
        for plain in ["Lovelace", "Quay", "Flat", "Bristow", "BS1"] {
            assert!(!bytes.windows(plain.len()).any(|window| window == plain.as_bytes()), "{plain}");
        }
    }

    let digest = command.request.unwrap().digest;
    let settle = |settled| {
        let outcome = Outcome { digest: digest.clone(), settled: Some(settled) };
        shop.views.outcome("identity", &user(1).to_string(), address_id.uuid(), &outcome);
    };
    let written = shop.written();
    settle(Settled::Accepted {});
    let replay = add().by(&shop, 1).await;
    let mut whole = body.clone();
    whole["id"] = json!(address_id);
    assert_eq!((replay.status.as_u16(), replay.json()), (201, whole));
    assert_eq!((replay.header("location"), replay.header("idempotent-replayed")), (location.as_str(), "true"));
    assert!(!replay.header("etag").is_empty());
    settle(Settled::Rejected { rejection: Rejection::new("too_many_addresses", "at most 50") });
    assert_eq!(add().by(&shop, 1).await.problem(), (409, "too_many_addresses".to_owned()));
    let other = json!({"name": "Eve", "line1": "1", "city": "B", "postal_code": "", "country": "GB"});
    let reused = Ask { body: Some(&other), ..add() }.by(&shop, 1).await;
    assert_eq!(reused.problem(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(shop.written(), written, "a replay sends nothing");
}

#[tokio::test]
async fn the_book_is_listed_in_order_of_adding_page_by_page() {
    let shop = shop().await;
    let named = |line: &str| json!({"name": "A", "line1": line, "city": "B", "postal_code": "", "country": "GB"});
    for (n, at, line) in [(9, 100, "first"), (3, 200, "second"), (7, 200, "third"), (1, 300, "fourth")] {
        keep(&shop, n, at, &named(line), 1);
    }
    let lines = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["line1"].as_str().unwrap().to_owned()).collect()
    };
    let whole = ask("GET", PATH).by(&shop, 1).await.json();
    assert_eq!(
        (lines(&whole), &whole["next_cursor"]),
        (vec!["first", "second", "third", "fourth"].into_iter().map(String::from).collect(), &Value::Null)
    );
    let first = ask("GET", format!("{PATH}?limit=3")).by(&shop, 1).await;
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(lines(&first.json()), ["first", "second", "third"]);
    assert!(first.header("link").starts_with(&format!("<{PATH}?limit=3&cursor=")), "{}", first.header("link"));
    // What is added before the cursor meanwhile does not move the rest.
    keep(&shop, 2, 50, &named("before"), 1);
    let second = ask("GET", format!("{PATH}?limit=3&cursor={cursor}")).by(&shop, 1).await.json();
    assert_eq!((lines(&second), &second["next_cursor"]), (vec!["fourth".to_owned()], &Value::Null));
    let others = ask("GET", format!("{PATH}?cursor={cursor}")).by(&shop, 2).await;
    assert_eq!(others.problem(), (400, "invalid_cursor".to_owned()));
    assert_eq!(lines(&ask("GET", PATH).by(&shop, 2).await.json()), Vec::<String>::new());
}

#[tokio::test]
async fn another_user_finds_nothing() {
    let (shop, body) = (shop().await, home());
    keep(&shop, 5, 100, &body, 1);
    for place in [id(5).to_string(), id(6).to_string(), "nonsense".to_owned(), id(5).uuid().simple().to_string()] {
        let path = format!("{PATH}/{place}");
        for asked in [ask("GET", &path), Ask { body: Some(&body), ..ask("PUT", &path) }, ask("DELETE", &path)] {
            assert_eq!(asked.by(&shop, 2).await.problem(), (404, "not_found".to_owned()), "{place}");
        }
    }
    assert_eq!(shop.written(), 0);
}

#[tokio::test]
async fn a_change_is_for_what_was_seen_and_nothing_else() {
    let (shop, path) = (shop().await, format!("{PATH}/{}", id(5)));
    keep(&shop, 5, 100, &home(), 3);
    let shown = ask("GET", &path).by(&shop, 1).await;
    let mut whole = home();
    whole["id"] = json!(id(5));
    assert_eq!(shown.json(), whole);
    let mut moved = home();
    moved["line1"] = json!("13 Quay Street");
    let put = |if_match| Ask { body: Some(&moved), if_match, ..ask("PUT", &path) };
    let delete = |if_match| Ask { if_match, ..ask("DELETE", &path) };
    let stale = || Some("\"0123456789\"");
    for asked in [put(stale()), delete(stale())] {
        assert_eq!(asked.by(&shop, 1).await.problem(), (412, "precondition_failed".to_owned()));
    }
    assert_eq!(shop.written(), 0);
    for (if_match, version) in [(Some(shown.header("etag")), Some(3)), (None, None), (Some("*"), None)] {
        assert_eq!(put(if_match).by(&shop, 1).await.status, 202);
        let IdentityCommand::ChangeAddress { address_id, address, version: named } = sent(&shop).payload else {
            panic!("not a change")
        };
        let opened = shop.keyring.open(user(1), ADDRESS.topic, ADDRESS.name, &address).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&opened).unwrap(), moved);
        assert_eq!((address_id, named), (id(5), version));
        assert_eq!(delete(if_match).by(&shop, 1).await.status, 202);
        assert_eq!(sent(&shop).payload, IdentityCommand::RemoveAddress { address_id: id(5), version });
    }
}
