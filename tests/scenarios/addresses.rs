//! A customer's address book: it outlives a process that dies, is its customer's only, and nothing of it can be read on
//! the log.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tradewind_tests::{
    client::{Answer, Client},
    shop::Shop,
};

const PATH: &str = "/v1/users/me/addresses";

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log() {
    kept(Shop::embedded().await, "up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    kept(Shop::on_kafka().await, "worker").await;
}

fn address(line: &str) -> Value {
    json!({"name": "Countess Ockham", "line1": line, "city": "Horsley", "region": "Surrey", "postal_code": "KT24",
        "country": "GB"})
}

async fn kept(mut shop: Shop, victim: &str) {
    let mut customers = shop.customers(2).await;
    let (mallory, ada) = (customers.remove(1), customers.remove(0));

    let home = ada.decided(PATH, "home", &address("1 Manor")).await;
    let place = home.headers["location"].to_str().expect("text").to_owned();
    let home_id = home.clone().expect(201)["id"].clone();
    assert_eq!(place, format!("{PATH}/{}", home_id.as_str().expect("an id")));
    let office = address("2 Engine");
    let answers = join_all((0..10).map(|_| ada.decided(PATH, "work", &office))).await;
    let work = answers[0].clone().expect(201);
    assert!(answers.iter().all(|answer| (answer.status, &answer.body) == (201, &work)), "{answers:?}");
    let moved = ada.put(&place, tag(&home), &address("3 Manor")).await;
    assert_eq!(moved.clone().expect(200)["line1"], "3 Manor");

    shop.kill9_and_restart(victim);
    shop.ready().await;

    let shown = ada.get(&place).await;
    assert_eq!((tag(&shown), &shown.body), (tag(&moved), &moved.body), "what was answered is there");
    let replay = ada.decided(PATH, "home", &address("1 Manor")).await;
    assert!(replay.is_replay());
    assert_eq!((replay.status, &replay.body["line1"]), (201, &json!("1 Manor")), "the first answer");
    assert_eq!(lines(&ada).await, ["3 Manor", "2 Engine"]);
    let late = ada.put(&place, tag(&home), &address("4 Manor")).await;
    assert_eq!((late.status, late.code()), (412, "precondition_failed"));

    for (method, place) in [(Method::GET, &place), (Method::PUT, &place), (Method::DELETE, &place)] {
        let request = mallory.request(method, place).json(&address("5 Lair"));
        let refused = mallory.once(request).await.expect("an answer");
        assert_eq!((refused.status, refused.code()), (404, "not_found"));
    }
    assert!(lines(&mallory).await.is_empty());

    fill(&ada).await;
    let removal = ada.request(Method::DELETE, &place).header("if-match", tag(&shown));
    assert_eq!(ada.once(removal).await.expect("an answer").status, 204);
    assert_eq!((ada.get(&place).await.status, lines(&ada).await.len()), (404, 49));

    for topic in ["identity.commands", "identity.events"] {
        let said = Value::from(shop.tap(topic)).to_string();
        assert!(said.contains("Address"), "{topic} has no addresses: {said}");
        for plain in ["Ockham", "Manor", "Engine", "Horsley", "Surrey", "KT24", "Shelf"] {
            assert!(!said.contains(plain), "{plain} can be read in {topic}");
        }
    }
    shop.close();
}

/// Adds addresses until there are fifty, and one more, which is refused.
async fn fill(customer: &Client) {
    let keys: Vec<String> = (2..50).map(|n| format!("address-{n}")).collect();
    let shelf = address("7 Shelf");
    let added = join_all(keys.iter().map(|key| customer.decided(PATH, key, &shelf))).await;
    assert!(added.iter().all(|answer| answer.status == 201), "{added:?}");
    let refused = customer.decided(PATH, "one-too-many", &shelf).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_addresses"));
}

/// The first lines of the addresses in a book, read page by page.
async fn lines(customer: &Client) -> Vec<String> {
    let (mut lines, mut path) = (Vec::new(), format!("{PATH}?limit=9"));
    loop {
        let page = customer.get(&path).await.expect(200);
        let items = page["items"].as_array().expect("items").iter();
        lines.extend(items.map(|item| item["line1"].as_str().expect("a line").to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { return lines };
        path = format!("{PATH}?limit=9&cursor={cursor}");
    }
}

fn tag(answer: &Answer) -> &str {
    answer.headers["etag"].to_str().expect("text")
}
