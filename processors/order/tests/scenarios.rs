//! Order's scenarios, in business words.

#[path = "scenarios/cancellation.rs"]
mod cancellation;
#[path = "scenarios/placing.rs"]
mod placing;
#[path = "scenarios/saga.rs"]
mod saga;
#[path = "scenarios/shop.rs"]
mod shop;
