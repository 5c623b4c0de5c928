//! What all requests of an edge share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prometheus::Registry;
use tradewind_runtime::{Client, Codecs, Layout};
use tradewind_schemas::{Keyring, Pepper, Timestamp, UserId};
use tradewind_topics::{
    Log, LogError, Writer,
    list::{CATALOG_PRODUCTS, EDGE_REPLIES, IDENTITY_KEYS},
};

use crate::{
    auth::{Jwt, Passwords, Throttle, ThrottleConfig},
    bodies::Bodies,
    catalogue::Catalogue,
    keys::Keys,
    metrics::Metrics,
    recent::Recent,
    replies::Replies,
    secrets::Secrets,
    signed::Signer,
};

/// How an edge behaves.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// The partition of `edge.replies` that this edge reads.
    pub replies_partition: u32,
    /// How many passwords are hashed at a time (19 MiB each), and how many may wait for it.
    pub password_workers: usize,
    pub passwords_waiting: usize,
    pub throttle: ThrottleConfig,
    /// Until a session that is not refreshed ends.
    pub session_lifetime: Duration,
    /// An edge that knows less of the catalogue, of people's keys or of outcomes than there was so long ago is not ready,
    /// and quotes no prices.
    pub stale_after: Duration,
    /// Not ready before [`Edge::ensure_admin`](crate::Edge::ensure_admin) has succeeded.
    pub awaits_administrator: bool,
    /// Where the edge's metrics are registered; /metrics shows all of it.
    pub metrics: Registry,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            replies_partition: 0,
            password_workers: std::thread::available_parallelism().map_or(2, usize::from),
            passwords_waiting: 256,
            throttle: ThrottleConfig::default(),
            session_lifetime: Duration::from_secs(30 * 24 * 3600),
            stale_after: Duration::from_secs(30),
            awaits_administrator: false,
            metrics: Registry::new(),
        }
    }
}

/// An edge that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    #[error("the edge cannot use the log")]
    Log(#[from] LogError),
    #[error("the edge needs the topic {0}, which this run does not have: apply the topics first")]
    NoTopic(&'static str),
    #[error(transparent)]
    SigningKey(#[from] crate::auth::NoSigningKey),
    #[error("the edge's metrics are registered already")]
    Metrics(#[from] prometheus::Error),
    #[error("passwords cannot be hashed: {0}")]
    Passwords(String),
}

/// Registrations of one user run one after another; this many users' at a time.
const LANES: usize = 64;

pub struct App {
    pub config: EdgeConfig,
    pub layout: Layout,
    pub codecs: Codecs,
    pub writer: Arc<dyn Writer>,
    pub queries: Client,
    pub keys: Keys,
    pub pepper: Pepper,
    pub catalogue: Catalogue,
    pub replies: Replies,
    pub jwt: Jwt,
    pub passwords: Passwords,
    pub throttle: Throttle,
    /// Of consistency tokens.
    pub tokens: Signer,
    pub cursors: Signer,
    pub refresh: Signer,
    /// Of clients' bodies: keyed, because bodies hold passwords and addresses, and digests are written to topics.
    pub fingerprints: Signer,
    pub recent: Recent,
    pub bodies: Bodies,
    pub metrics: Metrics,
    pub administered: AtomicBool,
    registering: Vec<tokio::sync::Mutex<()>>,
}

impl App {
    pub(crate) fn start(
        config: EdgeConfig,
        log: &Arc<dyn Log>,
        layout: Layout,
        codecs: Codecs,
        queries: Client,
        keyring: Arc<Keyring>,
        secrets: &Secrets,
    ) -> Result<Self, EdgeError> {
        let jwt = Jwt::new(&secrets.signing_seed)?;
        let passwords = Passwords::new(config.password_workers, config.passwords_waiting)
            .map_err(|problem| EdgeError::Passwords(problem.detail))?;
        let metrics = Metrics::new(config.metrics.clone())?;
        let signer = |purpose: &str| Signer::new(&secrets.edge_key, purpose);
        let partitions = |topic: &'static str| layout.partitions(topic).ok_or(EdgeError::NoTopic(topic));
        let replies = partitions(EDGE_REPLIES.name)?;
        let (products, keys) = (partitions(CATALOG_PRODUCTS.name)?, partitions(IDENTITY_KEYS.name)?);
        let physical = |topic: &str| layout.physical(topic);
        let own = config.replies_partition % replies.max(1);
        Ok(Self {
            writer: log.writer()?,
            replies: Replies::listen(log, &physical(EDGE_REPLIES.name), own, codecs.clone())?,
            catalogue: Catalogue::follow(log, physical(CATALOG_PRODUCTS.name), products, codecs.clone())?,
            keys: Keys::follow(log, physical(IDENTITY_KEYS.name), keys, codecs.clone(), keyring)?,
            // Positions are places in this run's topics: another run's tokens are foreign.
            tokens: signer(&format!("consistency of {}", layout.namespace)),
            cursors: signer("cursors"),
            refresh: signer("refresh"),
            fingerprints: signer("fingerprints"),
            pepper: Pepper::new(secrets.email_pepper),
            throttle: Throttle::new(config.throttle),
            recent: Recent::default(),
            bodies: Bodies::default(),
            administered: AtomicBool::new(!config.awaits_administrator),
            registering: (0..LANES).map(|_| tokio::sync::Mutex::default()).collect(),
            jwt,
            passwords,
            metrics,
            queries,
            codecs,
            layout,
            config,
        })
    }

    /// What is not ready, or not any more; nothing when requests can be served.
    pub fn waits_for(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        for (name, lag) in [
            ("catalogue", self.catalogue.replica().lag()),
            ("keys", self.keys.replica().lag()),
            ("replies", Some(self.replies.silent_for())),
        ] {
            if lag.is_none_or(|lag| lag > self.config.stale_after) {
                missing.push(name);
            }
        }
        if !self.administered.load(Ordering::Relaxed) {
            missing.push("administrator");
        }
        missing
    }

    /// Keeps two registrations of the same user apart: each makes a data key, publishes it, and only then seals with
    /// the newest.
    pub async fn registering(&self, user: UserId) -> tokio::sync::MutexGuard<'_, ()> {
        self.registering[user.uuid().as_bytes()[15] as usize % LANES].lock().await
    }

    pub(crate) fn stop(&self) {
        self.replies.stop();
        self.catalogue.replica().stop();
        self.keys.replica().stop();
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "an edge says when a command was given: decisions take their time from it"
)]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
