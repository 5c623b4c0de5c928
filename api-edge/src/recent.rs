//! Orders that this edge took and did not see decided: their customers find them in their lists all the same.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tradewind_schemas::{CustomerId, OrderId};

/// By then every order is in its customer's list, or the token that its 202 carried says otherwise.
const KEPT: Duration = Duration::from_secs(120);
const MOST_PER_CUSTOMER: usize = 1000;

#[derive(Default)]
pub struct Recent(Mutex<HashMap<CustomerId, VecDeque<(OrderId, Instant)>>>);

impl Recent {
    pub fn add(&self, customer: CustomerId, order: OrderId, now: Instant) {
        let mut customers = self.0.lock();
        let orders = customers.entry(customer).or_default();
        orders.push_back((order, now));
        if orders.len() > MOST_PER_CUSTOMER {
            orders.pop_front();
        }
        customers.retain(|_, orders| {
            orders.retain(|(_, at)| now.saturating_duration_since(*at) < KEPT);
            !orders.is_empty()
        });
    }

    pub fn of(&self, customer: CustomerId) -> Vec<OrderId> {
        self.0.lock().get(&customer).map(|orders| orders.iter().map(|(order, _)| *order).collect()).unwrap_or_default()
    }

    /// They are in the list.
    pub fn listed(&self, customer: CustomerId, listed: &[OrderId]) {
        if let Some(orders) = self.0.lock().get_mut(&customer) {
            orders.retain(|(order, _)| !listed.contains(order));
        }
    }
}
