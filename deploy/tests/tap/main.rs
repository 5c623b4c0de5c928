//! Taps of an embedded log: what they show, where they begin and end, and over HTTP.

mod over_http;
mod shop;
mod showing;
