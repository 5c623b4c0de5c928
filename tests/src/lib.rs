//! What the tests across the whole share: brokers, processes, clients.

pub mod broker;
