//! A card is declined: the stock comes back, and a new order with another card goes through.

use tradewind_tests::{client::order, shop::Shop};

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log() {
    declined(Shop::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    declined(Shop::on_kafka().await).await;
}

async fn declined(shop: Shop) {
    shop.sell("LAMP", 4900, 1).await;
    let customer = shop.customers(1).await.remove(0);

    let declined = customer.place("with-the-wrong-card", &order("LAMP", 1, "tok_chargeDeclined")).await;
    assert_eq!((declined.status, declined.code()), (409, "payment_declined"));
    let location = format!("/v1/orders/{}", declined.order_id());
    assert_eq!(declined.headers["location"], location.as_str());
    let rejected = customer.get(&location).await.expect(200);
    assert_eq!((&rejected["status"], &rejected["reason"]), (&"rejected".into(), &"payment_declined".into()));
    shop.stock_becomes("LAMP", (1, 0, 0)).await;

    let again = customer.place("with-the-wrong-card", &order("LAMP", 1, "tok_chargeDeclined")).await;
    assert_eq!((again.status, again.code(), again.is_replay()), (409, "payment_declined", true));
    assert_eq!(again.order_id(), declined.order_id());

    let confirmed = customer.place("with-another", &order("LAMP", 1, "tok_visa")).await.expect(201);
    assert_eq!(confirmed["status"], "confirmed");
    let story: Vec<_> = confirmed["history"].as_array().expect("a history").iter().map(|step| &step["type"]).collect();
    let steps = [
        "OrderPlaced",
        "LineReserved",
        "StockSecured",
        "PaymentSecured",
        "LineCommitted",
        "StockCommitted",
        "OrderConfirmed",
    ];
    assert_eq!(story, steps);
    assert_eq!(shop.stock("LAMP").await, (1, 0, 1));
    assert_eq!(shop.close().charges("succeeded"), 1);
}
