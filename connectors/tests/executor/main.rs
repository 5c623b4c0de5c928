//! The executor between a real log and the sandbox gateway: what is called, what is reported, and what is left after
//! a crash.

mod crashes;
mod flow;
#[path = "../harness/mod.rs"]
mod harness;
mod intent;
mod stage;
