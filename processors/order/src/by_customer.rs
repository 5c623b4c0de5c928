//! The second stage: the orders of each customer.

use tradewind_runtime::{Context, Fold, Views};
use tradewind_schemas::{
    CustomerId,
    order::{CustomerOrder, ORDERS_OF_CUSTOMER},
};
use tradewind_topics::{Topic, list};

pub struct OrdersByCustomer;

impl Fold for OrdersByCustomer {
    type Key = CustomerId;
    type Record = CustomerOrder;

    const STAGE: &'static str = "order.by-customer";
    const SOURCE: Topic<CustomerId, CustomerOrder> = list::ORDER_BY_CUSTOMER;

    fn fold(record: &CustomerOrder, _: &Context<'_>, views: &mut Views<'_>) {
        let CustomerOrder::Listed { order_id, placed_at, status } = record;
        views.put(ORDERS_OF_CUSTOMER, &(*placed_at, *order_id), status);
    }
}
