//! The OpenAPI document: a reviewed snapshot, and true to the router.

use std::{env, fs, path::Path};

use serde_json::Value;

use crate::fakes::Shopfront;

fn document() -> Value {
    serde_json::to_value(tradewind_edge::document()).unwrap()
}

/// `UPDATE_OPENAPI=1` writes the snapshot anew.
#[test]
fn the_document_is_the_snapshot() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let now = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let then = fs::read_to_string(&path).unwrap_or_default();
    assert!(then == now, "the contract has changed: look at it, and run this test with UPDATE_OPENAPI=1");
}

#[tokio::test]
async fn every_documented_operation_is_routed() {
    let shop = Shopfront::open().await;
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let path = path.replace("{id}", "1").replace("{sku}", "1");
            let answer = shop.request(&method.to_uppercase(), &path).send().await;
            let body = answer.json();
            assert_ne!(answer.status, 405, "{method} {path}");
            assert_ne!(body["detail"], "There is no such route.", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let shop = Shopfront::open().await;
    let served = shop.request("GET", "/openapi.json").send().await.json();
    assert_eq!(served, document());
    let page = shop.request("GET", "/docs").send().await;
    let text = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(!text.contains("http://") && !text.contains("https://"));
    assert!(text.contains("idempotency_key_reused"));
}
