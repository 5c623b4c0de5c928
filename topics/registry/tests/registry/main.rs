//! The embedded registry and the client of registries; what both implementations must do runs against an independent
//! one too, built by tests/registry/provision.sh at the root of the workspace.

mod client;
mod compatibility;
mod durability;
mod endpoints;
mod forgetful;
mod identity;
mod local;
mod stage;
