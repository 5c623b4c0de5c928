//! The directory of users: everybody who registered is in it, for administrators, also after a process has died.

use serde_json::Value;
use tradewind_tests::{
    client::Client,
    shop::{ADMIN_EMAIL, Shop},
};

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log() {
    listed(Shop::embedded().await, "up").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    listed(Shop::on_kafka().await, "worker").await;
}

async fn listed(mut shop: Shop, victim: &str) {
    let administrator = shop.administrator().await;
    let customers = shop.customers(12).await;
    let before = everybody(&administrator).await;
    let mut emails: Vec<&str> = before.iter().map(|user| user["email"].as_str().expect("text")).collect();
    assert_eq!(emails.remove(0), ADMIN_EMAIL, "the first of all");
    emails.sort_unstable();
    let mut expected: Vec<String> = (0..12).map(|number| format!("buyer-{number}@shop.example")).collect();
    expected.sort_unstable();
    assert_eq!(emails, expected);
    let times: Vec<&str> = before.iter().map(|user| user["created_at"].as_str().expect("a time")).collect();
    assert!(times.is_sorted(), "{times:?}");

    shop.kill9_and_restart(victim);
    shop.ready().await;
    customers[0].register("late@shop.example", "a buyer's password").await;

    let after = everybody(&administrator).await;
    assert_eq!((after[..before.len()].to_vec(), after.len()), (before.clone(), before.len() + 1));
    assert_eq!(after[before.len()]["email"], "late@shop.example");
    for user in &after[1..3] {
        let path = format!("/v1/users/{}", user["id"].as_str().expect("an id"));
        assert_eq!(administrator.get(&path).await.expect(200), *user);
    }
    let refused = customers[0].get("/v1/users").await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));

    let said = Value::from(shop.tap("identity.directory")).to_string();
    assert!(said.contains("UserListed") && !said.contains("shop.example") && !said.contains("Ada Buyer"), "{said}");
    shop.close();
}

/// All users, read page by page.
async fn everybody(administrator: &Client) -> Vec<Value> {
    let (mut users, mut path) = (Vec::new(), "/v1/users?limit=5".to_owned());
    loop {
        let page = administrator.get(&path).await.expect(200);
        users.extend(page["items"].as_array().expect("items").iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { return users };
        path = format!("/v1/users?limit=5&cursor={cursor}");
    }
}
