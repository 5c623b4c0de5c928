//! Everything in one process, on Kafka: it takes orders, stops when it is told to, and goes on where it was.

use tradewind_tests::{client::order, shop::Shop};

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    let mut shop = Shop::in_one_process_on_kafka().await;
    shop.sell("LAMP", 4900, 2).await;
    let customer = shop.customers(1).await.remove(0);
    let first = customer.place("first", &order("LAMP", 1, "tok_visa")).await.expect(201);
    assert_eq!(first["status"], "confirmed");

    shop.process("up").stop_in_good_order();
    shop.process("up").restart();
    shop.ready().await;

    let again = customer.place("first", &order("LAMP", 1, "tok_visa")).await;
    assert!(again.is_replay());
    assert_eq!(again.expect(201)["id"], first["id"]);
    customer.place("second", &order("LAMP", 1, "tok_visa")).await.expect(201);
    let late = customer.place("third", &order("LAMP", 1, "tok_visa")).await;
    assert_eq!((late.status, late.code()), (409, "out_of_stock"));
    assert_eq!(shop.stock("LAMP").await, (2, 0, 2));
    assert_eq!(shop.close().charges("succeeded"), 2);
}
