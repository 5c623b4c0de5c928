//! The record of the Northwind shop: what it sold, to whom, when and for how much.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result, bail, ensure};

use super::{country, decimal::scaled, tables};

pub struct Record {
    pub categories: Vec<Category>,
    pub products: Vec<Product>,
    pub customers: Vec<Customer>,
    /// In the order of their numbers.
    pub orders: Vec<Order>,
}

pub struct Category {
    pub id: i64,
    pub name: String,
}

pub struct Product {
    pub id: i64,
    pub name: String,
    pub category_id: i64,
    pub quantity_per_unit: String,
    /// In cents.
    pub unit_price: i64,
    pub units_in_stock: i64,
    pub discontinued: bool,
}

pub struct Customer {
    /// Five letters.
    pub id: String,
    /// Who orders; the company's name where nobody is named.
    pub contact: String,
}

pub struct Order {
    pub id: i64,
    pub customer_id: String,
    /// `YYYY-MM-DD`.
    pub date: String,
    pub ship: Address,
    pub lines: Vec<Line>,
}

pub struct Address {
    pub name: String,
    pub street: String,
    pub city: String,
    pub region: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
}

pub struct Line {
    pub product_id: i64,
    pub quantity: i64,
    /// In cents.
    pub unit_price: i64,
    /// In basis points.
    pub discount_bp: i64,
}

/// What a product is called on the platform.
pub fn sku(product_id: i64) -> String {
    format!("NW-{product_id}")
}

impl Record {
    /// # Errors
    /// Where the file cannot be read, is not the Northwind record, or contradicts itself.
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).with_context(|| {
            format!("{} cannot be read; name the file of SQL inserts, such as tests/data/northwind.sql", file.display())
        })?;
        let what = || format!("{} is not the Northwind record", file.display());
        let sql = String::from_utf8(bytes).with_context(what)?;
        Self::of(&sql).with_context(what)
    }

    pub fn of(sql: &str) -> Result<Self> {
        let names = ["categories", "products", "customers", "orders", "order_details"];
        let mut found = tables::read(sql, &names)?;
        let mut table = |name: &str| found.remove(name).with_context(|| format!("it inserts nothing into {name}"));
        let categories = table("categories")?.iter().map(category).collect::<Result<Vec<_>>>()?;
        let products = table("products")?.iter().map(product).collect::<Result<Vec<_>>>()?;
        let customers = table("customers")?.iter().map(customer).collect::<Result<Vec<_>>>()?;
        let mut orders = table("orders")?.iter().map(order).collect::<Result<Vec<_>>>()?;
        let mut lines: HashMap<i64, Vec<Line>> = HashMap::new();
        for row in &table("order_details")? {
            lines.entry(row.number(0, "order_id")?).or_default().push(line(row)?);
        }
        for order in &mut orders {
            order.lines = lines.remove(&order.id).with_context(|| format!("order {} has no lines", order.id))?;
        }
        if let Some(orphan) = lines.keys().next() {
            bail!("there are lines of order {orphan}, and no such order");
        }
        orders.sort_by_key(|order| order.id);
        let record = Self { categories, products, customers, orders };
        record.check().map(|()| record)
    }

    /// Everything that is referred to is there.
    fn check(&self) -> Result<()> {
        for product in &self.products {
            let known = self.categories.iter().any(|category| category.id == product.category_id);
            ensure!(known, "product {} is of category {}, which is not there", product.id, product.category_id);
        }
        for order in &self.orders {
            let known = self.customers.iter().any(|customer| customer.id == order.customer_id);
            ensure!(known, "order {} is of customer {}, who is not there", order.id, order.customer_id);
            for line in &order.lines {
                let known = self.products.iter().any(|product| product.id == line.product_id);
                ensure!(known, "order {} has product {}, which is not there", order.id, line.product_id);
            }
        }
        Ok(())
    }

    /// How many pieces of a product were sold.
    pub fn sold(&self, product_id: i64) -> i64 {
        let lines = self.orders.iter().flat_map(|order| &order.lines);
        lines.filter(|line| line.product_id == product_id).map(|line| line.quantity).sum()
    }

    pub fn lines(&self) -> usize {
        self.orders.iter().map(|order| order.lines.len()).sum()
    }
}

fn category(row: &tables::Row) -> Result<Category> {
    Ok(Category { id: row.number(0, "category_id")?, name: row.text(1, "category_name")?.to_owned() })
}

fn product(row: &tables::Row) -> Result<Product> {
    Ok(Product {
        id: row.number(0, "product_id")?,
        name: row.text(1, "product_name")?.to_owned(),
        category_id: row.number(3, "category_id")?,
        quantity_per_unit: row.optional(4)?.unwrap_or_default().to_owned(),
        unit_price: scaled(row.text(5, "unit_price")?, 2).with_context(|| format!("line {}", row.line))?,
        units_in_stock: row.number(6, "units_in_stock")?,
        discontinued: row.number(9, "discontinued")? != 0,
    })
}

fn customer(row: &tables::Row) -> Result<Customer> {
    let contact = row.optional(2)?.map_or_else(|| row.text(1, "company_name"), Ok)?;
    Ok(Customer { id: row.text(0, "customer_id")?.to_owned(), contact: contact.to_owned() })
}

