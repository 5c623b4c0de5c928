//! What happens on a command.

use tradewind_runtime::Context;
use tradewind_schemas::{
    Actor, CategoryId, Key, Money, ProductId, Rejection, Sku,
    catalog::{CatalogCommand, CatalogEvent, Category, Product, ProductDetails, ProductStatus},
};

use crate::{Catalogue, Proposal, limits::Limits, reactions::sku_taken};

type Decision = Result<Vec<CatalogEvent>, Rejection>;

pub fn decide(state: &Catalogue, command: &CatalogCommand, context: &Context<'_>) -> Decision {
    match command {
        CatalogCommand::ClaimSku { .. }
        | CatalogCommand::ReleaseSku { .. }
        | CatalogCommand::SkuClaimed { .. }
        | CatalogCommand::SkuClaimRefused { .. } => by_the_catalog(context.actor)?,
        _ => by_staff(context.actor)?,
    }
    match command {
        CatalogCommand::CreateProduct { product_id, details, publish } => {
            propose(state, *product_id, details, *publish, context)
        }
        CatalogCommand::SkuClaimed { sku } => secured(state, sku, context),
        CatalogCommand::SkuClaimRefused { sku } => unavailable(state, sku, context),
        CatalogCommand::ReviseProduct { .. } => revise(product(state)?, command, context),
        CatalogCommand::SetPrice { sku, price, version } => set_price(product(state)?, sku, *price, *version, context),
        CatalogCommand::PublishProduct {} => publish(product(state)?, context),
        CatalogCommand::ArchiveProduct {} => archive(product(state)?, context),
        CatalogCommand::DefineCategory { category_id, name, parent_id } => {
            define(state, *category_id, name, *parent_id, context)
        }
        CatalogCommand::ClaimSku { product_id } => claim(state, *product_id, context),
        CatalogCommand::ReleaseSku { product_id } => release(state, *product_id, context),
    }
}

/// Merchants, administrators, and the platform itself.
fn by_staff(actor: &Actor) -> Result<(), Rejection> {
    if actor.is_staff() || actor.is_service() {
        return Ok(());
    }
    Err(Rejection::new("forbidden", "the catalogue is kept by merchants and administrators"))
}

/// Claims and their answers are between records of the catalogue.
fn by_the_catalog(actor: &Actor) -> Result<(), Rejection> {
    if actor.is_service() { Ok(()) } else { Err(Rejection::new("forbidden", "only the catalogue itself claims SKUs")) }
}

fn product(state: &Catalogue) -> Result<&Product, Rejection> {
    match state {
        Catalogue::Product(product) => Ok(product),
        _ => Err(Rejection::new("not_found", "there is no such product")),
    }
}

fn propose(
    state: &Catalogue,
    product_id: ProductId,
    details: &ProductDetails,
    publish: bool,
    context: &Context<'_>,
) -> Decision {
    match state {
        Catalogue::Absent => {}
        // Whoever asks again waits for the same SKUs.
        Catalogue::Proposed(_) => return Ok(vec![]),
        Catalogue::Refused { taken } => return Err(sku_taken(taken)),
        Catalogue::Product(_) | Catalogue::Category(_) | Catalogue::SkuClaim { .. } => {
            return Err(Rejection::new("product_exists", "this product id is already in use"));
        }
    }
    keyed_by(&product_id, context)?;
    Limits::of("invalid_product")
        .name(&details.name)
        .description(&details.description)
        .categories(&details.categories)
        .attributes(&details.attributes)
        .variants(&details.variants)
        .check()?;
    Ok(vec![CatalogEvent::ProductProposed { product_id, details: details.clone(), publish }])
}

/// A SKU came through. One that nobody waits for any more is given back.
fn secured(state: &Catalogue, sku: &Sku, context: &Context<'_>) -> Decision {
    match state {
        Catalogue::Proposed(proposal) if proposal.waiting.contains(sku) => {
            Ok(answered(proposal, CatalogEvent::SkuSecured { sku: sku.clone() }, None, context))
        }
        Catalogue::Refused { .. } => {
            let product_id = context.key.parse().map_err(|_| wrong_key(context))?;
            Ok(vec![CatalogEvent::SkuUnneeded { product_id, sku: sku.clone() }])
        }
        _ => Ok(vec![]),
    }
}

fn unavailable(state: &Catalogue, sku: &Sku, context: &Context<'_>) -> Decision {
    match state {
        Catalogue::Proposed(proposal) if proposal.waiting.contains(sku) => {
            Ok(answered(proposal, CatalogEvent::SkuUnavailable { sku: sku.clone() }, Some(sku), context))
        }
        _ => Ok(vec![]),
    }
}

/// The answer, and where it was the last one, what becomes of the product.
fn answered(
    proposal: &Proposal,
    answer: CatalogEvent,
    taken: Option<&Sku>,
    context: &Context<'_>,
) -> Vec<CatalogEvent> {
    if proposal.waiting.len() > 1 {
        return vec![answer];
    }
    let taken: Vec<Sku> = proposal.taken.iter().chain(taken).cloned().collect();
    let end = if taken.is_empty() {
        let status = if proposal.publish { ProductStatus::Published } else { ProductStatus::Draft };
        let (created_at, updated_at) = (context.at, context.at);
        let details = proposal.details.clone();
        let product = Product { id: proposal.product_id, version: 1, status, details, created_at, updated_at };
        CatalogEvent::ProductCreated { product }
    } else {
        let skus = proposal.details.variants.iter().map(|variant| &variant.sku);
        let given_back = skus.filter(|sku| !taken.contains(sku)).cloned().collect();
        CatalogEvent::ProductRefused { product_id: proposal.product_id, taken, given_back }
    };
    vec![answer, end]
}

