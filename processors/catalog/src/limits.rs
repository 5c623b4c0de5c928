//! What a product or category may be. An edge checks the same before it sends a command; this is what holds.

use std::collections::HashSet;

use tradewind_schemas::{CategoryId, Currency, Money, Rejection, catalog::Variant};

/// Characters.
const NAME: usize = 200;
/// Characters.
const DESCRIPTION: usize = 10_000;
const CATEGORIES: usize = 20;
/// Bytes of JSON. The edge also checks that it is an object, and how deep it is.
const ATTRIBUTES: usize = 16 * 1024;
const VARIANTS: usize = 100;
/// Minor units.
const PRICE: i64 = 99_999_999;

/// Collects what is wrong with a command's fields.
pub struct Limits {
    rejection: Rejection,
}

impl Limits {
    /// `code` is the rejection's.
    pub fn of(code: &str) -> Self {
        Self { rejection: Rejection::new(code, "some fields are outside of their limits") }
    }

    pub fn check(self) -> Result<(), Rejection> {
        if self.rejection.errors.is_empty() { Ok(()) } else { Err(self.rejection) }
    }

    pub fn name(self, name: &str) -> Self {
        let fits = !name.trim().is_empty() && name.chars().count() <= NAME;
        self.require(fits, "/name", "length", format!("a name has 1 to {NAME} characters"))
    }

    pub fn description(self, description: &str) -> Self {
        let fits = description.chars().count() <= DESCRIPTION;
        self.require(fits, "/description", "length", format!("a description has at most {DESCRIPTION} characters"))
    }

    pub fn categories(self, categories: &[CategoryId]) -> Self {
        let distinct = categories.iter().collect::<HashSet<_>>().len() == categories.len();
        self.require(categories.len() <= CATEGORIES, "/categories", "count", format!("at most {CATEGORIES} categories"))
            .require(distinct, "/categories", "duplicate", "a category is named twice")
    }

    pub fn attributes(self, attributes: &str) -> Self {
        let fits = attributes.len() <= ATTRIBUTES;
        self.require(fits, "/attributes", "length", format!("attributes have at most {ATTRIBUTES} bytes of JSON"))
    }

    pub fn variants(mut self, variants: &[Variant]) -> Self {
        let fits = (1..=VARIANTS).contains(&variants.len());
        self = self.require(fits, "/variants", "count", format!("a product has 1 to {VARIANTS} variants"));
        let mut seen = HashSet::new();
        let currency = variants.first().map(|variant| variant.price.currency);
        for (index, variant) in variants.iter().take(VARIANTS).enumerate() {
            let distinct = seen.insert(&variant.sku);
            let sku = format!("/variants/{index}/sku");
            self = self.require(distinct, &sku, "duplicate", format!("{} is there twice", variant.sku)).price(
                &format!("/variants/{index}/price"),
                variant.price,
                currency,
            );
        }
        self
    }

    pub fn price(self, pointer: &str, price: Money, currency: Option<Currency>) -> Self {
        let fits = (0..=PRICE).contains(&price.amount);
        let same = currency.is_none_or(|currency| currency == price.currency);
        self.require(fits, &format!("{pointer}/amount"), "range", format!("a price is 0 to {PRICE} minor units"))
            .require(same, &format!("{pointer}/currency"), "currency", "a product's prices share one currency")
    }

    fn require(self, holds: bool, pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        if holds { self } else { Self { rejection: self.rejection.at(pointer, code, detail) } }
    }
}
