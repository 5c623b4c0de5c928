//! The edge: turns HTTP requests into commands, waits for what is decided, and serves the views.
//!
//! It knows the contracts, the topics, and how to ask the runtime; of a capability's insides it knows nothing.
//! [`Edge`] is the way in; [`serve`] puts its routers behind a socket.
#![forbid(unsafe_code)]

mod app;
mod auth;
mod bodies;
mod body;
mod call;
mod catalogue;
mod client;
mod cursor;
mod edge;
mod idempotency;
mod ids;
mod if_match;
mod keys;
mod metrics;
mod positions;
mod problem;
mod quote;
mod recent;
mod replies;
mod reply;
mod routes;
mod secrets;
mod seldom;
mod serving;
mod shapes;
mod shop;
mod signed;
mod waiting;

pub use app::{EdgeConfig, EdgeError};
pub use auth::{Jwt, NoSigningKey, ThrottleConfig};
pub use edge::{AdministratorError, Edge};
pub use keys::{ADDRESS, EMAIL, Field, NAME, SHIPPING_ADDRESS};
pub use problem::Code;
pub use routes::document;
pub use secrets::{Secrets, SecretsError};
pub use serving::{Bounds, serve};
