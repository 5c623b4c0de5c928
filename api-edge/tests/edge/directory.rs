//! The list of all users: put together from all shelves, for administrators only.

use serde_json::{Value, json};
use tradewind_edge::{EMAIL, Field, NAME};
use tradewind_schemas::{
    Key, Role, Timestamp, UserId,
    identity::{DIRECTORY, DirectoryShelf, EmailClaim, USER, UserView},
};

use crate::fakes::{Answered, Shopfront, user};

/// Has a user of this number register at that time.
fn register(shop: &Shopfront, number: u128, at: i64) {
    let (id, registered_at) = (user(number), Timestamp::from_millis(at));
    shop.keyring.create(id).unwrap();
    let seal = |field: Field, text: String| shop.keyring.seal(id, field.topic, field.name, text.as_bytes()).unwrap();
    let view = UserView {
        id,
        claim: EmailClaim("a".repeat(64)),
        email: seal(EMAIL, format!("user-{number}@shop.example")),
        name: seal(NAME, format!("User {number}")),
        password_hash: String::new(),
        password_version: 1,
        roles: vec![Role::Customer],
        email_verified: false,
        created_at: registered_at,
        version: 1,
    };
    shop.views.put(USER, &id.to_string(), &(), &view);
    shop.views.put(DIRECTORY, &DirectoryShelf::of(id).text(), &(registered_at, id), &());
}

async fn list(shop: &Shopfront, query: &str) -> Answered {
    let token = shop.token(UserId::derived(uuid::Uuid::NAMESPACE_OID, "admin"), Role::Admin);
    shop.request("GET", &format!("/v1/users{query}")).bearer(&token).send().await
}

fn emails(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn users_are_listed_from_all_shelves_in_order_of_registration() {
    let shop = Shopfront::open().await;
    assert_eq!(list(&shop, "").await.json(), json!({"items": [], "next_cursor": null}));
    // One shelf has several, and others are between them in time.
    for (number, at) in [(1, 10), (17, 30), (2, 20), (33, 50), (3, 40), (4, 40)] {
        register(&shop, number, at);
    }
    let order = [1, 2, 17, 3, 4, 33].map(|number| format!("user-{number}@shop.example"));
    let whole = list(&shop, "").await.json();
    assert_eq!((emails(&whole), &whole["next_cursor"]), (order.iter().map(String::as_str).collect(), &Value::Null));
    assert_eq!(whole["items"][0]["name"], "User 1");

    let first = list(&shop, "?limit=4").await;
    assert!(first.header("link").starts_with("</v1/users?limit=4&cursor="), "{}", first.header("link"));
    let first = first.json();
    assert_eq!(emails(&first), order[..4]);
    register(&shop, 5, 60);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = list(&shop, &format!("?limit=4&cursor={cursor}")).await.json();
    assert_eq!(emails(&rest), [&order[4], &order[5], "user-5@shop.example"]);
    assert_eq!(rest["next_cursor"], Value::Null);
}
