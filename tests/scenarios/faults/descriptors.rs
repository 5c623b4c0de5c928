//! No file descriptors left: connections wait, and when there are some again, everything goes on.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use tradewind_tests::{client::order, shop::Shop};

const NOTICED_WITHIN: Duration = Duration::from_secs(60);
const SPARE: usize = 8;
const CONNECTIONS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn that_run_out_for_connections() {
    let mut shop = Shop::embedded().await;
    shop.sell("LAMP", 4900, 10).await;
    let customer = shop.customers(1).await.remove(0);
    let address = shop.edge.trim_start_matches("http://").to_owned();
    shop.process("up").limit_descriptors(SPARE);
    let connect = || TcpStream::connect(&address).expect("the kernel takes it");
    let held: Vec<_> = (0..CONNECTIONS).map(|_| connect()).collect();
    let deadline = Instant::now() + NOTICED_WITHIN;
    while !shop.process("up").said().contains("a connection was not accepted") {
        assert!(Instant::now() < deadline, "it took all: {}", shop.process("up").tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(held);
    for number in 0..3 {
        customer.place(&format!("after-{number}"), &order("LAMP", 1, "tok_visa")).await.expect(201);
    }
    shop.stock_becomes("LAMP", (10, 0, 3)).await;
    assert_eq!(shop.close().charges("succeeded"), 3);
}
