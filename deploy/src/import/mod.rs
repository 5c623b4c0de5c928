//! Data of others, imported through the HTTP edge like anybody's requests.

pub mod northwind;
