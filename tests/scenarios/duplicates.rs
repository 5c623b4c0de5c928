//! One order posted fifty times at once under one key, and again after its price has changed; a receipt posted again
//! after the stock has.

use futures::future::join_all;
use serde_json::json;
use tradewind_tests::{client::order, shop::Shop};

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log() {
    fifty_times(Shop::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    fifty_times(Shop::on_kafka().await).await;
}

async fn fifty_times(shop: Shop) {
    let product = shop.sell("LAMP", 4900, 60).await;
    let customer = shop.customers(1).await.remove(0);
    let wanted = order("LAMP", 1, "tok_visa");

    let answers = join_all((0..50).map(|_| customer.place("only-once", &wanted))).await;
    let first = answers[0].clone().expect(201);
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (201, &first));
    }

    let id = product["id"].as_str().expect("a product has an id");
    let administrator = shop.administrator().await;
    let shown = administrator.get(&format!("/v1/products/{id}")).await;
    let etag = shown.headers.get("etag").and_then(|value| value.to_str().ok()).unwrap_or("*");
    let price = json!({"price": {"amount": 5900, "currency": "EUR"}});
    let path = format!("/v1/products/{id}/variants/LAMP/price");
    let changed = administrator.put(&path, etag, &price).await;
    assert!((200..300).contains(&changed.status), "{changed:?}");
    let dearer = customer.having_seen(&changed).place("at-the-new-price", &wanted).await.expect(201);
    assert_eq!(dearer["totals"]["grand_total"]["amount"], 5900);

    let later = customer.place("only-once", &wanted).await;
    assert!(later.is_replay());
    assert_eq!(later.expect(201), first, "the price of the first answer");

    let receipt = administrator.decided("/v1/stock/LAMP/receipts", "receipt-LAMP", &json!({"quantity": 60})).await;
    assert!(receipt.is_replay());
    let level = receipt.expect(201);
    assert_eq!((&level["on_hand"], &level["allocated"]), (&json!(60), &json!(0)), "the stock of the first answer");

    let other = customer.place("only-once", &order("LAMP", 2, "tok_visa")).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"));

    let list = customer.get("/v1/orders").await.expect(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(shop.stock("LAMP").await, (60, 0, 2));
    assert_eq!(shop.close().charges("succeeded"), 2);
}
