//! /openapi.json, and a page to browse it by, which needs nothing from elsewhere.

use axum::{
    Json,
    http::header,
    response::{Html, IntoResponse},
};
use utoipa::{
    Modify,
    openapi::{
        OpenApi, Ref, Response,
        content::ContentBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::problem::Code;

const PAGE: &str = include_str!("docs.html");

pub async fn document() -> Json<OpenApi> {
    Json(super::document())
}

pub async fn page() -> impl IntoResponse {
    let codes: String = Code::ALL
        .iter()
        .map(|code| {
            let status = code.status().as_u16();
            format!("<tr id=\"{code}\"><td><code>{code}</code></td><td>{status}</td><td>{}</td></tr>\n", code.meaning())
        })
        .collect();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(PAGE.replace("{codes}", &codes)))
}

/// What all operations have in common.
pub struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        document.info.title = "Tradewind".to_owned();
        document.info.description = Some(
            "Money is in minor units, times are RFC 3339. Errors are problem details (RFC 9457) with a stable code. \
             POSTs take an Idempotency-Key; writes wait for their decision (Prefer: wait=N, respond-async); every \
             answer carries a Consistency-Token to bring back."
                .to_owned(),
        );
        document.info.license = None;
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("access_token", SecurityScheme::Http(bearer));
        for (path, item) in &mut document.paths.paths {
            let operations =
                [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten();
            for operation in operations.filter(|_| path.starts_with("/v1/")) {
                common(path, operation);
            }
        }
    }
}

/// Every operation may answer with a problem, and most need a token.
fn common(path: &str, operation: &mut Operation) {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let mut response = Response::new("A problem; `code` says which.");
    response.content.insert("application/problem+json".to_owned(), problem);
    operation.responses.responses.entry("default".to_owned()).or_insert(response.into());
    let open = path == "/v1/users"
        || path == "/v1/sessions/refresh"
        || path == "/v1/categories" && operation.request_body.is_none();
    let login = path == "/v1/sessions" && operation.request_body.is_some();
    let browsing = path.starts_with("/v1/products") && operation.operation_id.as_deref().is_some_and(is_browsing);
    if !open && !login && !browsing {
        operation.security = Some(vec![SecurityRequirement::new::<_, _, String>("access_token", [])]);
    }
}

fn is_browsing(operation: &str) -> bool {
    matches!(operation, "list_products" | "show_product")
}
