//! Restores and standbys: in little memory however long the changelog is, going on where they were cut off, and without
//! holding up the tasks that run. Being fenced.

mod ailing;
mod fenced;
mod gap;
mod gated;
mod hooked;
mod keeping;
mod memory;
mod positions;
mod running;
mod side_by_side;
mod standby;
