//! Access tokens: only ours, only for as long as they are good, only of the one algorithm.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tradewind_edge::{Jwt, Secrets};
use tradewind_schemas::Role;

use crate::fakes::{Shopfront, seconds, session, user};

fn part(json: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
}

fn read(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_that_is_not_ours_is_refused() {
    let shop = Shopfront::open().await;
    let good = shop.token(user(1), Role::Customer);
    let [head, claims, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let with = |head: Value, claims: &Value| format!("{}.{}.{signature}", part(&head), part(claims));
    let mut promoted = read(claims);
    promoted["roles"] = json!(["admin"]);
    let strangers = Jwt::new(&Secrets::generate().unwrap().signing_seed).unwrap();
    let ours = Jwt::new(&shop.secrets.signing_seed).unwrap();
    let forged = [
        ("an altered claim", with(read(head), &promoted)),
        ("no algorithm", format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&promoted))),
        ("no algorithm, our key id", {
            let mut head = read(head);
            head["alg"] = json!("none");
            format!("{}.{}.", part(&head), part(&promoted))
        }),
        ("another algorithm", {
            let mut head = read(head);
            head["alg"] = json!("HS256");
            with(head, &read(claims))
        }),
        ("another's key", strangers.issue(user(1), session(), &[Role::Admin], seconds()).unwrap()),
        ("expired", ours.issue(user(1), session(), &[Role::Customer], seconds() - 3600).unwrap()),
        ("cut short", good[..good.len() - 4].to_owned()),
        ("nonsense", "nonsense".to_owned()),
        ("nothing", String::new()),
    ];
    for (what, token) in forged {
        for (method, path) in [("GET", "/v1/orders"), ("POST", "/v1/products"), ("GET", "/v1/products")] {
            let answer = shop.request(method, path).bearer(&token).send().await;
            assert_eq!(answer.problem(), (401, "invalid_token".to_owned()), "{what}: {method} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    assert_eq!(shop.request("GET", "/v1/orders").bearer(&good).send().await.status, 200);
    assert_eq!(shop.request("GET", "/v1/orders").header("authorization", "Basic YTpi").send().await.status, 401);
}

#[tokio::test]
async fn the_key_set_verifies_our_tokens() {
    let shop = Shopfront::open().await;
    let keys = shop.request("GET", "/.well-known/jwks.json").send().await.json();
    let key = &keys["keys"][0];
    let token = shop.token(user(1), Role::Customer);
    let head = read(token.split('.').next().unwrap());
    assert_eq!((&head["alg"], &head["kid"]), (&json!("EdDSA"), &key["kid"]));
    let verifying = jsonwebtoken::DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["tradewind"]);
    let claims = jsonwebtoken::decode::<Value>(&token, &verifying, &validation).unwrap().claims;
    assert_eq!(claims["sub"], user(1).to_string());
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 900);
    assert!(key.get("d").is_none(), "the private key is nobody's business");
}
