//! Views that hold what a test puts there, and an edge over them and a log that is none.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use futures::future::{BoxFuture, ready};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tower::ServiceExt;
use tradewind_edge::{Edge, EdgeConfig, Jwt, Secrets};
use tradewind_runtime::{Answer, Ask, Client, Codecs, Layout, Queries, QueryError, Question};
use tradewind_schemas::{
    Codec, Keyring, MasterKey, Role, RowKey, SchemaSource, SchemaSourceError, SessionId, UserId, View,
};
use tradewind_topics::list;
use uuid::Uuid;

use crate::fake_log::FakeLog;

type Place = (String, String, u8, Vec<u8>);

/// Holds rows and outcomes that a test put there. Every question finds it caught up.
#[derive(Clone, Default)]
pub struct FakeViews {
    rows: Arc<Mutex<HashMap<Place, Vec<u8>>>>,
}

/// Outcomes lie in a table that no view has.
const OUTCOMES: u8 = 255;

impl FakeViews {
    pub fn put<R: RowKey, V: Serialize>(&self, view: View<R, V>, key: &str, row: &R, value: &V) {
        self.store(view.stage, key, view.table, row.bytes(), value);
    }

    pub fn outcome(&self, stage: &str, key: &str, command: Uuid, outcome: &tradewind_runtime::Outcome) {
        self.store(stage, key, OUTCOMES, command.as_bytes().to_vec(), outcome);
    }

    /// As tasks keep values: a format, then postcard.
    fn store(&self, stage: &str, key: &str, table: u8, row: Vec<u8>, value: &impl Serialize) {
        let bytes = postcard::to_extend(value, vec![1]).unwrap();
        self.rows.lock().insert((stage.to_owned(), key.to_owned(), table, row), bytes);
    }
}

impl Queries for FakeViews {
    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Answer, QueryError>> {
        let rows = self.rows.lock();
        let Question { stage, key, ask, .. } = question;
        let one = |table: u8, row: Vec<u8>| {
            let place = (stage.clone(), key.clone(), table, row.clone());
            rows.get(&place).map(|value| vec![(row, value.clone())]).unwrap_or_default()
        };
        let rows = match ask {
            Ask::Row { table, row } => one(table, row),
            Ask::Outcome { command_id } => one(OUTCOMES, command_id.uuid().as_bytes().to_vec()),
            Ask::Rows { table, prefix, after, backwards, limit } => {
                let here = |place: &Place| place.0 == stage && place.1 == key && place.2 == table;
                let mut found: Vec<_> = rows
                    .iter()
                    .filter(|(place, _)| here(place) && place.3.starts_with(&prefix))
                    .map(|(place, value)| (place.3.clone(), value.clone()))
                    .collect();
                found.sort();
                if backwards {
                    found.reverse();
                }
                let beyond = |row: &Vec<u8>| match &after {
                    Some(after) if backwards => row < after,
                    Some(after) => row > after,
                    None => true,
                };
                found.into_iter().filter(|(row, _)| beyond(row)).take(limit).collect()
            }
        };
        Box::pin(ready(Ok(Answer { rows, position: 0, partition: 0 })))
    }
}

/// Nobody writes with another schema here.
pub struct NoOthers;

impl SchemaSource for NoOthers {
    fn schema(&self, id: u32) -> Result<String, SchemaSourceError> {
        Err(SchemaSourceError::NotFound(id))
    }
}

/// An edge with nothing behind it.
pub struct Shopfront {
    pub log: FakeLog,
    pub views: FakeViews,
    pub keyring: Arc<Keyring>,
    pub edge: Edge,
    pub secrets: Secrets,
}

impl Shopfront {
    pub async fn open() -> Self {
        Self::with(EdgeConfig::default()).await
    }

    pub async fn with(config: EdgeConfig) -> Self {
        let (log, views, secrets) = (FakeLog::default(), FakeViews::default(), Secrets::generate().unwrap());
        let keyring = Arc::new(Keyring::new(MasterKey::new(secrets.master_key)));
        let partitions = list::all().into_iter().map(|topic| (topic.name.to_owned(), 4)).collect();
        let layout = Layout::new("test", partitions);
        let client = Client(Arc::new(views.clone()));
        let edge = Edge::start(config, Arc::new(log.clone()), layout, codecs(), client, keyring.clone(), &secrets);
        let shopfront = Self { log, views, keyring, edge: edge.unwrap(), secrets };
        let ready = async {
            while !shopfront.edge.waits_for().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ready).await.expect("an edge over empty topics is soon ready");
        shopfront
    }

    pub fn router(&self) -> Router {
        self.edge.router()
    }

    /// An access token for a user with this role.
    pub fn token(&self, user: UserId, role: Role) -> String {
        Jwt::new(&self.secrets.signing_seed).unwrap().issue(user, session(), &[role], seconds()).unwrap()
    }

    pub fn written(&self) -> usize {
        self.log.appended.lock().len()
    }

    pub fn request(&self, method: &str, path: &str) -> Call {
        let (method, router) = (method.parse().unwrap(), self.router());
        Call { router, method, path: path.to_owned(), headers: HeaderMap::new(), body: Vec::new() }
    }
}

pub fn session() -> SessionId {
    SessionId::new(Uuid::from_u128(77))
}

pub fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

#[allow(clippy::disallowed_methods, reason = "tokens are issued by the clock")]
pub fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub fn codecs() -> Codecs {
    macro_rules! codecs {
        ($($topic:ident: $payload:ty;)*) => {
            Codecs::default()$(.with(list::$topic.name, Codec::<$payload>::new(list::$topic.name, 1, Arc::new(NoOthers)).unwrap()))*
        };
    }
    use tradewind_schemas::{catalog::*, edge::*, identity::*, inventory::*, order::*};
    codecs! {
        IDENTITY_COMMANDS: IdentityCommand;
        IDENTITY_KEYS: SubjectKey;
        CATALOG_COMMANDS: CatalogCommand;
        CATALOG_PRODUCTS: CatalogEntry;
        INVENTORY_COMMANDS: InventoryCommand;
        ORDER_COMMANDS: OrderCommand;
        EDGE_REPLIES: EdgeReply;
    }
}

/// A request being put together.
pub struct Call {
    router: Router,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// An answer, read whole.
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Call {
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().unwrap());
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw(&body.to_string()).header("content-type", "application/json")
    }

    pub fn raw(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }

    pub async fn send(self) -> Answered {
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        let response = self.router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answered { status: parts.status, headers: parts.headers, bytes }
    }
}

impl Answered {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code, having checked that it is a whole problem.
    pub fn problem(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json", "{body}");
        assert_eq!(body["status"], self.status.as_u16(), "{body}");
        for field in ["type", "title", "detail", "code"] {
            assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {body}");
        }
        assert!(self.header("traceparent").contains(body["trace_id"].as_str().unwrap()), "{body}");
        (self.status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }
}
