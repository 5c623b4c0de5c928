//! Products and categories.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tradewind_schemas::{
    CategoryId, Money, ProductId, Sku,
    catalog::{self, ProductDetails, ProductStatus},
};
use utoipa::ToSchema;

use super::values::{Checks, Moment, MoneyDoc};
use crate::{
    ids,
    problem::{Code, Problem},
};

/// In minor units, as in the catalogue.
pub const MOST_PRICE: i64 = 99_999_999;
const MOST_VARIANTS: usize = 100;
const MOST_CATEGORIES: usize = 20;
const MOST_ATTRIBUTES: usize = 16 * 1024;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    #[schema(example = "Cup")]
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default, deserialize_with = "ids::many")]
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub categories: Vec<CategoryId>,
    /// Free-form.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    pub variants: Vec<NewVariant>,
    #[serde(default)]
    pub status: NewStatus,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVariant {
    /// 1 to 64 letters, digits, `-`, `_` or `.`; not `.` or `..`.
    #[schema(example = "CUP-1")]
    pub sku: String,
    #[schema(value_type = MoneyDoc)]
    pub price: Money,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewStatus {
    Draft,
    #[default]
    Published,
}

impl NewProduct {
    /// What a merchant says of it, if all of it can be.
    pub fn details(&self) -> Result<ProductDetails, Problem> {
        let mut checks = Checks::default();
        check_name(&mut checks, &self.name);
        check_description(&mut checks, &self.description);
        check_categories(&mut checks, &self.categories);
        let attributes = check_attributes(&mut checks, &self.attributes);
        let fits = (1..=MOST_VARIANTS).contains(&self.variants.len());
        checks.that(fits, "/variants", "length", "must be 1 to 100 variants");
        let mut variants = Vec::with_capacity(self.variants.len());
        let mut seen = HashSet::new();
        for (i, variant) in self.variants.iter().enumerate() {
            let pointer = format!("/variants/{i}/sku");
            let price = format!("/variants/{i}/price");
            check_price(&mut checks, &price, variant.price);
            if variant.price.currency != self.variants[0].price.currency {
                let detail = "the prices of a product are in one currency";
                checks.wrong(Code::CurrencyMismatch, format!("{price}/currency"), "mismatch", detail);
            }
            match variant.sku.parse::<Sku>() {
                // Clients take these for the way to another resource.
                Ok(sku) if matches!(sku.as_str(), "." | "..") => {
                    checks.that(false, &pointer, "invalid", "cannot be part of a path");
                }
                Err(why) => checks.that(false, &pointer, "invalid", &why.to_string()),
                Ok(sku) if !seen.insert(sku.clone()) => {
                    checks.wrong(Code::DuplicateSku, pointer, "duplicate", format!("{sku} is there twice"));
                }
                Ok(sku) => variants.push(catalog::Variant { sku, price: variant.price }),
            }
        }
        checks.done()?;
        let (name, description) = (self.name.clone(), self.description.clone());
        Ok(ProductDetails { name, description, categories: self.categories.clone(), attributes, variants })
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductChange {
    pub name: Option<String>,
    pub description: Option<String>,
    #[serde(default, deserialize_with = "ids::optionally_many")]
    #[schema(value_type = Option<Vec<uuid::Uuid>>)]
    pub categories: Option<Vec<CategoryId>>,
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<Map<String, Value>>,
    /// `published` puts a draft on sale.
    pub status: Option<Published>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Published {
    Published,
}

impl ProductChange {
    /// The attributes as text, if everything can be.
    pub fn check(&self) -> Result<Option<String>, Problem> {
        let mut checks = Checks::default();
        self.name.iter().for_each(|name| check_name(&mut checks, name));
        self.description.iter().for_each(|text| check_description(&mut checks, text));
        self.categories.iter().for_each(|ids| check_categories(&mut checks, ids));
        let attributes = self.attributes.as_ref().map(|attributes| check_attributes(&mut checks, attributes));
        let revises =
            self.name.is_some() || self.description.is_some() || self.categories.is_some() || attributes.is_some();
        checks.that(revises || self.status.is_some(), "", "empty", "must change something");
        checks.done().map(|()| attributes)
    }

    pub fn revises(&self) -> bool {
        self.name.is_some() || self.description.is_some() || self.categories.is_some() || self.attributes.is_some()
    }
}

fn check_name(checks: &mut Checks, name: &str) {
    checks.text(name, "/name", 1, 200);
}

fn check_description(checks: &mut Checks, text: &str) {
    checks.text(text, "/description", 0, 10_000);
}

fn check_categories(checks: &mut Checks, ids: &[CategoryId]) {
    checks.that(ids.len() <= MOST_CATEGORIES, "/categories", "length", "must be 20 at most");
    let distinct = ids.iter().collect::<HashSet<_>>().len() == ids.len();
    checks.that(distinct, "/categories", "duplicate", "names a category twice");
}

fn check_attributes(checks: &mut Checks, attributes: &Map<String, Value>) -> String {
    let text = Value::Object(attributes.clone()).to_string();
    checks.that(text.len() <= MOST_ATTRIBUTES, "/attributes", "length", "must be 16 KiB of JSON at most");
    text
}

pub fn check_price(checks: &mut Checks, pointer: &str, price: Money) {
    let fits = (0..=MOST_PRICE).contains(&price.amount);
    checks.that(fits, &format!("{pointer}/amount"), "out_of_range", &format!("must be 0 to {MOST_PRICE}"));
}

#[derive(Serialize, ToSchema)]
pub struct Product {
    #[schema(value_type = uuid::Uuid)]
    pub id: ProductId,
    /// Counts its changes, from 1.
    pub version: i64,
    /// `draft`, `published`, `archived`.
    #[schema(value_type = String)]
    pub status: ProductStatus,
    pub name: String,
    pub description: String,
    #[schema(value_type = Vec<uuid::Uuid>)]
    pub categories: Vec<CategoryId>,
    #[schema(value_type = Object)]
    pub attributes: Value,
    pub variants: Vec<Variant>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Moment,
}

#[derive(Serialize, ToSchema)]
pub struct Variant {
    #[schema(value_type = String)]
    pub sku: Sku,
    #[schema(value_type = MoneyDoc)]
    pub price: Money,
}

impl From<catalog::Product> for Product {
    fn from(product: catalog::Product) -> Self {
        let catalog::Product { id, version, status, details, created_at, updated_at } = product;
        let ProductDetails { name, description, categories, attributes, variants } = details;
        // Only objects were ever let in.
        let attributes = serde_json::from_str(&attributes).unwrap_or(Value::Object(Map::new()));
        let variants = variants.into_iter().map(|v| Variant { sku: v.sku, price: v.price }).collect();
        let (created_at, updated_at) = (Moment(created_at), Moment(updated_at));
        Self { id, version, status, name, description, categories, attributes, variants, created_at, updated_at }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCategory {
    #[schema(example = "Beverages")]
    pub name: String,
    #[serde(default, deserialize_with = "ids::optional")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub parent_id: Option<CategoryId>,
}

impl NewCategory {
    pub fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        checks.text(&self.name, "/name", 1, 200);
        checks.done()
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryChange {
    pub name: Option<String>,
    /// Where it belongs from now on; null: nowhere.
    #[serde(default, deserialize_with = "ids::absent_or_null")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub parent_id: Option<Option<CategoryId>>,
}

impl CategoryChange {
    pub fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        self.name.iter().for_each(|name| checks.text(name, "/name", 1, 200));
        let changes = self.name.is_some() || self.parent_id.is_some();
        checks.that(changes, "", "empty", "must change something");
        checks.done()
    }
}

#[derive(Serialize, ToSchema)]
pub struct Category {
    #[schema(value_type = uuid::Uuid)]
    pub id: CategoryId,
    pub name: String,
    #[schema(value_type = Option<uuid::Uuid>)]
    pub parent_id: Option<CategoryId>,
}

impl From<catalog::Category> for Category {
    fn from(category: catalog::Category) -> Self {
        let catalog::Category { id, name, parent_id } = category;
        Self { id, name, parent_id }
    }
}
