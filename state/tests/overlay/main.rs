//! A task's layers above its backend.

mod flushing;
mod layers;
mod random;
mod readers;
mod task;
