//! The contract of the log, held against each implementation, and what only the embedded one promises.

mod embedded;
mod kafka;
mod suite;
