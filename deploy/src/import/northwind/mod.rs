//! The record of the Northwind shop, taken through the HTTP edge: its categories, products, customers and stock, and
//! then its orders with their own dates, prices and discounts.
//!
//! Whatever is there already stays as it is: the import can be interrupted, and run again, and changes nothing then.
//! docs/northwind.md says how the numbers are rounded.

mod country;
mod decimal;
mod edge;
mod orders;
mod record;
mod shop;
mod tables;

use std::{fmt, path::Path};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

pub use edge::Credentials;
use edge::Edge;
use record::Record;

/// Requests under way at once.
const AT_ONCE: usize = 16;

/// To be shown to whoever imports the data, as its licence asks.
pub const NOTICE: &str = "\
The Northwind record originates from Microsoft (Northwind sample database), and is used under the
Microsoft Public License (Ms-PL); tests/data/NOTICE.md has its full text.";

/// What is on the platform after an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub categories: usize,
    pub products: usize,
    pub customers: usize,
    pub orders: usize,
    pub lines: usize,
    pub confirmed: usize,
    pub rejected: usize,
    /// Of the confirmed orders, in cents.
    pub grand_total: i64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { categories, products, customers, orders, lines, confirmed, rejected, grand_total } = self;
        writeln!(f, "{categories} categories, {products} products, {customers} customers")?;
        write!(f, "{orders} orders with {lines} lines: {confirmed} confirmed, {rejected} rejected")?;
        write!(f, ", {}.{:02} USD in all", grand_total / 100, grand_total % 100)
    }
}

/// A bar that shows how far an import is; hidden where there is no terminal.
pub fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:>10} [{bar:40}] {pos}/{len} {per_sec}, {eta} left");
    // The template is right; with another one it would be plainer.
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Imports the record in `file` through the edge at this URL, as an administrator.
///
/// # Errors
/// Where the file is not the record, the edge cannot be reached or is none, does not accept the credentials, or refuses
/// something. What was imported until then is there, and the next import goes on from it.
pub async fn import(file: &Path, edge: &str, credentials: Credentials, progress: &ProgressBar) -> Result<Summary> {
    let record = Record::read(file)?;
    let edge = Edge::log_in(edge, credentials).await?;
    let Record { categories, products, customers, orders } = &record;
    progress.set_length((categories.len() + 2 * products.len() + customers.len() + orders.len()) as u64);
    let shelves = shop::categories(&edge, &record, progress).await?;
    shop::products(&edge, &record, &shelves, progress).await?;
    let people = shop::customers(&edge, &record, progress).await?;
    shop::receipts(&edge, &record, progress).await?;
    let sold = orders::place(&edge, &record, &people, progress).await?;
    progress.finish_with_message("imported");
    Ok(Summary {
        categories: categories.len(),
        products: products.len(),
        customers: customers.len(),
        orders: orders.len(),
        lines: record.lines(),
        confirmed: sold.confirmed,
        rejected: sold.rejected,
        grand_total: sold.grand_total,
    })
}
