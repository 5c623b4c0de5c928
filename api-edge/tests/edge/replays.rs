//! Retries: found by the ids that follow from them, and answered like the first.

use std::sync::Arc;

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use tradewind_edge::{EMAIL, Field, NAME};
use tradewind_runtime::Outcome;
use tradewind_schemas::{
    Codec, Contract, Envelope, Key, Rejection, Role, Sku,
    edge::Settled,
    identity::{IdentityCommand, SubjectKey},
    inventory::{MOVED, STOCK, StockLevel, StockView},
};
use tradewind_topics::{Append, list, partition_of};
use uuid::Uuid;

use crate::fakes::{Answered, NoOthers, Shopfront, user};

const PATH: &str = "/v1/stock/CUP-1/receipts";

/// A shop in which there is stock of one SKU, though no product: what is known already is answered all the same.
async fn shop() -> (Shopfront, Sku) {
    let shop = Shopfront::open().await;
    let sku: Sku = "CUP-1".parse().unwrap();
    let level = StockLevel { on_hand: 100, reserved: 10, allocated: 20, entries: 3, chain: String::new() };
    shop.views.put(STOCK, sku.as_str(), &(), &StockView { sku: sku.clone(), level });
    (shop, sku)
}

async fn receive(shop: &Shopfront, key: &str, body: &Value) -> Answered {
    let token = shop.token(user(1), Role::Merchant);
    shop.request("POST", PATH).bearer(&token).header("idempotency-key", key).json(body).send().await
}

/// A record as a processor would read it.
fn sent<P: Contract>(append: &Append, topic: &str) -> Envelope<P> {
    let codec = Codec::<P>::new(topic, 1, Arc::new(NoOthers)).unwrap();
    codec.decode(append.value.as_ref().unwrap()).unwrap()
}

#[tokio::test]
async fn a_registration_publishes_the_key_first_and_seals_what_is_personal() {
    let shop = Shopfront::open().await;
    let body = json!({"email": "Ada@Example.com", "password": "correct horse", "name": "Ada Lovelace"});
    let register = async || {
        let call = shop.request("POST", "/v1/users").header("idempotency-key", "k").header("prefer", "respond-async");
        call.json(&body).send().await
    };
    let first = register().await;
    assert_eq!(first.status, 202, "{}", first.json());
    assert_eq!(first.header("preference-applied"), "respond-async");
    let location = first.header("location").to_owned();
    let again = register().await;
    assert_eq!(again.header("location"), location, "the same request, the same user");

    let appended = shop.log.appended.lock().clone();
    let topics: Vec<&str> = appended.iter().map(|append| &*append.to.topic).collect();
    assert_eq!(
        topics,
        ["test.identity.keys", "test.identity.commands", "test.identity.keys", "test.identity.commands"]
    );
    let key: Envelope<SubjectKey> = sent(&appended[0], list::IDENTITY_KEYS.name);
    assert_eq!(key.key, key.payload.id().text());
    let command: Envelope<IdentityCommand> = sent(&appended[1], list::IDENTITY_COMMANDS.name);
    let request = command.request.unwrap();
    assert!(request.digest.len() == 64 && request.reply_to.is_some());
    let IdentityCommand::Register { user_id, email, name, password_hash, roles, .. } = command.payload else {
        panic!("not a registration")
    };
    assert_eq!(location, format!("/v1/users/{user_id}"));
    assert_eq!((command.key, command.subject_id), (user_id.text(), Some(user_id)));
    assert_eq!(command.id.uuid(), user_id.uuid());
    assert_eq!(roles, [Role::Customer]);
    assert!(password_hash.starts_with("$argon2id$"));
    let open = |field: Field, sealed| shop.keyring.open(user_id, field.topic, field.name, sealed).unwrap();
    assert_eq!(open(EMAIL, &email), b"Ada@Example.com");
    assert_eq!(open(NAME, &name), b"Ada Lovelace");
    for append in &appended {
        let bytes = [append.key.as_deref().unwrap(), append.value.as_deref().unwrap()].concat();
        // Long ones, which no random bytes contain by chance.
        for secret in ["Ada Lovelace", "example.com", "correct horse"] {
            assert!(
                !bytes.windows(secret.len()).any(|window| window.eq_ignore_ascii_case(secret.as_bytes())),
                "{secret}"
            );
        }
        assert_eq!(append.to.partition, partition_of(append.key.as_deref().unwrap(), 4));
        let parent = append.headers.iter().find(|(name, _)| &**name == "traceparent").unwrap();
        assert_eq!(parent.1.len(), 55);
    }
}

