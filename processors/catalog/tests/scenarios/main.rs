//! Catalog in given, when, then.

mod categories;
mod changes;
mod claims;
mod creation;
mod story;
