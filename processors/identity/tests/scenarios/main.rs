//! Identity in given, when, then.

mod addresses;
mod claims;
mod passwords;
mod profile;
mod refreshing;
mod registration;
mod sessions;
mod story;
