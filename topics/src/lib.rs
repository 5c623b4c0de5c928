//! The topics of the platform, and the log that carries them.

mod copies;
pub mod embedded;
pub mod kafka;
pub mod list;
mod log;
mod murmur2;

pub use copies::Copies;
pub use list::Topic;
pub use log::*;
pub use murmur2::partition_of;
