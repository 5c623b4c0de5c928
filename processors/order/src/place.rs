//! Placing an order: everything that an edge has checked is checked again, as commands can come from anywhere.

use std::collections::BTreeSet;

use tradewind_runtime::Context;
use tradewind_schemas::{
    Address, CustomerId, Money, MoneyError, OrderId, PaymentId, Rejection, Sealed, Timestamp, discounted,
    order::{OrderCommand, OrderEvent, OrderLine},
    payment::PaymentMethod,
};

use crate::Deadlines;

const MOST_LINES: usize = 100;
const MOST_OF_A_LINE: i64 = 1_000_000;
/// In bytes.
const LONGEST_TOKEN: usize = 255;

/// Decides a `PlaceOrder` for an order that is not known.
pub fn place(
    command: &OrderCommand,
    deadlines: &Deadlines,
    context: &Context<'_>,
) -> Result<Vec<OrderEvent>, Rejection> {
    let OrderCommand::PlaceOrder {
        customer_id,
        lines,
        expected_total,
        ship_country,
        shipping_address,
        payment_method,
        placed_at,
    } = command
    else {
        return Ok(Vec::new());
    };
    let order_id: OrderId =
        context.key.parse().map_err(|_| Rejection::new("invalid_order_id", "an order's key is its id"))?;
    may_place(*customer_id, lines, *placed_at, context)?;
    let grand_total = total_of(lines)?;
    if let Some(expected) = expected_total
        && *expected != grand_total
    {
        let now = format!("the total is {} {} now", grand_total.amount, grand_total.currency);
        return Err(Rejection::new("price_changed", now));
    }
    deliverable(ship_country, shipping_address)?;
    payable(payment_method)?;
    Ok(vec![OrderEvent::OrderPlaced {
        customer_id: *customer_id,
        lines: lines.clone(),
        grand_total,
        ship_country: ship_country.clone(),
        shipping_address: shipping_address.clone(),
        payment_id: PaymentId::derived(order_id.uuid(), "payment"),
        payment_method: payment_method.clone(),
        placed_at: placed_at.unwrap_or(context.at),
        reserve_until: context.at + deadlines.reservation,
        stock_deadline: context.at + deadlines.stock,
    }])
}

/// Customers place for themselves; who has `orders:override`, for anyone, in the past, and at a discount.
fn may_place(
    customer_id: CustomerId,
    lines: &[OrderLine],
    placed_at: Option<Timestamp>,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    let actor = context.actor;
    let overridden = placed_at.is_some() || lines.iter().any(|line| line.discount_bp != 0);
    if !actor.is_staff() && (actor.user_id != Some(customer_id) || overridden) {
        return Err(Rejection::new("forbidden", "only staff place orders for others, in the past, or at a discount"));
    }
    match placed_at {
        Some(past) if past > context.at || past.millis() < 0 => {
            Err(Rejection::new("invalid_placed_at", "an order was placed between 1970 and now"))
        }
        _ => Ok(()),
    }
}

/// The sum of the lines, each of which must be what its quantity, price and discount come to.
fn total_of(lines: &[OrderLine]) -> Result<Money, Rejection> {
    let Some(currency) = lines.first().map(|line| line.unit_price.currency).filter(|_| lines.len() <= MOST_LINES)
    else {
        return Err(Rejection::new("invalid_lines", format!("an order has 1 to {MOST_LINES} lines")));
    };
    let mut skus = BTreeSet::new();
    for (number, line) in lines.iter().enumerate() {
        let at = |field: &str, code: &str, detail: String| {
            let rejection = Rejection::new(code, detail.clone());
            Err(rejection.at(format!("/lines/{number}/{field}"), code, detail))
        };
        if usize::try_from(line.id) != Ok(number + 1) {
            return at("id", "invalid_lines", "lines are numbered from 1".to_owned());
        }
        if !skus.insert(&line.sku) {
            return at("sku", "duplicate_sku", format!("{} is there twice", line.sku));
        }
        if !(1..=MOST_OF_A_LINE).contains(&line.quantity) {
            return at("quantity", "invalid_quantity", format!("a quantity is 1 to {MOST_OF_A_LINE}"));
        }
        if line.unit_price.amount < 0 || line.total.currency != currency || line.unit_price.currency != currency {
            return at("unit_price", "invalid_amount", format!("a price is 0 or more, in {currency}"));
        }
        match discounted(line.unit_price, line.quantity, line.discount_bp) {
            Ok(total) if total == line.total => {}
            Ok(total) => return at("total", "invalid_amount", format!("it comes to {}", total.amount)),
            Err(MoneyError::Discount) => {
                return at("discount_bp", "invalid_discount", MoneyError::Discount.to_string());
            }
            Err(error) => return at("total", "amount_too_large", error.to_string()),
        }
    }
    let total = Money::sum(currency, lines.iter().map(|line| line.total))
        .map_err(|error| Rejection::new("amount_too_large", error.to_string()))?;
    if total.amount == 0 {
        // Nothing can be authorised at a gateway for nothing, and no order ends without its payment.
        return Err(Rejection::new("invalid_amount", "an order must come to more than 0"));
    }
    Ok(total)
}

fn deliverable(ship_country: &str, shipping_address: &Sealed) -> Result<(), Rejection> {
    if ship_country.len() != 2 || !ship_country.bytes().all(|letter| letter.is_ascii_uppercase()) {
        return Err(Rejection::new("invalid_country", "a country is two capital letters of ISO 3166, such as DE"));
    }
    let Sealed { key_id, nonce, bytes } = shipping_address;
    if bytes.len() > Address::LONGEST_SEALED || key_id.len() > LONGEST_TOKEN || nonce.len() > LONGEST_TOKEN {
        return Err(Rejection::new("invalid_address", "the address is too long"));
    }
    Ok(())
}

fn payable(method: &PaymentMethod) -> Result<(), Rejection> {
    let sane = |text: &str| (1..=LONGEST_TOKEN).contains(&text.len());
    if method.kind != "card" || !sane(&method.token) {
        return Err(Rejection::new("invalid_payment_method", "a payment method is a card, by its token"));
    }
    Ok(())
}