fn revise(product: &Product, command: &CatalogCommand, context: &Context<'_>) -> Decision {
    let CatalogCommand::ReviseProduct { version, name, description, categories, attributes } = command else {
        return Ok(vec![]);
    };
    not_archived(product)?;
    seen(product, *version)?;
    let mut details = product.details.clone();
    let mut limits = Limits::of("invalid_product");
    if let Some(name) = name {
        limits = limits.name(name);
        details.name.clone_from(name);
    }
    if let Some(description) = description {
        limits = limits.description(description);
        details.description.clone_from(description);
    }
    if let Some(categories) = categories {
        limits = limits.categories(categories);
        details.categories.clone_from(categories);
    }
    if let Some(attributes) = attributes {
        limits = limits.attributes(attributes);
        details.attributes.clone_from(attributes);
    }
    limits.check()?;
    if details == product.details {
        return Ok(vec![]);
    }
    let product = changed(product, context)?;
    Ok(vec![CatalogEvent::ProductRevised { product: Product { details, ..product } }])
}

fn set_price(product: &Product, sku: &Sku, price: Money, version: Option<i64>, context: &Context<'_>) -> Decision {
    not_archived(product)?;
    let unknown = || Rejection::new("unknown_sku", format!("{sku} is no variant of this product"));
    let variant = product.variant(sku).ok_or_else(unknown)?;
    seen(product, version)?;
    Limits::of("invalid_price").price("", price, Some(variant.price.currency)).check()?;
    if variant.price == price {
        return Ok(vec![]);
    }
    let mut product = changed(product, context)?;
    product.details.variants.iter_mut().filter(|variant| variant.sku == *sku).for_each(|variant| variant.price = price);
    Ok(vec![CatalogEvent::PriceSet { sku: sku.clone(), product }])
}

fn publish(product: &Product, context: &Context<'_>) -> Decision {
    not_archived(product)?;
    if product.status == ProductStatus::Published {
        return Ok(vec![]);
    }
    let product = changed(product, context)?;
    Ok(vec![CatalogEvent::ProductPublished { product: Product { status: ProductStatus::Published, ..product } }])
}

/// For good. The SKUs stay the product's: orders and stock still name them.
fn archive(product: &Product, context: &Context<'_>) -> Decision {
    if product.status == ProductStatus::Archived {
        return Ok(vec![]);
    }
    let product = changed(product, context)?;
    Ok(vec![CatalogEvent::ProductArchived { product: Product { status: ProductStatus::Archived, ..product } }])
}

/// A new category, another name, or another place. That the tree has no longer circle cannot be seen from one category.
fn define(
    state: &Catalogue,
    id: CategoryId,
    name: &str,
    parent_id: Option<CategoryId>,
    context: &Context<'_>,
) -> Decision {
    keyed_by(&id, context)?;
    let category = Category { id, name: name.to_owned(), parent_id };
    match state {
        Catalogue::Absent => {}
        Catalogue::Category(now) if *now == category => return Ok(vec![]),
        Catalogue::Category(_) => {}
        _ => return Err(Rejection::new("invalid_category", "this category id is already in use for something else")),
    }
    Limits::of("invalid_category").name(name).check()?;
    if parent_id == Some(id) {
        return Err(Rejection::new("invalid_category", "a category cannot be its own parent"));
    }
    Ok(vec![CatalogEvent::CategoryDefined { category }])
}

/// The first who asks has it; who has it and asks again is told so again.
fn claim(state: &Catalogue, product_id: ProductId, context: &Context<'_>) -> Decision {
    let sku: Sku = context.key.parse().map_err(|_| wrong_key(context))?;
    let free = match state {
        Catalogue::Absent => true,
        Catalogue::SkuClaim { product_id: owner } => *owner == product_id,
        _ => false,
    };
    Ok(vec![if free {
        CatalogEvent::SkuClaimGranted { sku, product_id }
    } else {
        CatalogEvent::SkuClaimDenied { sku, product_id }
    }])
}

fn release(state: &Catalogue, product_id: ProductId, context: &Context<'_>) -> Decision {
    match state {
        Catalogue::SkuClaim { product_id: owner } if *owner == product_id => {
            let sku = context.key.parse().map_err(|_| wrong_key(context))?;
            Ok(vec![CatalogEvent::SkuReleased { sku, product_id }])
        }
        _ => Ok(vec![]),
    }
}

fn not_archived(product: &Product) -> Result<(), Rejection> {
    if product.status == ProductStatus::Archived {
        return Err(Rejection::new("product_archived", "an archived product does not change any more"));
    }
    Ok(())
}

/// Whether the merchant has seen the product as it is, if they said which they saw.
fn seen(product: &Product, version: Option<i64>) -> Result<(), Rejection> {
    match version {
        Some(seen) if seen != product.version => {
            let detail = format!("the product is at version {}, not {seen}", product.version);
            Err(Rejection::new("stale_version", detail))
        }
        _ => Ok(()),
    }
}

/// The product with its next version and time of change.
fn changed(product: &Product, context: &Context<'_>) -> Result<Product, Rejection> {
    let version = product.version.checked_add(1);
    let version = version.ok_or_else(|| Rejection::new("invalid_product", "the product was changed too often"))?;
    Ok(Product { version, updated_at: context.at, ..product.clone() })
}

fn keyed_by(id: &impl Key, context: &Context<'_>) -> Result<(), Rejection> {
    if id.text() == context.key { Ok(()) } else { Err(wrong_key(context)) }
}

fn wrong_key(context: &Context<'_>) -> Rejection {
    Rejection::new("wrong_key", format!("the command is not about {}", context.key))
}
