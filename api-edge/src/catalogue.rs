//! The catalogue as this edge knows it: quoted from, listed from.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use tradewind_runtime::{Codecs, Failure, Replica};
use tradewind_schemas::{
    CategoryId, ProductId, Sku,
    catalog::{CatalogEntry, Category, Product, ProductStatus},
};
use tradewind_topics::{Log, LogError, Offset, Record, list::CATALOG_PRODUCTS};

use crate::problem::{Code, Problem};

/// Every product and category, and who has a SKU.
#[derive(Default)]
pub struct Shelf {
    products: HashMap<ProductId, Arc<Product>>,
    categories: HashMap<CategoryId, Category>,
    owners: HashMap<Sku, ProductId>,
}

impl Shelf {
    pub fn put(&mut self, entry: CatalogEntry) {
        match entry {
            CatalogEntry::ProductEntry { product } => {
                self.remove_product(product.id);
                let archived = product.status == ProductStatus::Archived;
                for variant in &product.details.variants {
                    // An archived product keeps its SKUs, for the stock that is left of them; unless they are
                    // another's by now.
                    if !archived || !self.owners.contains_key(&variant.sku) {
                        self.owners.insert(variant.sku.clone(), product.id);
                    }
                }
                self.products.insert(product.id, Arc::new(product));
            }
            CatalogEntry::CategoryEntry { category } => {
                self.categories.insert(category.id, category);
            }
        }
    }

    /// A tombstone's key.
    fn remove(&mut self, key: &str) {
        if let Ok(id) = key.parse() {
            self.remove_product(id);
        }
        if let Ok(id) = key.parse() {
            self.categories.remove(&id);
        }
    }

    fn remove_product(&mut self, id: ProductId) {
        let Some(product) = self.products.remove(&id) else { return };
        for variant in &product.details.variants {
            // A SKU that was given up may be another's by now.
            if self.owners.get(&variant.sku) == Some(&id) {
                self.owners.remove(&variant.sku);
            }
        }
    }

    /// The product that has this SKU, whether it is for sale or not.
    pub fn owner(&self, sku: &Sku) -> Option<&Arc<Product>> {
        self.products.get(self.owners.get(sku)?)
    }

    /// The product that has this SKU, if it is for sale.
    pub fn on_sale(&self, sku: &Sku) -> Option<&Arc<Product>> {
        self.owner(sku).filter(|product| product.status == ProductStatus::Published)
    }

    pub fn products(&self) -> impl Iterator<Item = &Arc<Product>> {
        self.products.values()
    }

    pub fn category(&self, id: CategoryId) -> Option<&Category> {
        self.categories.get(&id)
    }

    /// Whether a category is this one, or below it.
    pub fn is_within(&self, id: CategoryId, above: CategoryId) -> bool {
        let parent = |id: &CategoryId| self.categories.get(id)?.parent_id;
        // As many steps as there are categories: concurrent moves may have made a circle.
        std::iter::successors(Some(id), parent).take(self.categories.len() + 1).any(|id| id == above)
    }

    /// By name, then id.
    pub fn categories(&self) -> Vec<Category> {
        let mut all: Vec<_> = self.categories.values().cloned().collect();
        all.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        all
    }
}

/// The shelf, kept current.
pub struct Catalogue {
    shelf: Arc<RwLock<Shelf>>,
    replica: Replica,
    /// By partition of `catalog.commands`: what was decided before this position is on the shelf for sure.
    decided: Mutex<BTreeMap<u32, Offset>>,
}

