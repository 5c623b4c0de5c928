//! What the binary offers beside running the platform: proofs and views of its topics, for tests and the admin port too.

pub mod audit;
pub mod import;
pub mod tap;
