//! An order's history, told as it happens.

use axum::{body::Body, http::Request};
use futures::StreamExt;
use tower::ServiceExt;
use tradewind_schemas::{
    Currency, Money, OrderId, PaymentId, Role, Timestamp,
    order::{HistoryEntry, ORDER, OrderStatus, OrderView},
};
use uuid::Uuid;

use crate::fakes::{Shopfront, user};

fn id() -> OrderId {
    OrderId::new(Uuid::from_u128(7))
}

/// Puts the order where it is asked for, with this much of its story.
fn turns(shop: &Shopfront, status: OrderStatus, story: &[&str]) {
    let at = Timestamp::from_millis(0);
    let none = Money::zero(Currency::EUR);
    let entry = |kind: &&str| HistoryEntry { kind: (*kind).to_owned(), at, detail: None };
    let customer = user(1);
    shop.keyring.create(customer).unwrap();
    let view = OrderView {
        id: id(),
        number: "TW-1".into(),
        customer_id: customer,
        status,
        reason: None,
        lines: vec![],
        grand_total: none,
        refunded: none,
        net: none,
        ship_country: "DE".into(),
        shipping_address: shop.keyring.seal(customer, "order.commands", "shipping_address", b"{}").unwrap(),
        payment_id: PaymentId::new(Uuid::from_u128(8)),
        payment_status: "none".into(),
        history: story.iter().map(entry).collect(),
        placed_at: at,
        created_at: at,
        version: 1,
    };
    shop.views.put(ORDER, &id().to_string(), &(), &view);
}

async fn follow(shop: &Shopfront, after: &str, customer: u128) -> axum::response::Response {
    let request = Request::get(format!("/v1/orders/{}/events", id()))
        .header("authorization", format!("Bearer {}", shop.token(user(customer), Role::Customer)))
        .header("last-event-id", after);
    shop.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn rest(body: Body) -> Vec<String> {
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect()
}

#[tokio::test]
async fn an_order_is_followed_until_it_is_decided() {
    let shop = Shopfront::open().await;
    turns(&shop, OrderStatus::Placed, &["OrderPlaced"]);
    let response = follow(&shop, "0", 1).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    let first = String::from_utf8(body.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(first.contains("event: OrderPlaced") && first.contains("id: 1"), "{first}");
    assert!(first.contains(r#"data: {"type":"OrderPlaced","at":"1970-01-01T00:00:00"#), "{first}");
    turns(&shop, OrderStatus::Confirmed, &["OrderPlaced", "PaymentAuthorised", "OrderConfirmed"]);
    assert_eq!(rest(Body::from_stream(body)).await, ["2", "3"]);
    assert_eq!(rest(follow(&shop, "2", 1).await.into_body()).await, ["3"], "it is gone on with");
    assert!(rest(follow(&shop, "3", 1).await.into_body()).await.is_empty(), "all of it is known");
    assert_eq!(follow(&shop, "the last", 1).await.status(), 400);
    assert_eq!(follow(&shop, "0", 2).await.status(), 404, "somebody else's");
}
