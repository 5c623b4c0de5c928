//! Questions across processes: workers say which tasks they have, edges ask them over HTTP.

mod announcer;
mod client;
mod members;
mod server;

pub use announcer::Announcer;
pub use client::Remote;
pub use members::{Members, Owner};
pub use server::router;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use tradewind_edge::Secrets;

/// Where questions are asked.
const PATH: &str = "/internal/query";

/// What an edge shows a worker, so that nobody else is answered. Derived, so that the shop's keys themselves never
/// travel.
pub fn password(secrets: &Secrets) -> String {
    // A key of any length will do for HMAC.
    let keyed = <Hmac<Sha256> as Mac>::new_from_slice(&secrets.edge_key);
    let mut mac = keyed.unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(b"questions to workers");
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