fn order(row: &tables::Row) -> Result<Order> {
    let country = row.text(13, "ship_country")?;
    let ship = Address {
        name: row.text(8, "ship_name")?.to_owned(),
        street: row.text(9, "ship_address")?.to_owned(),
        city: row.text(10, "ship_city")?.to_owned(),
        region: row.optional(11)?.map(ToOwned::to_owned),
        postal_code: row.optional(12)?.map(ToOwned::to_owned),
        country: country::code(country)
            .with_context(|| format!("line {}: there is no code for the country {country:?}", row.line))?,
    };
    Ok(Order {
        id: row.number(0, "order_id")?,
        customer_id: row.text(1, "customer_id")?.to_owned(),
        date: row.text(3, "order_date")?.to_owned(),
        ship,
        lines: Vec::new(),
    })
}

fn line(row: &tables::Row) -> Result<Line> {
    let exact = |column, name, places| {
        scaled(row.text(column, name)?, places).with_context(|| format!("line {}: {name}", row.line))
    };
    Ok(Line {
        product_id: row.number(1, "product_id")?,
        quantity: row.number(3, "quantity")?,
        unit_price: exact(2, "unit_price", 2)?,
        discount_bp: exact(4, "discount", 4)?,
    })
}

#[cfg(test)]
mod tests {
    use tradewind_schemas::{Currency, Money, discounted};

    use super::*;

    const SHOP: &str = "
        INSERT INTO categories VALUES (1, 'Beverages', 'Teas', '\\x');
        INSERT INTO products VALUES (1, 'Chai', 8, 1, '10 boxes x 30 bags', 18, 39, 0, 10, 1);
        INSERT INTO customers VALUES ('VINET', 'Vins', 'Paul', NULL, NULL, NULL, NULL, NULL, 'France', NULL, NULL);
        INSERT INTO orders VALUES (10249, 'VINET', 6, '1996-07-05', NULL, NULL, 1, 11.6, 'V', 'R', 'Reims', NULL, NULL, 'UK');
        INSERT INTO orders VALUES (10248, 'VINET', 5, '1996-07-04', NULL, NULL, 3, 32.3, 'V', '59 rue de l''Abbaye', 'Reims', NULL, '51100', 'France');
        INSERT INTO order_details VALUES (10248, 1, 14.3999996, 12, 0.150000006);
        INSERT INTO order_details VALUES (10249, 1, 18, 3, 0);
    ";

    #[test]
    fn a_record_is_read_in_the_order_of_its_orders() {
        let record = Record::of(SHOP).unwrap();
        let [first, second] = &record.orders[..] else { panic!("two orders") };
        assert_eq!(
            (first.id, first.date.as_str(), first.ship.street.as_str()),
            (10248, "1996-07-04", "59 rue de l'Abbaye")
        );
        assert_eq!((first.ship.country, first.ship.postal_code.as_deref()), ("FR", Some("51100")));
        assert_eq!((second.id, second.ship.country, second.ship.postal_code.as_deref()), (10249, "GB", None));
        let line = &first.lines[0];
        assert_eq!((line.unit_price, line.quantity, line.discount_bp), (1440, 12, 1500));
        let product = &record.products[0];
        assert_eq!((product.unit_price, product.units_in_stock, product.discontinued), (1800, 39, true));
        assert_eq!((record.sold(1), record.lines()), (15, 2));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let refused = |from: &str, to: &str| {
            assert!(SHOP.contains(from), "{from}");
            format!("{:#}", Record::of(&SHOP.replace(from, to)).err().expect("it is refused"))
        };
        assert!(refused("'France');", "'Atlantis');").contains("Atlantis"));
        assert!(
            refused("details VALUES (10249, 1,", "details VALUES (10249, 2,").contains("product 2, which is not there")
        );
        assert!(refused("details VALUES (10249,", "details VALUES (10250,").contains("order 10249 has no lines"));
        assert!(refused("(10249, 'VINET'", "(10249, 'NOONE'").contains("NOONE, who is not there"));
        assert!(refused("'10 boxes x 30 bags', 18,", "'10 boxes x 30 bags', -18,").contains("line 3"));
        assert!(refused("INTO customers", "INTO clients").contains("nothing into customers"));
    }

    #[test]
    fn the_whole_record_adds_up() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/northwind.sql");
        let record = Record::read(&file).unwrap();
        let counts = (
            record.categories.len(),
            record.products.len(),
            record.customers.len(),
            record.orders.len(),
            record.lines(),
        );
        assert_eq!(counts, (8, 77, 91, 830, 2155));
        assert!(record.orders.is_sorted_by_key(|order| order.id));
        let lines: Vec<_> = record.orders.iter().flat_map(|order| &order.lines).collect();
        let discounted = |line: &Line| {
            let price = Money::new(line.unit_price, Currency::USD);
            discounted(price, line.quantity, i32::try_from(line.discount_bp).unwrap()).unwrap().amount
        };
        // What SQL over the file says, rounding each line half-up to the cent.
        assert_eq!(lines.iter().map(|line| discounted(line)).sum::<i64>(), REVENUE);
        assert_eq!(lines.iter().filter(|line| line.discount_bp > 0).count(), 838);
        let list = |id| record.products.iter().find(|product| product.id == id).unwrap().unit_price;
        assert_eq!(lines.iter().filter(|line| line.unit_price != list(line.product_id)).count(), 662);
    }

    /// In cents.
    const REVENUE: i64 = 126_579_329;
}
