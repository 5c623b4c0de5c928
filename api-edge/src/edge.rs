//! An edge: started, served, stopped.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::Router;
use tradewind_runtime::{Client, Codecs, Freshness, Layout};
use tradewind_schemas::{
    Actor, Keyring, Role, UserId,
    identity::{EMAIL_CLAIM, IdentityKey},
};
use tradewind_topics::{Log, list::IDENTITY_COMMANDS};

use crate::{
    app::{App, EdgeConfig, EdgeError},
    idempotency::derived,
    problem::{Code, Problem},
    routes::{self, users},
    secrets::Secrets,
    shop::Shop,
};

/// How long one try to make the administrator waits for the decision, and how long until the next.
const PATIENCE: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(300);

/// Turns requests into commands and serves the views.
pub struct Edge {
    app: Arc<App>,
}

/// The administrator of the configuration cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AdministratorError {
    #[error("no administrator can be made of these: {0}")]
    Refused(String),
    #[error("the administrator was not decided on within {} s: {last}", waited.as_secs())]
    Undecided { waited: Duration, last: String },
}

impl Edge {
    /// Begins to follow the catalogue, the data keys and its replies. `layout` says how the run calls its topics;
    /// `queries` is asked for views; the keyring learns every data key that was published.
    pub fn start(
        config: EdgeConfig,
        log: Arc<dyn Log>,
        layout: Layout,
        codecs: Codecs,
        queries: Client,
        keyring: Arc<Keyring>,
        secrets: &Secrets,
    ) -> Result<Self, EdgeError> {
        App::start(config, &log, layout, codecs, queries, keyring, secrets).map(|app| Self { app: Arc::new(app) })
    }

    /// What clients reach.
    pub fn router(&self) -> Router {
        routes::router(self.app.clone())
    }

    /// What operators reach: /metrics, /livez, /readyz.
    pub fn admin_router(&self) -> Router {
        routes::admin_router(self.app.clone())
    }

    /// What the edge still waits for before it can serve; nothing when it is ready.
    pub fn waits_for(&self) -> Vec<&'static str> {
        self.app.waits_for()
    }

    /// Makes the first administrator, unless somebody has that e-mail address: nobody is overwritten. Tries until it is
    /// decided, or `within` is over. The edge is not ready before.
    pub async fn ensure_admin(&self, email: &str, password: &str, within: Duration) -> Result<(), AdministratorError> {
        Self::check_admin(email, password)?;
        let deadline = tokio::time::Instant::now() + within;
        loop {
            match self.try_admin(email, password).await {
                Ok(()) => {
                    self.app.administered.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                // It is somebody's: theirs it stays.
                Err(problem) if matches!(problem.code, Code::EmailTaken | Code::IdempotencyKeyReused) => {
                    self.app.administered.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                Err(problem) if problem.code.status().is_client_error() => {
                    return Err(AdministratorError::Refused(problem.detail));
                }
                Err(problem) if tokio::time::Instant::now() >= deadline => {
                    return Err(AdministratorError::Undecided { waited: within, last: problem.detail });
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    /// Whether an administrator can be made of these.
    pub fn check_admin(email: &str, password: &str) -> Result<(), AdministratorError> {
        let wanted = crate::shapes::user::Registration {
            email: email.to_owned(),
            password: password.to_owned(),
            name: "Administrator".to_owned(),
        };
        wanted.check().map_err(|problem| AdministratorError::Refused(problem.detail))
    }

    async fn try_admin(&self, email: &str, password: &str) -> Result<(), Problem> {
        let shop = Shop::own(self.app.clone(), PATIENCE);
        let claim = shop.pepper.claim(email);
        let key = IdentityKey::from(claim.clone());
        if shop.row(EMAIL_CLAIM, &key, &(), Freshness::SourceEnd).await?.is_some() {
            return Ok(());
        }
        // The same in every edge and after every restart, so that they all ask for the same one.
        let user_id = UserId::new(derived(&format!("administrator {}", claim.0)));
        let digest = shop.fingerprints.fingerprint(&claim.0);
        let known =
            shop.known(IDENTITY_COMMANDS, &user_id.into(), user_id.uuid(), &digest, Freshness::SourceEnd).await?;
        let ended = match known {
            Some(ended) => ended,
            None => {
                let (email, password) = (email.to_owned(), password.to_owned());
                let person = users::Person { user_id, claim, email, name: "Administrator".to_owned(), password };
                let roles = vec![Role::Customer, Role::Admin];
                users::enrol(&shop, Actor::service("bootstrap"), person, roles, digest).await?
            }
        };
        match ended.accepted()? {
            Some(_) => Ok(()),
            None => Err(Problem::new(Code::Undecided, "The administrator is not decided on yet.")),
        }
    }

    /// Stops following. Requests under way are the server's to finish first.
    pub fn stop(&self) {
        self.app.stop();
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.app.stop();
    }
}
