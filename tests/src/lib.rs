//! What the tests across the whole share: brokers, registries, processes, shops and their clients.

pub mod broker;
pub mod client;
pub mod cluster;
pub mod pace;
pub mod ports;
pub mod process;
pub mod registry;
pub mod shop;
