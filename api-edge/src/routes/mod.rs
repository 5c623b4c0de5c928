//! The routes: one file per resource, and one list of them all, from which both the router and the OpenAPI document
//! are made.

mod addresses;
mod categories;
mod customers_orders;
mod directory;
mod docs;
mod following;
mod health;
mod orders;
mod password;
mod payments;
mod prices;
mod products;
mod roles;
mod sessions;
mod stock;
pub(crate) mod users;

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, Query},
    http::request::Parts,
    middleware,
    routing::{delete, get, patch, post, put},
};
use serde::{Deserialize, de::DeserializeOwned};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    cors::{Any, CorsLayer},
};
use utoipa::OpenApi;

use docs::Common;

use crate::{
    app::App,
    call,
    problem::{Code, Problem},
    shapes::values::{AddressDoc, FieldErrorDoc, MoneyDoc, ProblemDoc},
};

/// The public routes: method, path, handler.
macro_rules! routes {
    ($($method:ident $path:literal $module:ident::$handler:ident;)*) => {
        fn public() -> Router<Arc<App>> {
            Router::new()$(.route($path, $method($module::$handler)))*
        }

        #[derive(OpenApi)]
        #[openapi(
            paths($($module::$handler),*),
            components(schemas(ProblemDoc, FieldErrorDoc, MoneyDoc, AddressDoc)),
            modifiers(&Common)
        )]
        struct Documented;
    };
}

routes! {
    post "/v1/users" users::register;
    get "/v1/users" directory::list;
    get "/v1/users/me" users::me;
    patch "/v1/users/me" users::change;
    put "/v1/users/me/password" password::change;
    get "/v1/users/me/addresses" addresses::list;
    post "/v1/users/me/addresses" addresses::add;
    get "/v1/users/me/addresses/{id}" addresses::show;
    put "/v1/users/me/addresses/{id}" addresses::change;
    delete "/v1/users/me/addresses/{id}" addresses::remove;
    get "/v1/users/{id}" users::show;
    put "/v1/users/{id}/roles" roles::assign;
    post "/v1/sessions" sessions::open;
    get "/v1/sessions" sessions::list;
    post "/v1/sessions/refresh" sessions::refresh;
    delete "/v1/sessions/current" sessions::close_current;
    delete "/v1/sessions/{id}" sessions::close;
    get "/v1/products" products::list;
    post "/v1/products" products::create;
    get "/v1/products/{id}" products::show;
    patch "/v1/products/{id}" products::change;
    delete "/v1/products/{id}" products::archive;
    put "/v1/products/{id}/variants/{sku}/price" prices::set;
    get "/v1/categories" categories::list;
    post "/v1/categories" categories::define;
    patch "/v1/categories/{id}" categories::change;
    get "/v1/stock/{sku}" stock::show;
    get "/v1/stock/{sku}/ledger" stock::ledger;
    post "/v1/stock/{sku}/receipts" stock::receive;
    post "/v1/stock/{sku}/adjustments" stock::adjust;
    post "/v1/orders" orders::place;
    get "/v1/orders" customers_orders::list;
    get "/v1/orders/{id}" orders::show;
    get "/v1/orders/{id}/events" following::follow;
    post "/v1/orders/{id}/cancellation" orders::cancel;
    get "/v1/payments/{id}" payments::show;
    get "/livez" health::live;
    get "/readyz" health::ready;
    get "/.well-known/jwks.json" health::key_set;
}

/// The OpenAPI document.
pub fn document() -> utoipa::openapi::OpenApi {
    Documented::openapi()
}

/// What clients reach.
pub fn router(app: Arc<App>) -> Router {
    let routes = public().route("/openapi.json", get(docs::document)).route("/docs", get(docs::page));
    // Tokens travel in a header that only the shop's own pages know, so any page may ask.
    let cors = CorsLayer::very_permissive().allow_credentials(false).expose_headers(Any);
    answering(routes, app).layer(CompressionLayer::new()).layer(cors)
}

/// What operators reach.
pub fn admin_router(app: Arc<App>) -> Router {
    let routes = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics));
    answering(routes, app)
}

/// Whatever happens, the answer is one of ours.
fn answering(routes: Router<Arc<App>>, app: Arc<App>) -> Router {
    routes
        .fallback(|| async { Problem::new(Code::NotFound, "There is no such route.") })
        .method_not_allowed_fallback(|| async {
            Problem::new(Code::MethodNotAllowed, Code::MethodNotAllowed.meaning())
        })
        .layer(CatchPanicLayer::custom(call::panicked))
        .layer(middleware::from_fn_with_state(app.clone(), call::answer))
        .with_state(app)
}

/// The ids in a path. One that is malformed is one that does not exist.
pub struct Place<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(ids)| Self(ids)).map_err(|_| Problem::not_found())
    }
}

/// The parameters of a query, none unknown.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(cause) => Err(Problem::new(Code::InvalidQuery, cause.body_text())),
        }
    }
}

/// Which page of a list.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// 1 to 100; 20 if not given.
    pub limit: Option<i64>,
    pub cursor: Option<String>,
}

/// `<…>; rel="next"`: the same list, from the cursor on.
pub fn next_link(path: &str, parameters: &[(&str, Option<&str>)], cursor: Option<&str>) -> Option<String> {
    let cursor = cursor?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.append_pair("cursor", cursor);
    Some(format!("<{path}?{}>; rel=\"next\"", query.finish()))
}
