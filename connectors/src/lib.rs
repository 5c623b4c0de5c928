//! What carries Tradewind's intents to the systems outside of it.
//!
//! - [`stripe`]: the client of a card gateway that speaks Stripe's Payment Intents API.
//! - [`sandbox`]: such a gateway, durable, for demonstrations and tests. It is spoken to over HTTP only,
//!   by the same client as the real one.
#![forbid(unsafe_code)]

pub mod sandbox;
pub mod stripe;
