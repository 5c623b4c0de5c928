//! Catalog: products with their variants, categories, and who owns a SKU.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::{CategoryId, Key, Money, ProductId, Sku, Timestamp, View};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.catalog")]
#[serde(rename_all = "snake_case")]
pub enum ProductStatus {
    Draft,
    Published,
    Archived,
}

/// What is bought: one SKU at one price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.catalog")]
#[serde(deny_unknown_fields)]
pub struct Variant {
    pub sku: Sku,
    pub price: Money,
}

/// What a merchant says of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.catalog")]
pub struct ProductDetails {
    pub name: String,
    pub description: String,
    pub categories: Vec<CategoryId>,
    /// A JSON object, as text: attributes are free-form. At most 16 KiB, and 8 levels deep.
    pub attributes: String,
    pub variants: Vec<Variant>,
}

/// What a record of catalog is about: products, categories and SKU claims share its topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogKey {
    Product(ProductId),
    Category(CategoryId),
    Sku(Sku),
}

impl Key for CatalogKey {
    fn text(&self) -> String {
        match self {
            Self::Product(id) => id.text(),
            Self::Category(id) => id.text(),
            Self::Sku(sku) => sku.text(),
        }
    }
}

impl From<ProductId> for CatalogKey {
    fn from(id: ProductId) -> Self {
        Self::Product(id)
    }
}
impl From<CategoryId> for CatalogKey {
    fn from(id: CategoryId) -> Self {
        Self::Category(id)
    }
}
impl From<Sku> for CatalogKey {
    fn from(sku: Sku) -> Self {
        Self::Sku(sku)
    }
}

/// Keyed by product id, by category id (`DefineCategory`) or by SKU (`ClaimSku`, `ReleaseSku`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.catalog", repr = "bare_union")]
pub enum CatalogCommand {
    /// Settled once every SKU is claimed.
    CreateProduct {
        product_id: ProductId,
        details: ProductDetails,
        publish: bool,
    },
    /// Changes what is given; `version` is the one that the merchant saw, if they said.
    ReviseProduct {
        version: Option<i64>,
        name: Option<String>,
        description: Option<String>,
        categories: Option<Vec<CategoryId>>,
        attributes: Option<String>,
    },
    SetPrice {
        sku: Sku,
        price: Money,
        version: Option<i64>,
    },
    PublishProduct {},
    ArchiveProduct {},
    DefineCategory {
        category_id: CategoryId,
        name: String,
        parent_id: Option<CategoryId>,
    },
    ClaimSku {
        product_id: ProductId,
    },
    ReleaseSku {
        product_id: ProductId,
    },
    /// The answers to `ClaimSku`, keyed by product id.
    SkuClaimed {
        sku: Sku,
    },
    SkuClaimRefused {
        sku: Sku,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.catalog", repr = "bare_union")]
pub enum CatalogEvent {
    /// The product exists once all its SKUs are its own.
    ProductProposed {
        product_id: ProductId,
        details: ProductDetails,
        publish: bool,
    },
    SkuSecured {
        sku: Sku,
    },
    /// Another product has it.
    SkuUnavailable {
        sku: Sku,
    },
    ProductCreated {
        product: Product,
    },
    /// Every SKU was answered: some belong to others, and those it got are given back.
    ProductRefused {
        product_id: ProductId,
        taken: Vec<Sku>,
        given_back: Vec<Sku>,
    },
    /// A claim came through for a product that was refused: it is given back.
    SkuUnneeded {
        product_id: ProductId,
        sku: Sku,
    },
    ProductRevised {
        product: Product,
    },
    PriceSet {
        sku: Sku,
        product: Product,
    },
    ProductPublished {
        product: Product,
    },
    ProductArchived {
        product: Product,
    },
    CategoryDefined {
        category: Category,
    },
    SkuClaimGranted {
        sku: Sku,
        product_id: ProductId,
    },
    SkuClaimDenied {
        sku: Sku,
        product_id: ProductId,
    },
    SkuReleased {
        sku: Sku,
        product_id: ProductId,
    },
}

/// A product as it is now: a view, and a record of the compacted table `catalog.products`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.catalog")]
pub struct Product {
    pub id: ProductId,
    /// Counts its changes, from 1.
    pub version: i64,
    pub status: ProductStatus,
    pub details: ProductDetails,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Product {
    pub fn variant(&self, sku: &Sku) -> Option<&Variant> {
        self.details.variants.iter().find(|variant| variant.sku == *sku)
    }
}

/// A node of the category tree: a record of `catalog.products`, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.catalog")]
pub struct Category {
    pub id: CategoryId,
    pub name: String,
    pub parent_id: Option<CategoryId>,
}

/// The compacted table from which every edge knows the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "tradewind.catalog", repr = "bare_union")]
pub enum CatalogEntry {
    ProductEntry { product: Product },
    CategoryEntry { category: Category },
}

/// A product, by id.
pub const PRODUCT: View<(), Product> = View::new("catalog", 1);
