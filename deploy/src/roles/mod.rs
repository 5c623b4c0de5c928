//! The roles a process can have.

pub mod connector;
pub mod http;
pub mod sandbox;
pub mod up;
pub mod workers;
