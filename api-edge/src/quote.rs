//! What an order's lines cost, by the catalogue as this edge knows it.

use std::collections::HashSet;

use tradewind_schemas::{Currency, Money, ProductId, Sku, discounted, order::OrderLine};

use crate::{
    catalogue::Shelf,
    problem::{Code, Problem},
    shapes::{
        order::{NewLine, PlaceOrder},
        product::MOST_PRICE,
        values::Checks,
    },
    shop::Shop,
};

const MOST_LINES: usize = 100;
const MOST_PIECES: i64 = 1_000_000;

/// What the catalogue says of a SKU.
struct Offer {
    product_id: ProductId,
    version: i64,
    price: Money,
}

/// The lines with their prices. Lines carry the product's version, so that the processor decides by what was shown.
///
/// # Errors
/// What is wrong with the lines; `NotCaughtUp` where this edge cannot tell whether a SKU exists.
pub async fn quote(shop: &Shop, order: &PlaceOrder) -> Result<Vec<OrderLine>, Problem> {
    check(order)?;
    let catalogue = shop.shown_catalogue().await?;
    catalogue.fresh_enough_to_quote(shop.config.stale_after)?;
    let offers = |shelf: &Shelf| order.lines.iter().map(|line| offer(shelf, line)).collect::<Vec<_>>();
    // Only what is missing makes the edge wait: a SKU published a moment ago is sold.
    let whole = catalogue.find(|shelf| {
        let found = offers(shelf);
        found.iter().all(Option::is_some).then_some(found)
    });
    let found = match whole.await? {
        Some(found) => found,
        None => catalogue.look(offers),
    };
    let mut checks = Checks::default();
    let mut lines = Vec::with_capacity(found.len());
    let mut currency = order.currency;
    for (i, (line, offer)) in order.lines.iter().zip(found).enumerate() {
        let Some(offer) = offer else {
            let detail =
                format!("no published product has the SKU {:?}", line.sku.chars().take(64).collect::<String>());
            checks.wrong(Code::UnknownSku, format!("/lines/{i}/sku"), "unknown_sku", detail);
            continue;
        };
        lines.extend(priced(&mut checks, &mut currency, i, line, &offer));
    }
    checks.done()?;
    let currency = currency.unwrap_or(Currency::EUR);
    let total = Money::sum(currency, lines.iter().map(|line| line.total))
        .map_err(|_| Problem::new(Code::AmountTooLarge, "The order's total is too large."))?;
    if total.amount == 0 {
        return Err(Problem::new(Code::InvalidAmount, "An order must come to more than 0."));
    }
    if let Some(expected) = order.expected_total.filter(|expected| expected.currency != currency) {
        let detail = format!("expected_total is in {}, the prices are in {currency}.", expected.currency);
        return Err(Problem::new(Code::CurrencyMismatch, detail.clone()).at(
            "/expected_total/currency",
            "mismatch",
            detail,
        ));
    }
    Ok(lines)
}

/// What can be said of the lines without the catalogue.
fn check(order: &PlaceOrder) -> Result<(), Problem> {
    let mut checks = Checks::default();
    checks.that((1..=MOST_LINES).contains(&order.lines.len()), "/lines", "length", "must be 1 to 100 lines");
    let mut seen = HashSet::new();
    for (i, line) in order.lines.iter().enumerate() {
        if !(1..=MOST_PIECES).contains(&line.quantity) {
            let detail = format!("must be 1 to {MOST_PIECES}, not {}", line.quantity);
            checks.wrong(Code::InvalidQuantity, format!("/lines/{i}/quantity"), "out_of_range", detail);
        }
        if !seen.insert(line.sku.as_str()) {
            let detail = "is there twice: one line per SKU";
            checks.wrong(Code::DuplicateSku, format!("/lines/{i}/sku"), "duplicate", detail);
        }
        if let Some(price) = line.unit_price {
            let fits = (0..=MOST_PRICE).contains(&price.amount);
            checks.that(fits, &format!("/lines/{i}/unit_price/amount"), "out_of_range", "is not a price");
        }
        let fits = line.discount_bp.is_none_or(|bp| (0..=10_000).contains(&bp));
        checks.that(fits, &format!("/lines/{i}/discount_bp"), "out_of_range", "must be 0 to 10000 basis points");
    }
    checks.done()
}

fn offer(shelf: &Shelf, line: &NewLine) -> Option<Offer> {
    // What cannot be a SKU is nobody's.
    let sku: Sku = line.sku.parse().ok()?;
    let product = shelf.on_sale(&sku)?;
    let price = product.variant(&sku)?.price;
    Some(Offer { product_id: product.id, version: product.version, price })
}

fn priced(
    checks: &mut Checks,
    currency: &mut Option<Currency>,
    i: usize,
    line: &NewLine,
    offer: &Offer,
) -> Option<OrderLine> {
    let unit_price = line.unit_price.unwrap_or(offer.price);
    let agreed = *currency.get_or_insert(unit_price.currency);
    if unit_price.currency != agreed {
        let detail = format!("its price is in {}, the order in {agreed}", unit_price.currency);
        checks.wrong(Code::CurrencyMismatch, format!("/lines/{i}/sku"), "mismatch", detail);
        return None;
    }
    let discount_bp = line.discount_bp.unwrap_or(0);
    // The line before its discount must fit, too: it is shown.
    let total = unit_price.times(line.quantity).and_then(|_| discounted(unit_price, line.quantity, discount_bp));
    match (total, line.sku.parse()) {
        (Ok(total), Ok(sku)) => Some(OrderLine {
            id: i as i32 + 1,
            sku,
            quantity: line.quantity,
            unit_price,
            discount_bp,
            total,
            product_id: offer.product_id,
            product_version: offer.version,
        }),
        _ => {
            let detail = "quantity × price is too large";
            checks.wrong(Code::AmountTooLarge, format!("/lines/{i}/quantity"), "too_large", detail);
            None
        }
    }
}
