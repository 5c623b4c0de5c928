//! What a newcomer reads when everything is up.

use std::net::SocketAddr;

use crate::{
    administrator::Administrator,
    config::Origins,
    demo::{CUSTOMER_EMAIL, CUSTOMER_PASSWORD, Demo},
};

pub fn print(
    edge: SocketAddr,
    admin: SocketAddr,
    administrator: &Administrator,
    origins: &Origins,
    demo: Option<&Demo>,
) {
    println!("\nTradewind is up.\n");
    println!("  shop        http://{edge}/v1        reference: http://{edge}/docs");
    println!("  operations  http://{admin}/metrics  /livez  /readyz");
    println!("  registry    http://{admin}/registry");
    let Administrator { email, password, is_demo } = administrator;
    match is_demo {
        true => println!("\n  administrator  {email}  {password}  (the demo's)"),
        false => println!("\n  administrator  {email}  ({})", origins.of("admin_email")),
    }
    let Some(Demo { sku }) = demo else { return };
    println!("  customer       {CUSTOMER_EMAIL}  {CUSTOMER_PASSWORD}");
    println!("\nTry, in another terminal:\n");
    println!("  curl -s http://{edge}/v1/products");
    println!(
        "  TOKEN=$(curl -s http://{edge}/v1/sessions -H 'Content-Type: application/json' -d '{{\"email\":\"{CUSTOMER_EMAIL}\",\"password\":\"{CUSTOMER_PASSWORD}\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')"
    );
    println!(
        "  curl -s http://{edge}/v1/orders -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s%N)\" -d '{{\"lines\":[{{\"sku\":\"{sku}\",\"quantity\":1}}],\"shipping_address\":{{\"name\":\"Ada\",\"line1\":\"1 Quay\",\"city\":\"Hamburg\",\"postal_code\":\"20457\",\"country\":\"DE\"}},\"payment_method\":{{\"type\":\"card\",\"token\":\"tok_visa\"}}}}'\n"
    );
}
