//! A real shop's record goes through HTTP and comes out as SQL over the file says, to the cent.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{StreamExt, stream};
use rusqlite::Connection;
use serde_json::Value;
use tradewind_tests::{process::Process, shop::Shop};

const IMPORTED_WITHIN: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log() {
    imported(Shop::embedded().await, &["up", "up"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    imported(Shop::on_kafka().await, &["sandbox", "worker", "connect", "edge"]).await;
}

/// What was sold, by whatever it is asked by.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sold {
    orders: usize,
    lines: usize,
    /// Cents.
    by_product: BTreeMap<String, i64>,
    units: BTreeMap<String, i64>,
    /// Cents, by ISO 3166 code.
    by_country: BTreeMap<String, i64>,
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/northwind.sql")
}

/// Imports: the first import is killed, and in the middle of the second each of the processes named is killed and comes
/// back.
async fn imported(mut shop: Shop, victims: &[&str]) {
    let mut killed = shop.import("killed import", &file());
    orders_become(50, &shop, &mut killed).await;
    killed.kill9();
    let mut import = shop.import("import", &file());
    for (round, victim) in victims.iter().enumerate() {
        orders_become((round + 1) * 150, &shop, &mut import).await;
        shop.kill9_and_restart(victim);
        shop.ready().await;
    }
    let said = ended(import);
    assert!(said.contains("Microsoft Public License"), "{said}");
    assert!(said.contains("830 orders with 2155 lines: 830 confirmed, 0 rejected"), "{said}");

    let expected = by_sql();
    assert_eq!((expected.orders, expected.lines), (830, 2155));
    assert_eq!(over_http(&shop).await, expected);
    let events = shop.tap("order.events").len();

    assert_eq!(ended(shop.import("second import", &file())), said);
    assert_eq!(shop.tap("order.events").len(), events, "the second import changed nothing");
    assert_eq!(shop.close().charges("succeeded"), 830);
}

/// Waits until so many orders are placed. The import stands still while they are counted, lest it is over by then.
async fn orders_become(count: usize, shop: &Shop, import: &mut Process) {
    loop {
        let orders = import.suspended(|| shop.tap("order.events").iter().filter(|event| is_placed(event)).count());
        if orders >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(import.ended().is_none(), "the import ended after {orders} orders:\n{}", import.tail());
    }
}

/// What an import said that came to a good end.
fn ended(mut import: Process) -> String {
    let status = import.end(IMPORTED_WITHIN);
    assert!(status.success(), "{status}:\n{}", import.tail());
    import.said()
}

fn is_placed(event: &Value) -> bool {
    event["value"]["payload"]["type"] == "OrderPlaced"
}

/// The orders as the administrator reads them over HTTP; which there are, the topic says.
async fn over_http(shop: &Shop) -> Sold {
    let placed: BTreeSet<String> = shop.tap("order.events").iter().filter(|event| is_placed(event)).map(key).collect();
    let administrator = shop.administrator().await;
    let orders: Vec<Value> = stream::iter(placed)
        .map(|id| {
            let administrator = administrator.clone();
            async move { administrator.get(&format!("/v1/orders/{id}")).await.expect(200) }
        })
        .buffer_unordered(16)
        .collect()
        .await;
    let mut sold = Sold { orders: orders.len(), ..Sold::default() };
    for order in &orders {
        assert_eq!(order["status"], "confirmed");
        for line in order["lines"].as_array().expect("lines") {
            let cents = line["total"]["amount"].as_i64().expect("cents");
            let (sku, country) = (text(&line["sku"]), text(&order["shipping_address"]["country"]));
            sold.lines += 1;
            *sold.by_product.entry(sku.clone()).or_default() += cents;
            *sold.units.entry(sku).or_default() += line["quantity"].as_i64().expect("a quantity");
            *sold.by_country.entry(country).or_default() += cents;
        }
    }
    sold
}

fn key(event: &Value) -> String {
    text(&event["key"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Every line rounded half-up once, from prices in cents and discounts in basis points.
const SOLD: &str = "
    CREATE VIEW sold AS SELECT order_id, 'NW-' || product_id AS sku, quantity,
        (quantity * price * (10000 - discount) + 5000) / 10000 AS cents
    FROM (SELECT order_id, product_id, quantity, CAST(round(unit_price * 100) AS INTEGER) AS price,
            CAST(round(discount * 10000) AS INTEGER) AS discount FROM order_details);
    CREATE TABLE iso (name TEXT PRIMARY KEY, code TEXT);
    INSERT INTO iso VALUES ('Argentina', 'AR'), ('Austria', 'AT'), ('Belgium', 'BE'), ('Brazil', 'BR'),
        ('Canada', 'CA'), ('Denmark', 'DK'), ('Finland', 'FI'), ('France', 'FR'), ('Germany', 'DE'),
        ('Ireland', 'IE'), ('Italy', 'IT'), ('Mexico', 'MX'), ('Norway', 'NO'), ('Poland', 'PL'),
        ('Portugal', 'PT'), ('Spain', 'ES'), ('Sweden', 'SE'), ('Switzerland', 'CH'), ('UK', 'GB'),
        ('USA', 'US'), ('Venezuela', 'VE');";

fn by_sql() -> Sold {
    let dump = std::fs::read_to_string(file()).expect("the record");
    let database = Connection::open_in_memory().expect("SQLite");
    database
        .execute_batch(
            "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id, employee_id, order_date, required_date,
                shipped_date, ship_via, freight, ship_name, ship_address, ship_city, ship_region, ship_postal_code,
                ship_country TEXT);
             CREATE TABLE order_details (order_id INTEGER, product_id INTEGER, unit_price REAL, quantity INTEGER,
                discount REAL);",
        )
        .expect("tables");
    let wanted = |line: &&str| {
        line.starts_with("INSERT INTO orders VALUES") || line.starts_with("INSERT INTO order_details VALUES")
    };
    let inserts: String = dump.lines().filter(wanted).flat_map(|line| [line, "\n"]).collect();
    database.execute_batch(&format!("BEGIN; {inserts} COMMIT; {SOLD}")).expect("the record's rows");
    let groups = |sql: &str| -> BTreeMap<String, i64> {
        let mut query = database.prepare(sql).expect("a query");
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("groups")
    };
    let count = |table: &str| -> usize {
        let count: i64 =
            database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a count");
        usize::try_from(count).expect("a count")
    };
    Sold {
        orders: count("orders"),
        lines: count("sold"),
        by_product: groups("SELECT sku, sum(cents) FROM sold GROUP BY sku"),
        units: groups("SELECT sku, sum(quantity) FROM sold GROUP BY sku"),
        by_country: groups(
            "SELECT code, sum(cents) FROM sold JOIN orders USING (order_id) JOIN iso ON name = ship_country GROUP BY code",
        ),
    }
}
