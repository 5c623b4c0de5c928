//! How long each step of an order may take.

use std::time::Duration;

/// They go into the events of an order as points in time: other settings hold for orders placed from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// How long inventory has to answer.
    pub stock: Duration,
    /// How long a payment may take to be authorised.
    pub payment: Duration,
    /// How long stock is held, from the placing on. Where it is shorter than the other two together, a payment may be
    /// authorised for stock that is not held any more; the order is rejected then, and the payment voided.
    pub reservation: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            stock: Duration::from_secs(30),
            payment: Duration::from_secs(10 * 60),
            reservation: Duration::from_secs(15 * 60),
        }
    }
}
