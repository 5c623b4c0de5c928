//! The acceptance scenarios: a running shop, seen from outside.

mod addresses;
mod audit;
mod bad_input;
mod bad_values;
mod configuration;
mod crashes;
mod decline;
mod directory;
mod duplicates;
mod faults;
mod flash_sale;
mod moving;
mod northwind;
mod one_process;
mod roles;
mod slow_authorisation;
mod standbys;
mod tap;
mod workers;
