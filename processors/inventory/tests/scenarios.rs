//! Inventory's scenarios: each rule, refusal, timer and repeat.

#[path = "scenarios/book.rs"]
mod book;
#[path = "scenarios/books.rs"]
mod books;
#[path = "scenarios/expiry.rs"]
mod expiry;
#[path = "scenarios/reservations.rs"]
mod reservations;
#[path = "scenarios/shelf.rs"]
mod shelf;
#[path = "scenarios/stock.rs"]
mod stock;
