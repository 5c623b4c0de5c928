//! Questions across processes: workers say which tasks they have, edges ask them over HTTP.

mod client;
mod members;
mod server;

pub use client::Remote;
pub use members::Announcer;
pub use server::router;

use tradewind_edge::Secrets;

/// Where questions are asked.
const PATH: &str = "/internal/query";

/// What an edge shows a worker, so that nobody else is answered. Derived, so that the shop's keys themselves never
/// travel.
pub fn password(secrets: &Secrets) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::from_bytes([0x71; 16]), &secrets.edge_key).to_string()
}
