//! Registries to test with.

mod embedded;
mod independent;

use std::net::{Ipv4Addr, TcpListener};

pub use embedded::{Embedded, TOPIC, records, serve};
pub use independent::Independent;
use serde_json::Value;
use tokio::runtime::Runtime;
pub use tradewind_tests::ports::free_port;

/// A registry that is up.
pub trait Registry {
    /// One without any schemas, at this address.
    fn start_at(port: u16) -> Self
    where
        Self: Sized;

    /// Ends it: nobody listens there afterwards.
    fn stop(&mut self);

    fn start() -> Self
    where
        Self: Sized,
    {
        Self::start_at(free_port())
    }
}

pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

pub fn listen_anywhere() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port")
}

/// Asks over HTTP, as any tool would.
pub struct Http {
    runtime: Runtime,
    client: reqwest::Client,
    base: String,
}

impl Http {
    pub fn to(port: u16) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        Self { runtime, client: reqwest::Client::new(), base: url(port) }
    }

    /// `request` is like `GET /subjects`. Answers the status and the body; every answer is JSON in the registry's
    /// content type.
    pub fn ask(&self, request: &str, body: &str) -> (u16, Value) {
        let (method, path) = request.split_once(' ').expect("a method and a path");
        let method = method.parse().expect("a method");
        let request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .header("content-type", "application/vnd.schemaregistry.v1+json")
            .body(body.to_owned());
        self.runtime.block_on(async {
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            let kind = answer.headers().get("content-type").cloned().expect("a content type");
            let kind = kind.to_str().expect("text").to_owned();
            assert!(kind.contains("json"), "{kind}");
            (status, serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON"))
        })
    }
}

/// A request's body around a schema.
pub fn submitted(schema: &str) -> String {
    serde_json::json!({ "schema": schema }).to_string()
}