/// Registers, and says what was asked of the processor.
async fn registration(shop: &Shopfront, body: &Value, key: &str) -> (Answered, Envelope<IdentityCommand>) {
    let call = shop.request("POST", "/v1/users").header("idempotency-key", key).header("prefer", "respond-async");
    let answer = call.json(body).send().await;
    let last = shop.log.appended.lock().last().unwrap().clone();
    (answer, sent(&last, list::IDENTITY_COMMANDS.name))
}

#[tokio::test]
async fn a_rejected_registration_is_rejected_again_and_another_body_is_told_so() {
    let shop = Shopfront::open().await;
    let body = json!({"email": "ada@example.com", "password": "correct horse", "name": "Ada"});
    let (_, command) = registration(&shop, &body, "k").await;
    let written = shop.written();
    let rejection = Rejection::new("email_taken", "somebody has registered with this e-mail address");
    let outcome = Outcome { digest: command.request.unwrap().digest, settled: Some(Settled::Rejected { rejection }) };
    shop.views.outcome("identity", &command.key, command.id.uuid(), &outcome);
    let replay =
        async |body: &Value| shop.request("POST", "/v1/users").header("idempotency-key", "k").json(body).send().await;
    let reordered =
        serde_json::from_str(r#"{"name":"Ada","password":"correct horse","email":"ada@example.com"}"#).unwrap();
    for same in [&body, &reordered] {
        let again = replay(same).await;
        assert_eq!(again.problem(), (409, "email_taken".to_owned()));
        assert_eq!(again.header("idempotent-replayed"), "true");
    }
    let other = json!({"email": "ada@example.com", "password": "another horse", "name": "Ada"});
    let refused = replay(&other).await;
    assert_eq!(refused.problem(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(refused.header("idempotent-replayed"), "");
    assert_eq!(shop.written(), written, "a replay sends nothing");
}

#[tokio::test]
async fn an_outcome_that_is_known_is_answered_without_sending_again() {
    let (shop, sku) = shop().await;
    let body = json!({"quantity": 5});
    // No product has this SKU: the request is refused, and uses its key up for nothing.
    assert_eq!(receive(&shop, "k", &body).await.problem().0, 404);
    assert_eq!(shop.written(), 0);
    // As if it had been taken earlier, when the product was there.
    let digest = digest_of(&shop, &body);
    let id = Uuid::new_v5(&DERIVED, format!("{}\nPOST\n{PATH}\nk", user(1)).as_bytes());
    let outcome = Outcome { digest, settled: Some(Settled::Accepted {}) };
    shop.views.outcome("inventory", sku.as_str(), id, &outcome);
    let left = StockLevel { on_hand: 55, reserved: 5, allocated: 20, entries: 2, chain: String::new() };
    shop.views.put(MOVED, sku.as_str(), &id, &left);
    let replay = receive(&shop, "k", &body).await;
    assert_eq!(replay.status, 201, "{}", replay.json());
    assert_eq!(replay.header("idempotent-replayed"), "true");
    assert_eq!(replay.header("location"), "/v1/stock/CUP-1");
    assert_eq!(
        replay.json(),
        json!({"sku": "CUP-1", "on_hand": 55, "reserved": 5, "allocated": 20, "available": 30}),
        "what the first answer said, not what is there now"
    );
    assert_eq!(receive(&shop, "k", &json!({"quantity": 6})).await.problem().1, "idempotency_key_reused");
    assert_eq!(receive(&shop, "another", &body).await.problem().0, 404);
    assert_eq!(shop.written(), 0);
}

/// The namespace of derived ids: for good, as other edges and earlier releases derive the same.
const DERIVED: Uuid = Uuid::from_u128(0x5d4c_8f0e_3b7a_5c21_9e64_7a10_b2d3_f48e);

/// The digest that an edge with these secrets makes of a body.
fn digest_of(shop: &Shopfront, body: &Value) -> String {
    let mut mac = <Hmac<sha2::Sha256> as Mac>::new_from_slice(&shop.secrets.edge_key).unwrap();
    mac.update(b"fingerprints\0");
    mac.update(body.to_string().as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn an_undecided_command_is_answered_202_when_the_wait_is_over() {
    let (shop, sku) = shop().await;
    let body = json!({"quantity": 5});
    let id = Uuid::new_v5(&DERIVED, format!("{}\nPOST\n{PATH}\nk", user(1)).as_bytes());
    shop.views.outcome("inventory", sku.as_str(), id, &Outcome { digest: digest_of(&shop, &body), settled: None });
    let token = shop.token(user(1), Role::Merchant);
    let call = shop.request("POST", PATH).bearer(&token).header("idempotency-key", "k").header("prefer", "wait=1");
    let answer = call.json(&body).send().await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("preference-applied"), "wait=1");
    assert_eq!(answer.header("location"), "/v1/stock/CUP-1");
    assert_eq!(answer.json()["status"], "pending");
    assert_eq!(shop.written(), 0);
}
