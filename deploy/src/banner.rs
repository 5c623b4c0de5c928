//! What a newcomer reads when everything is up.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

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
    // Where standard output cannot be written, the shop is up all the same.
    let _ = write(&mut io::stdout().lock(), edge, admin, administrator, origins, demo);
}

fn write(
    to: &mut impl Write,
    edge: SocketAddr,
    admin: SocketAddr,
    administrator: &Administrator,
    origins: &Origins,
    demo: Option<&Demo>,
) -> io::Result<()> {
    writeln!(to, "\nTradewind is up.\n")?;
    writeln!(to, "  shop        http://{edge}/v1        reference: http://{edge}/docs")?;
    writeln!(to, "  operations  http://{admin}/metrics  /livez  /readyz")?;
    writeln!(to, "  registry    http://{admin}/registry")?;
    let Administrator { email, password, is_demo } = administrator;
    match is_demo {
        true => writeln!(to, "\n  administrator  {email}  {password}  (the demo's)")?,
        false => writeln!(to, "\n  administrator  {email}  ({})", origins.of("admin_email"))?,
    }
    let Some(Demo { sku }) = demo else { return Ok(()) };
    writeln!(to, "  customer       {CUSTOMER_EMAIL}  {CUSTOMER_PASSWORD}")?;
    writeln!(to, "\nTry, in another terminal:\n")?;
    writeln!(to, "  curl -s http://{edge}/v1/products")?;
    writeln!(
        to,
        "  TOKEN=$(curl -s http://{edge}/v1/sessions -H 'Content-Type: application/json' -d '{{\"email\":\"{CUSTOMER_EMAIL}\",\"password\":\"{CUSTOMER_PASSWORD}\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')"
    )?;
    writeln!(
        to,
        "  curl -s http://{edge}/v1/orders -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s%N)\" -d '{{\"lines\":[{{\"sku\":\"{sku}\",\"quantity\":1}}],\"shipping_address\":{{\"name\":\"Ada\",\"line1\":\"1 Quay\",\"city\":\"Hamburg\",\"postal_code\":\"20457\",\"country\":\"DE\"}},\"payment_method\":{{\"type\":\"card\",\"token\":\"tok_visa\"}}}}'\n"
    )?;
    Ok(())
}