impl Catalogue {
    pub fn follow(log: &Arc<dyn Log>, topic: Arc<str>, partitions: u32, codecs: Codecs) -> Result<Self, LogError> {
        let shelf = Arc::<RwLock<Shelf>>::default();
        let filled = shelf.clone();
        let apply = move |record: &Record| -> Result<(), Failure> {
            match (&record.key, &record.value) {
                (_, Some(value)) => {
                    let entry = codecs.of::<CatalogEntry>(CATALOG_PRODUCTS.name)?.decode(value)?.payload;
                    filled.write().put(entry);
                }
                (Some(key), None) => filled.write().remove(&String::from_utf8_lossy(key)),
                (None, None) => {}
            }
            Ok(())
        };
        let replica = Replica::follow(log, topic, partitions, Box::new(apply))?;
        Ok(Self { shelf, replica, decided: Mutex::default() })
    }

    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Looks at the shelf as it is now.
    pub fn look<T>(&self, at: impl FnOnce(&Shelf) -> T) -> T {
        at(&self.shelf.read())
    }

    /// Looks until it finds what is asked for, the second time with all that the catalogue held when the request came.
    pub async fn find<T>(&self, mut at: impl FnMut(&Shelf) -> Option<T>) -> Result<Option<T>, Problem> {
        if let Some(found) = self.look(&mut at) {
            return Ok(Some(found));
        }
        self.replica.catch_up().await?;
        Ok(self.look(at))
    }

    /// Waits until the shelf shows what was decided before these positions of `catalog.commands`. The catalogue's
    /// tasks must have come that far: what they decided is in the topic then, and so below its end.
    pub async fn shows(&self, positions: &[(u32, Offset)]) -> Result<(), Problem> {
        let is_known = |(partition, after): &(u32, Offset)| {
            self.decided.lock().get(partition).is_some_and(|decided| decided >= after)
        };
        if positions.iter().all(is_known) {
            return Ok(());
        }
        self.replica.catch_up().await?;
        let mut decided = self.decided.lock();
        for (partition, after) in positions {
            let known = decided.entry(*partition).or_default();
            *known = (*known).max(*after);
        }
        Ok(())
    }

    /// # Errors
    /// `CatalogueStale` where prices may have changed longer ago than that without this edge knowing.
    pub fn fresh_enough_to_quote(&self, stale: Duration) -> Result<(), Problem> {
        match self.replica.lag() {
            Some(lag) if lag <= stale => Ok(()),
            _ => Err(Problem::new(Code::CatalogueStale, "The catalogue is too far behind to quote from; try again.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use tradewind_schemas::{
        Currency, Money, Timestamp,
        catalog::{ProductDetails, Variant},
    };
    use uuid::Uuid;

    use super::*;

    fn product(id: u128, sku: &str, status: ProductStatus) -> CatalogEntry {
        let at = Timestamp::from_millis(0);
        let variants = vec![Variant { sku: sku.parse().unwrap(), price: Money::new(100, Currency::EUR) }];
        let details = ProductDetails {
            name: "Cup".into(),
            description: String::new(),
            categories: vec![],
            attributes: "{}".into(),
            variants,
        };
        let id = ProductId::new(Uuid::from_u128(id));
        CatalogEntry::ProductEntry {
            product: Product { id, version: 1, status, details, created_at: at, updated_at: at },
        }
    }

    #[test]
    fn a_sku_that_was_given_up_is_anothers() {
        let sku: Sku = "CUP-1".parse().unwrap();
        let mut shelf = Shelf::default();
        shelf.put(product(1, "CUP-1", ProductStatus::Published));
        shelf.put(product(1, "CUP-1", ProductStatus::Archived));
        assert!(shelf.on_sale(&sku).is_none());
        shelf.put(product(2, "CUP-1", ProductStatus::Published));
        // The old owner's record is read again, late.
        shelf.put(product(1, "CUP-1", ProductStatus::Archived));
        assert_eq!(shelf.on_sale(&sku).unwrap().id, ProductId::new(Uuid::from_u128(2)));
    }

    #[test]
    fn drafts_own_their_skus_but_do_not_sell_them() {
        let sku: Sku = "CUP-1".parse().unwrap();
        let mut shelf = Shelf::default();
        shelf.put(product(1, "CUP-1", ProductStatus::Draft));
        assert!(shelf.owner(&sku).is_some() && shelf.on_sale(&sku).is_none());
        shelf.remove(&Uuid::from_u128(1).to_string());
        assert!(shelf.owner(&sku).is_none());
    }
}
