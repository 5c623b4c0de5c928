//! The client of a schema registry, ours or any other that speaks as Confluent's does.

mod address;
mod answer;
mod level;
mod resolve;

use std::{collections::HashMap, future::Future, sync::mpsc, time::Duration};

use parking_lot::RwLock;
use schema_registry_converter::async_impl::schema_registry::{SrSettings, get_schema_by_id};
use tokio::runtime::{Builder, Runtime};
use tradewind_schemas::{SchemaSource, SchemaSourceError};

use self::{address::Addresses, answer::Refusal};
use crate::ResolveError;

/// A call that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks a schema registry, from any thread: its calls wait, be it in a worker's thread or within another runtime, so
/// the requests themselves run on a runtime of the client's own.
pub struct Client {
    addresses: Addresses,
    settings: SrSettings,
    http: reqwest::Client,
    /// There until the client goes.
    runtime: Option<Runtime>,
    /// A schema never changes once it has an id.
    known: RwLock<HashMap<u32, String>>,
}

impl Client {
    /// A client of the registry at these addresses: one, or several with commas between them that are tried in turn.
    /// Nothing is asked yet. User and password may be part of an address.
    pub fn new(addresses: &str) -> Result<Self, ResolveError> {
        let addresses = Addresses::parse(addresses)?;
        let setup = |what: &dyn std::error::Error| ResolveError::Setup(what.to_string());
        let mut builder = SrSettings::new_builder(addresses.first().to_owned());
        for other in addresses.others() {
            builder.add_url(other.clone());
        }
        let settings = builder.set_timeout(TIMEOUT).build().map_err(|error| setup(&error))?;
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(|error| setup(&error))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("schema-registry")
            .enable_all()
            .build()
            .map_err(|error| setup(&error))?;
        Ok(Self { addresses, settings, http, runtime: Some(runtime), known: RwLock::default() })
    }

    /// Runs a request on the client's runtime and waits for it.
    fn wait<T: Send + 'static>(
        &self,
        request: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (answer, answered) = mpsc::sync_channel(1);
        let closed = || Refusal::Unreachable("the client was closed".to_owned());
        let runtime = self.runtime.as_ref().ok_or_else(closed)?;
        runtime.spawn(async move {
            // Nobody hears it only where the one who waited is gone.
            let _ = answer.send(request.await);
        });
        answered.recv().unwrap_or_else(|_| Err(closed()))
    }
}

/// A runtime must not be dropped within another; one that is shut down in the background may be.
impl Drop for Client {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl SchemaSource for Client {
    /// One attempt; schemas that were found are remembered.
    fn schema(&self, id: u32) -> Result<String, SchemaSourceError> {
        if let Some(known) = self.known.read().get(&id) {
            return Ok(known.clone());
        }
        // Ids are positive ints of Java's: a registry would not even understand the question, and a record's bad bytes
        // are no reason to wait for it.
        if id == 0 || i32::try_from(id).is_err() {
            return Err(SchemaSourceError::NotFound(id));
        }
        let settings = self.settings.clone();
        let asked = self.wait(async move { get_schema_by_id(id, &settings).await.map_err(Refusal::from) });
        match asked {
            Ok(found) => {
                self.known.write().insert(id, found.schema.clone());
                Ok(found.schema)
            }
            Err(Refusal::NoSuchSchema) => Err(SchemaSourceError::NotFound(id)),
            Err(refusal) => Err(SchemaSourceError::Unavailable(format!("at {}: {refusal}", self.addresses))),
        }
    }
}
