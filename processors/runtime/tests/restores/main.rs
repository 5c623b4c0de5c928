//! Restores and standbys: in little memory however long the changelog is, going on where they were cut off, and without holding up
//! the tasks that run.

mod ailing;
mod gap;
mod gated;
mod keeping;
mod memory;
mod running;
mod side_by_side;
mod standby;
