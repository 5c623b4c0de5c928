//! The card gateway: a client for the part of Stripe's Payment Intents API that a manual capture needs.
//!
//! Every change goes out with an idempotency key, so the same call can be made again after a doubt: the gateway
//! carries it out once and repeats its answer. [`Outcome`] keeps apart what is known and what is not. The
//! [`executor`] makes the calls that payment intents ask for.

mod answer;
mod client;
mod config;
mod doubt;
pub mod executor;
mod outcome;

pub use client::{Authorisation, Call, Cancellation, Capture, Client, Refund};
pub use config::{Config, ConfigError};
pub use doubt::Doubt;
pub use executor::{Executor, ExecutorError};
pub use outcome::{Lookup, Outcome, Receipt};
