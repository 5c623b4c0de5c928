//! What clients send and get, as the contract says it.

pub mod address;
pub mod order;
pub mod payment;
pub mod product;
pub mod session;
pub mod stock;
pub mod user;
pub mod values;
