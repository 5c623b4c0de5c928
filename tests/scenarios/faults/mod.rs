//! What operators meet: state, topics, offsets, disks and records that are not as they should be. Nothing is lost, and
//! whoever refuses to go on says what to do.

mod descriptors;
mod full_disk;
mod offsets;
mod operator;
mod records;
mod registry_down;
mod stopping;
