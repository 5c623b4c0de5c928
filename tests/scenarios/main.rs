//! The acceptance scenarios: a running shop, seen from outside.

mod bad_input;
mod configuration;
mod crashes;
mod decline;
mod duplicates;
mod flash_sale;
mod northwind;
mod slow_authorisation;
