//! A task's layers above its backend.

mod layers;
mod random;
mod readers;
